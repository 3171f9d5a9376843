import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.diagnosis import diagnose
from digits.errors import NoInkError, SeveralDigitsError


def one(start: tuple[int, int], end: tuple[int, int], ink: int = 0) -> npt.NDArray[np.uint8]:
    """A stroke of a pen on white paper."""
    picture = np.full((200, 200), 255, np.uint8)
    cv2.line(picture, start, end, ink, 9)
    return picture


@pytest.mark.parametrize(
    ("picture", "outcome", "why", "what_to_try"),
    [
        (one((100, 40), (100, 160), ink=225), NoInkError("?"), "faint", "darker pen"),
        (one((100, 40), (100, 199)), NoInkError("?"), "cut off at the edge", "room"),
        (np.full((50, 50), 255, np.uint8), NoInkError("?"), "Nothing was found", "dark pen"),
        (np.zeros((2, 90), np.uint8), NoInkError("?"), "tiny", "28 x 28"),
        (one((100, 40), (100, 160)), SeveralDigitsError(2), "2 digits or more", "one digit at a time"),
    ],
    ids=["faint", "cut off", "blank", "tiny", "several"],
)
def test_the_likeliest_cause_comes_first(
    picture: npt.NDArray[np.uint8], outcome: Exception, why: str, what_to_try: str
) -> None:
    hint = diagnose(picture, outcome)[0]
    assert why in hint.why
    assert what_to_try in hint.what_to_try
