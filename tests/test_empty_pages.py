"""A page on which nobody has written shows no digit, however light falls on it and whatever crosses it."""

import contextlib

import cv2
import numpy as np
import pytest

from digits.arrays import Gray
from digits.errors import ImageContentError
from digits.numbers.reader import NumberReader
from digits.recognizer import Recognizer

SIZES = [(640, 480), (480, 640), (140, 140)]
PAPER = 235.0


def evenly_darker(height: int, width: int, darkest: float, towards: str) -> Gray:
    """Paper that light leaves on one side, which is `darkest`."""
    along = np.linspace(0.0, 1.0, width)[None].repeat(height, axis=0)
    down = np.linspace(0.0, 1.0, height)[:, None].repeat(width, axis=1)
    share = {"right": along, "left": 1.0 - along, "bottom": down, "corner": (along + down) / 2.0}[towards]
    return np.rint(PAPER - (PAPER - darkest) * share).astype(np.uint8)


def crossed(kind: str, height: int = 640, width: int = 480) -> Gray:
    """Paper with something else than writing from border to border."""
    page = evenly_darker(height, width, 190.0, "right").astype(np.float32)
    if kind == "fold":
        page[:, width // 2 : width // 2 + 2] *= 0.75
    elif kind == "margin":
        page[:, width // 8 : width // 8 + 2] *= 0.7
    elif kind == "table":
        page[:, : width // 5] = 70.0
    elif kind == "corner of a table":
        cv2.fillPoly(page, [np.array([[0, 0], [160, 0], [0, 213]])], 90.0, cv2.LINE_AA)
    elif kind == "rules and margin":
        for y in range(20, height, 37):
            cv2.line(page, (0, y), (width, y + 6), 160.0, 2, cv2.LINE_AA)
        cv2.line(page, (58, 0), (52, height), 130.0, 2, cv2.LINE_AA)
    elif kind == "edge of a shadow":
        shade = np.zeros((height, width), np.float32)
        cv2.fillPoly(shade, [np.array([[width // 6, height], [width - 10, 0], [width, 0], [width, height]])], 1.0)
        page *= 1.0 - 0.6 * cv2.GaussianBlur(shade, (0, 0), 6.0)
    grain = np.random.default_rng(0).normal(0.0, 1.5, page.shape)
    return np.clip(page + grain, 0.0, 255.0).astype(np.uint8)


def accepts(recognizer: Recognizer, page: Gray) -> bool:
    try:
        return recognizer.recognize_pixels(page).accepted
    except ImageContentError:
        return False


@pytest.mark.parametrize("towards", ["right", "left", "bottom", "corner"])
@pytest.mark.parametrize("darkest", [210.0, 180.0, 120.0])
@pytest.mark.parametrize("size", SIZES)
def test_uneven_light_is_no_digit(recognizer: Recognizer, size: tuple[int, int], darkest: float, towards: str) -> None:
    assert not accepts(recognizer, evenly_darker(*size, darkest, towards))


@pytest.mark.parametrize(
    "kind", ["fold", "margin", "table", "corner of a table", "rules and margin", "edge of a shadow"]
)
def test_what_crosses_a_page_is_no_digit(recognizer: Recognizer, kind: str) -> None:
    page = crossed(kind)
    assert not accepts(recognizer, page)
    with contextlib.suppress(ImageContentError):
        assert not NumberReader(recognizer).read(page).accepted


def test_a_1_beside_a_fold_is_read(recognizer: Recognizer) -> None:
    page = crossed("fold")
    cv2.line(page, (120, 200), (112, 420), 30, 14, cv2.LINE_AA)
    answer = recognizer.recognize_pixels(page)
    assert (answer.digit, answer.accepted) == (1, True)


def test_a_picture_that_is_cropped_to_a_1_is_read(recognizer: Recognizer) -> None:
    page = np.full((200, 60), 235, np.uint8)
    cv2.line(page, (34, 0), (26, 199), 30, 22, cv2.LINE_AA)
    assert recognizer.recognize_pixels(page).digit == 1
