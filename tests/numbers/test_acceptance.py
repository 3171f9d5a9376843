"""What tells digits and signs apart by what stands beside them."""

import cv2
import numpy as np
import pytest

from digits.arrays import CLASSES, Floats
from digits.numbers.acceptance import (
    ACCEPTANCE_FEATURES,
    Shapes,
    acceptance_features,
    digit_probabilities,
    leans,
    whole_probabilities,
)
from digits.numbers.segments.windows import CHANNELS, SIDE
from digits.numbers.signs.kinds import PIECE, SIGN_CLASSES, SIGNS


def test_the_digits_of_the_sign_classifier_count_together_of_what_is_whole() -> None:
    of_signs = np.zeros((3, SIGN_CLASSES))
    of_signs[0, [3, 5, 12]] = 0.5, 0.3, 0.2
    of_signs[1, 20] = 1.0
    of_signs[2, [3, PIECE]] = 0.4, 0.6
    assert digit_probabilities(of_signs) == pytest.approx([0.8, 0.0, 1.0])
    assert whole_probabilities(of_signs) == pytest.approx([1.0, 1.0, 0.4])


@pytest.mark.parametrize("lean", [-0.5, 0.0, 0.3, 0.8])
def test_the_lean_of_a_stroke_is_how_far_its_top_is_to_the_right(lean: float) -> None:
    windows = np.zeros((1, SIDE, SIDE, CHANNELS), np.uint8)
    stroke = np.zeros((SIDE, SIDE), np.uint8)
    cv2.line(stroke, (round(14 - 10 * lean), 24), (round(14 + 10 * lean), 4), 255, 1)
    windows[0, ..., 0] = stroke
    assert leans(windows)[0] == pytest.approx(lean, abs=0.06)


def line_of(ones: list[int], leaning: Floats, boxes: Floats) -> Shapes:
    of_signs = np.zeros((len(boxes), SIGN_CLASSES))
    of_signs[:, 1] = 1.0
    is_one = np.isin(np.arange(len(boxes)), ones)
    return Shapes(boxes, leaning, np.full(len(boxes), 0.9), of_signs, is_one)


def feature(features: Floats, name: str) -> Floats:
    return features[:, ACCEPTANCE_FEATURES.index(name)]


def test_a_stroke_is_compared_with_its_neighbors() -> None:
    boxes = np.array([[0.0, 0.0, 0.6, 1.0], [0.8, -0.3, 1.3, 1.2], [1.5, 0.1, 2.1, 1.1]])
    line = line_of([1], np.array([0.1, 0.6, 0.1]), boxes)
    features = acceptance_features(line, line, 0)
    assert feature(features, "lean beside that of the line, of a 1") == pytest.approx([0.0, 0.5, 0.0])
    assert feature(features, "height above its neighbors, of a 1") == pytest.approx([0.0, 0.35, 0.0])
    assert feature(features, "height below its neighbors, of a 1") == pytest.approx([0.0, 0.15, 0.0])


def test_a_stroke_counts_as_leaning_if_it_leans_more_than_the_line_does_this_way_and_that() -> None:
    boxes = np.array([[0.8 * k, 0.0, 0.8 * k + 0.5, 1.0] for k in range(6)])
    name = "lean beyond that of the line in its spreads, of a 1"

    def spreads(*leaning: float) -> float:
        line = line_of([3], np.array(leaning), boxes)
        return float(feature(acceptance_features(line, line, 0), name)[3])

    alike, apart = spreads(0.1, 0.1, 0.12, 0.5, 0.08, 0.1), spreads(-0.3, 0.4, 0.1, 0.5, -0.2, 0.5)
    assert alike > 3.0
    assert apart < 2.0
    # A 1 that leans less than the rest is no slash.
    assert spreads(0.5, 0.5, 0.5, 0.1, 0.5, 0.5) == 0.0


def test_other_signs_on_the_line_count_and_the_candidate_itself_does_not() -> None:
    boxes = np.array([[0.0, 0.0, 0.6, 1.0], [0.8, 0.0, 1.3, 1.0]])
    line = line_of([], np.zeros(2), boxes)
    line.sign_probabilities[1] = np.eye(SIGN_CLASSES)[15]
    assert feature(acceptance_features(line, line, 0), "another sign on the line") == pytest.approx([1.0, 0.0])
    assert feature(acceptance_features(line, line, 1), "another sign on the line") == pytest.approx([1.0, 1.0])


def test_a_slash_on_the_line_makes_another_stroke_a_slash_and_no_other_digit() -> None:
    boxes = np.array([[0.0, 0.0, 0.3, 1.0], [0.8, 0.0, 1.3, 1.0], [1.6, 0.0, 1.9, 1.0]])
    line = line_of([0, 2], np.zeros(3), boxes)
    line.sign_probabilities[2] = np.eye(SIGN_CLASSES)[CLASSES + SIGNS.index("/")]
    assert feature(acceptance_features(line, line, 0), "another slash on the line, of a 1").tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("partner", "at", "counts"), [(")", 2, True), (")", 0, False), ("(", 2, False), ("+", 2, False)]
)
def test_what_may_open_a_bracket_counts_if_the_line_closes_one_after_it(partner: str, at: int, counts: bool) -> None:
    doubtful = 2 - at
    boxes = np.array([[0.0, 0.0, 0.3, 1.0], [0.8, 0.0, 1.3, 1.0], [1.6, 0.0, 1.9, 1.0]])
    line = line_of([], np.zeros(3), boxes)
    opening, closing = CLASSES + SIGNS.index("("), CLASSES + SIGNS.index(partner)
    line.sign_probabilities[doubtful, [1, opening]] = 0.6, 0.4
    line.sign_probabilities[at] = np.eye(SIGN_CLASSES)[closing]
    odds = feature(acceptance_features(line, line, 0), "log odds of a bracket whose partner is on the line")
    assert (odds[doubtful] > -1.0) == counts
    assert odds[1] < -4.0


def test_a_stroke_alone_has_no_neighbors() -> None:
    alone = line_of([0], np.array([0.7]), np.array([[0.0, 0.0, 0.5, 1.0]]))
    assert np.isfinite(acceptance_features(alone, alone, 0)).all()
    assert feature(acceptance_features(alone, alone, 0), "lean beside that of the line, of a 1") == pytest.approx([0.0])
