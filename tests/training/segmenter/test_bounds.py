"""When the line network need not be asked."""

import numpy as np

from digits.numbers.decoding import NEVER_SURE
from digits.training.segmenter.acceptance import fit_bounds


def test_lines_that_are_lost_where_paths_are_unsure_are_asked_about() -> None:
    # All are equally confident; of those with an unsure path every second one is lost.
    paths = np.repeat([0.65, 0.995], 200)
    lost = (paths < 0.7) & (np.arange(400) % 2 == 0)
    sure, path, _ = fit_bounds(np.full(400, 0.9), paths, np.ones(400), lost)
    assert sure <= 0.9
    assert 0.65 < path <= 0.995
    assert fit_bounds(np.full(400, 0.9), paths, np.ones(400), np.zeros(400, np.bool_))[1] <= 0.65


def test_lines_that_are_lost_where_a_network_doubts_a_digit_are_asked_about() -> None:
    alone = np.repeat([0.65, 0.95], 200)
    lost = (alone < 0.7) & (np.arange(400) % 2 == 0)
    sure, _, least = fit_bounds(np.full(400, 0.9), np.ones(400), alone, lost)
    assert sure <= 0.9
    assert 0.65 < least <= 0.95
    assert fit_bounds(np.full(400, 0.9), np.ones(400), alone, np.zeros(400, np.bool_))[2] <= 0.65


def test_where_all_lines_are_lost_none_is_sure() -> None:
    sure, *_ = fit_bounds(np.ones(50), np.ones(50), np.ones(50), np.ones(50, np.bool_))
    assert sure == NEVER_SURE


def test_lines_that_are_lost_where_all_else_is_sure_need_more_confidence() -> None:
    confidences = np.linspace(0.5, 1.0, 400)
    lost = (confidences < 0.7) & (np.arange(400) % 5 == 0)
    sure, *_ = fit_bounds(confidences, np.full(400, 0.9995), np.full(400, 0.95), lost)
    assert 0.6 < sure < 0.75


def test_of_bounds_with_the_same_lines_the_highest_count() -> None:
    bounds = fit_bounds(np.full(50, 0.9), np.full(50, 0.96), np.full(50, 0.85), np.zeros(50, np.bool_))
    assert bounds == (0.9, 0.95, 0.8)
