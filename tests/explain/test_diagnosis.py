import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.errors import ComputeTimeError, MemoryBusyError, NoInkError, ProcessorBusyError, ProcessStartError
from digits.explain.diagnosis import Hint, diagnose, hints_without_ink
from digits.images.decode import open_image
from digits.recognizer import Recognizer, shipped_model
from tests.conftest import encode_png

# A shape that is no digit, in a square of 100.
ZIGZAG = [(5, 5), (27, 95), (50, 35), (73, 95), (95, 5)]


def zigzag(
    side: int, size: int, *, ink: int = 0, ground: int = 255, pen: int = 0, at: tuple[int, int] | None = None
) -> npt.NDArray[np.uint8]:
    """A zigzag of `size` pixels on a square picture of `side`; in its middle, or with its corner at a place."""
    picture = np.full((side, side), ground, np.uint8)
    corner = at or ((side - size) // 2, (side - size) // 2)
    points = np.array(ZIGZAG) * size // 100 + corner
    cv2.polylines(picture, [points.astype(np.int32)], False, ink, pen or max(1, size // 12))
    return picture


def grainy(picture: npt.NDArray[np.uint8], sigma: float) -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0.0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def hints(recognizer: Recognizer, picture: npt.NDArray[np.uint8]) -> list[Hint]:
    """What is said of a picture that comes as a file, as in the app."""
    opened = open_image(encode_png(picture))
    pixels = opened.decode()
    prediction = recognizer.recognize_pixels(pixels)
    assert not prediction.accepted
    return diagnose(pixels, prediction, lambda: opened.decode(max(picture.shape)))


@pytest.mark.parametrize(
    ("drawing", "first"),
    [
        (zigzag(100, 11), Hint("The digit is small.", "Draw it larger.")),
        (
            np.hstack([zigzag(200, 130), zigzag(200, 90)]),
            Hint("There is more writing beside it.", "Draw one digit at a time."),
        ),
        (
            grainy(zigzag(400, 280, ground=200), 40.0),
            Hint(
                "Its shape is unlike the digits that the network was trained on.", "Write one digit, large and plain."
            ),
        ),
    ],
    ids=["small", "more writing", "grainy"],
)
def test_a_drawing_gets_no_advice_for_photos(
    recognizer: Recognizer, drawing: npt.NDArray[np.uint8], first: Hint
) -> None:
    assert diagnose(drawing, recognizer.recognize_pixels(drawing), drawn=True)[0] == first


@pytest.mark.parametrize(
    ("picture", "why", "what_to_try"),
    [
        (zigzag(200, 120, ink=225), "faint", "darker pen"),
        (zigzag(200, 120, at=(100, 40)), "cut off at the edge", "room"),
        (np.hstack([zigzag(200, 130), zigzag(200, 90)]), "more writing beside it", "crop to it"),
        (zigzag(100, 11), "only 11 pixels large.", "full size"),
        (grainy(zigzag(400, 280, ground=200), 40.0), "grainy", "more light"),
        (zigzag(200, 120), "unlike the digits", "large and plain"),
    ],
    ids=["faint", "cut off", "more writing", "small", "grainy", "plain"],
)
def test_the_likeliest_cause_comes_first(
    recognizer: Recognizer, picture: npt.NDArray[np.uint8], why: str, what_to_try: str
) -> None:
    hint = hints(recognizer, picture)[0]
    assert why in hint.why
    assert what_to_try in hint.what_to_try


@pytest.mark.parametrize("size", [60, 100, 140])
def test_black_ink_that_is_small_in_a_large_photo_is_called_small_and_not_faint(
    recognizer: Recognizer, size: int
) -> None:
    first, *more = hints(recognizer, zigzag(4000, size, pen=8)[500:3500])
    said = int(first.why.split("only ")[1].split(" ")[0])
    # In the pixels of the person's own picture; the pen adds to it.
    assert abs(said - size) <= 20
    assert first.why.endswith("pixels large, of 4000.")
    assert "Go closer" in first.what_to_try
    assert not any("faint" in hint.why for hint in more)


def test_ink_that_is_faint_at_full_size_is_called_faint_in_a_large_photo_too(recognizer: Recognizer) -> None:
    assert "faint" in hints(recognizer, zigzag(3200, 1800, ink=225))[0].why


@pytest.mark.parametrize("kind", [ComputeTimeError, MemoryBusyError, ProcessorBusyError, ProcessStartError])
def test_what_takes_the_whole_picture_is_not_told_where_that_cannot_be_decoded_once_more(
    recognizer: Recognizer, kind: type[Exception]
) -> None:
    def whole() -> npt.NDArray[np.uint8]:
        raise kind("Try again in a moment.")

    # Black and thin, which is gray in the reduced copy.
    pixels = open_image(encode_png(zigzag(4000, 100, pen=8))).decode()
    first, *more = diagnose(pixels, recognizer.recognize_pixels(pixels), whole)
    assert first == Hint("The digit is small.", "Go closer, or crop the picture to the digit.")
    assert more
    assert not any("faint" in hint.why for hint in more)


def test_where_no_ink_is_found_noise_is_told_from_emptiness() -> None:
    noisy = grainy(zigzag(200, 120, ground=128), 60.0)
    with pytest.raises(NoInkError):
        Recognizer.load(shipped_model()).recognize_pixels(noisy)
    assert "grainy" in hints_without_ink(noisy)[0].why
    assert hints_without_ink(np.full((60, 60), 255, np.uint8)) == []
