"""Pages with a row of holes along one edge."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.masks import LabeledMask
from digits.vision.paper.holes import without_holes

Mask = npt.NDArray[np.uint8]

HEIGHT, WIDTH, PITCH = 400, 640, 56


def number(mask: Mask, top: int = 180) -> Mask:
    for k in range(5):
        cv2.ellipse(mask, (150 + 80 * k, top + 40), (24, 40), 0, 30, 330, 1, 8)
    return mask


def wires(mask: Mask, falls: float = 0.02, y: int = 30) -> None:
    """Round holes, from which a wire leads to the edge."""
    for k in range(1, WIDTH // PITCH + 1):
        x = k * PITCH - 30
        foot = round(y + falls * x)
        cv2.circle(mask, (x, foot), 10, 1, -1)
        cv2.line(mask, (x, foot), (x - 3, 0), 1, 8)


def dots(mask: Mask) -> None:
    for k in range(WIDTH // PITCH + 1):
        cv2.circle(mask, (20 + k * PITCH, 34), 9, 1, -1)


def blank() -> Mask:
    return np.zeros((HEIGHT, WIDTH), np.uint8)


@pytest.mark.parametrize("holes", [wires, dots])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_holes_along_an_edge_go_and_the_writing_stays(holes: Callable[[Mask], None], turns: int) -> None:
    page, wanted = blank(), np.rot90(number(blank()), turns)
    holes(page)
    found = without_holes(LabeledMask(np.ascontiguousarray(np.rot90(number(page), turns)))).mask
    assert np.array_equal(found, wanted)


def printed(mask: Mask, text: str, foot: int) -> None:
    """A line of print, in which each character takes the same place."""
    for k, character in enumerate(text):
        cv2.putText(mask, character, (20 + k * PITCH, foot), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 1, 3)


@pytest.mark.parametrize("text", ["88888888888", "11111111111", "00000000000"])
@pytest.mark.parametrize("foot", [52, 200, 380])
def test_a_line_of_equal_digits_stays(text: str, foot: int) -> None:
    page = blank()
    printed(page, text, foot)
    printed(page, "2574", 130)
    assert np.array_equal(without_holes(LabeledMask(page)).mask, page)


def test_uneven_distances_are_no_holes() -> None:
    page = number(blank())
    for x in (20, 90, 180, 220, 330, 420, 520, 610):
        cv2.circle(page, (x, 34), 9, 1, -1)
    assert np.array_equal(without_holes(LabeledMask(page)).mask, page)


def test_dots_alone_stay() -> None:
    page = blank()
    dots(page)
    assert np.array_equal(without_holes(LabeledMask(page)).mask, page)
