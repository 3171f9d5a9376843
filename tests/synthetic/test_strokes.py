from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from digits.synthetic.strokes import DIGITS, LETTERS, Canvas, Form, draw_curve, draw_digit, draw_form
from digits.vision.normalize import normalize


def share_at_the_edge(canvas: Canvas) -> float:
    """Share of the ink that lies on the outermost pixels."""
    inner = int(canvas[1:-1, 1:-1].sum())
    return 1.0 - inner / int(canvas.sum())


def in_their_box(forms: Sequence[Form]) -> bool:
    points = np.concatenate([stroke for form in forms for stroke in form])
    return float(points.min()) >= 0.0 and float(points.max()) <= 1.0


def test_every_digit_has_several_forms_of_points_in_their_box() -> None:
    assert set(DIGITS) == set(range(10))
    for forms in DIGITS.values():
        assert len(set(forms)) >= 2
        assert in_their_box(forms)


def test_no_letter_has_the_form_of_a_digit() -> None:
    assert in_their_box(LETTERS)
    assert len(set(LETTERS)) == len(LETTERS)
    assert set(LETTERS).isdisjoint(form for forms in DIGITS.values() for form in forms)


def test_every_form_is_drawn_some_time() -> None:
    # A dash each, told apart by its row.
    rows = [0.1, 0.5, 0.9]
    forms = [(((0.4, row), (0.6, row)),) for row in rows]
    rng = np.random.default_rng(0)
    middles = [float(np.nonzero(draw_form(forms, 100, rng))[0].mean()) for _ in range(60)]
    assert {round(middle / 25.0) for middle in middles} == {1, 2, 3}


@pytest.mark.parametrize("side", [28, 72, 150])
@pytest.mark.parametrize("digit", DIGITS)
def test_a_drawing_is_white_on_black_and_in_the_middle(digit: int, side: int) -> None:
    rng = np.random.default_rng(digit)
    for _ in range(50):
        canvas = draw_digit(digit, side, rng)
        assert canvas.shape == (side, side)
        assert canvas.dtype == np.uint8
        assert canvas.max() > 200
        # A slanted one may touch an edge of a small canvas, but is not cut off.
        assert share_at_the_edge(canvas) < 0.1
        _, _, width, height = cv2.boundingRect((canvas > 100).astype(np.uint8))
        assert max(width, height) > 0.4 * side


@pytest.mark.parametrize("digit", DIGITS)
def test_the_same_state_gives_the_same_drawing_and_the_next_another(digit: int) -> None:
    rng, again = (np.random.default_rng(3) for _ in range(2))
    first, second = (draw_digit(digit, 72, rng) for _ in range(2))
    assert np.array_equal(first, draw_digit(digit, 72, again))
    assert not np.array_equal(first, second)


def test_pens_are_thin_and_thick() -> None:
    rng = np.random.default_rng(0)
    ink = [float((draw_digit(1, 72, rng) > 127).mean()) for _ in range(100)]
    assert max(ink) > 3.0 * min(ink)


def test_a_drawing_can_be_normalized() -> None:
    rng = np.random.default_rng(0)
    for digit in DIGITS:
        assert normalize(draw_digit(digit, 150, rng)).image.max() == 255


def test_a_curve_goes_through_its_points() -> None:
    points = np.array([(10.0, 10.0), (30.0, 50.0), (60.0, 20.0), (80.0, 80.0)])
    canvas = np.zeros((100, 100), np.uint8)
    draw_curve(canvas, points, 3)
    assert all(canvas[int(y), int(x)] > 200 for x, y in points)


def test_a_point_that_occurs_twice_makes_a_corner() -> None:
    bend, corner = np.zeros((100, 100), np.uint8), np.zeros((100, 100), np.uint8)
    points = np.array([(10.0, 80.0), (50.0, 20.0), (90.0, 80.0)])
    draw_curve(bend, points, 3)
    draw_curve(corner, points[[0, 1, 1, 2]], 3)
    straight = np.zeros((100, 100), np.uint8)
    cv2.polylines(straight, [points.astype(np.int32)], False, 255, 3, cv2.LINE_AA)

    def overlap(canvas: Canvas) -> float:
        return float(np.minimum(canvas, straight).sum()) / float(straight.sum())

    assert overlap(corner) > 0.97
    assert overlap(bend) < 0.9
