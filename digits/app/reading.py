"""Reads the picture that a visitor gave, and keeps the answer as long as picture and model stay the same."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.errors import DigitsError, ImageError, ProcessStartError, is_out_of_files
from digits.images.decode import open_image
from digits.recognizer import Prediction, Recognizer


@dataclass(frozen=True)
class Answered:
    """A picture and its answer.

    Args:
        pixels: the picture, uint8 of shape (height, width) or (height, width, 3); None if it cannot be decoded.
        answer: the prediction, or why there is none.
        whole: returns the upright picture at full size, if `pixels` are a reduced copy; else None.
        page_count: how many pages the file has, of which the first was read.
        drawn: whether it was drawn on the canvas.
    """

    pixels: npt.NDArray[np.uint8] | None
    answer: Prediction | DigitsError
    whole: Callable[[], npt.NDArray[np.uint8]] | None = None
    page_count: int = 1
    drawn: bool = False


@contextlib.contextmanager
def lack_of_files_told() -> Iterator[None]:
    """Raises a `ProcessStartError` where this process may open no more files: that passes, and is told to a visitor."""
    try:
        yield
    except (OSError, ImportError) as error:
        if not is_out_of_files(error):
            raise
        raise ProcessStartError("The app can open no more files. Try again in a moment.") from error


def read(recognizer: Recognizer, file: bytes, *, drawn: bool = False) -> Answered:
    """Reads an image file.

    Args:
        recognizer: the model to read with.
        file: the image file.
        drawn: whether it was drawn on the canvas.
    """
    try:
        with lack_of_files_told():
            opened = open_image(file, recognizer.limits)
            pixels = opened.decode()
    except DigitsError as error:
        return Answered(None, error, drawn=drawn)
    side = max(opened.width, opened.height)
    whole = (lambda: opened.decode(side)) if side > max(pixels.shape[:2]) else None
    try:
        answer: Prediction | DigitsError = recognizer.recognize_pixels(pixels)
    except ImageError as error:
        answer = error
    return Answered(pixels, answer, whole, opened.pages, drawn)


def read_once(recognizer: Recognizer, file: bytes, *, drawn: bool = False) -> Answered:
    """Reads an image file, unless it is the one that the visitor's session has read last; arguments as for `read`."""
    key = hashlib.sha256(f"{recognizer.digest} {drawn}".encode() + file).digest()
    last_key, answered = st.session_state.get("last answer", (None, None))
    if last_key != key or answered is None:
        answered = read(recognizer, file, drawn=drawn)
        if isinstance(answered.answer, Prediction | ImageError):
            # What else goes wrong, such as a process that cannot be started, passes: it is asked again.
            st.session_state["last answer"] = (key, answered)
    return answered
