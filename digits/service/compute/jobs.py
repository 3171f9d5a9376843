"""What compute processes do: each function takes the recognizer and a part of a request, and returns what was read.

What it returns holds no picture, since it is sent to the worker.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from digits.budget import each_with_its_time
from digits.errors import DigitsError, ImageError
from digits.images.decode import open_image
from digits.images.sources import open_each
from digits.recognizer import Prediction, Recognizer
from digits.service.errors import as_unavailable
from digits.vision.normalize import Normalized, Stage

if TYPE_CHECKING:
    from digits.numbers.document import DocumentReading


def recognize(recognizer: Recognizer, data: bytes, page: int) -> tuple[Prediction, int]:
    """Reads the digit on a page of a file; returns it, and how many pages the file has."""
    opened = open_image(data, recognizer.limits, page)
    return without_stages(recognizer.recognize(opened)), opened.pages


def look_again(recognizer: Recognizer, data: bytes, first: Prediction | ImageError) -> Prediction:
    """Reads the digit in a file in other views than the first, which showed `first`."""
    return without_stages(recognizer.look_again(open_image(data, recognizer.limits), first))


def recognize_batch(recognizer: Recognizer, files: Sequence[bytes]) -> list[tuple[Prediction | DigitsError, int]]:
    """Reads the first page of each file of a batch, within the current budget for each.

    Returns:
        For each file its prediction or why there is none, and how many pages it has. Where the system lacks for a
        moment what one file needs, such as a process, that file alone gets an `UnavailableError`.
    """
    page_counts: list[int] = []
    opened = open_each(each_with_its_time(files), recognizer.limits, page_counts)
    try:
        read = list(recognizer.recognize_many(opened))
    except Exception as error:
        if (unavailable := as_unavailable(error)) is None:
            raise
        if len(files) == 1:
            return [(unavailable, 1)]
        return [answer for file in files for answer in recognize_batch(recognizer, [file])]
    answers = [answer if isinstance(answer, ImageError) else without_stages(answer) for answer in read]
    return list(zip(answers, page_counts, strict=True))


def read_document(recognizer: Recognizer, data: bytes, page: int | None, expect: str | None) -> "DocumentReading":
    """Reads all digits in a file; arguments as for `digits.numbers.document.read_document`."""
    # Imported with the first page: most services never read one.
    from digits.numbers.document import read_document as read

    return read(recognizer, data, page, expect)


def without_stages(prediction: Prediction) -> Prediction:
    """Returns a prediction without the steps to its image, which hold the picture."""
    return replace(prediction, normalized=Normalized(prediction.normalized.image, _no_stages))


def _no_stages() -> tuple[Stage, ...]:
    return ()
