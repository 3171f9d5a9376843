"""Scores of reading whole numbers: exact readings and errors per digit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.data.labeled import LabeledPicture
from digits.errors import ImageError
from digits.evaluation.statistics import ErrorRate, Share
from digits.images.decode import decode
from digits.numbers.drawing import draw_reading
from digits.numbers.reader import read_picture
from digits.numbers.reading import Reading
from digits.recognizer import Recognizer

_MISREAD_SHOWN = 8
# The most characters of a reading in a file name, whose length the file system limits.
_NAMED = 60


@dataclass(frozen=True)
class NumbersMeasurement:
    """The result of scoring pictures of numbers.

    Args:
        exact: share of the pictures whose lines were all read without an error.
        digit_errors: edit distance over length.
        by_source: the share read exactly for each source, if the pictures name any.
        misread: the first mistakes, in words.
    """

    exact: Share
    digit_errors: ErrorRate
    by_source: dict[str, Share]
    misread: list[str]

    def to_json(self) -> dict[str, Any]:
        """Returns the measurement as JSON types."""
        return {
            "exact": self.exact.to_json(),
            "digit_errors": self.digit_errors.to_json(),
            "by_source": {source: share.to_json() for source, share in self.by_source.items()},
            "misread": self.misread,
        }


def is_number(label: str) -> bool:
    """Returns whether a label is of several digits. A blank in it means a new line."""
    return len(label.replace(" ", "")) > 1 and not label.strip("0123456789 ")


def edit_distance(read: Sequence[str], written: Sequence[str]) -> int:
    """Returns the least number of insertions, deletions and replacements between two texts (Levenshtein, 1966)."""
    row = list(range(len(written) + 1))
    for i, read_character in enumerate(read, start=1):
        diagonal, row[0] = row[0], i
        for j, character in enumerate(written, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (read_character != character))
    return row[-1]


def measure_numbers(
    recognizer: Recognizer, pictures: Iterable[LabeledPicture], mistakes: Path | None = None
) -> NumbersMeasurement:
    """Reads every picture and compares the reading with the label.

    Args:
        recognizer: reads the digits.
        pictures: one or more; labels are the digits in reading order, with a blank for each new line.
        mistakes: a folder for misread pictures, on which the reading is drawn. Files that cannot be decoded are left
            out. If None, nothing is written.

    Raises:
        OSError: a picture's file is not there, or `mistakes` cannot be written.
    """
    errors: list[int] = []
    lengths: list[int] = []
    misread: list[str] = []
    right: defaultdict[str, list[bool]] = defaultdict(list)
    saved: Counter[str] = Counter()
    for picture in pictures:
        written = picture.label.split()
        content = picture.content
        data = content.read_bytes() if isinstance(content, Path) else content
        try:
            reading = read_picture(recognizer, data)
            answer = " ".join(line for line in reading.lines if line)
        except ImageError as error:
            reading, answer = None, f"nothing ({type(error).__name__})"
        lines = [line for line in reading.lines if line] if reading else []
        errors.append(edit_distance("".join(lines), "".join(written)))
        lengths.append(sum(len(line) for line in written))
        right[picture.source].append(lines == written)
        if lines == written:
            continue
        if len(misread) < _MISREAD_SHOWN:
            misread.append(f"{' '.join(written)} read as {answer}")
        if mistakes and (drawn := _draw_mistake(recognizer, data, reading)) is not None:
            read_as = "_".join(lines)[:_NAMED] or "nothing"
            stem = f"{Path(picture.name).stem}-{'_'.join(written)[:_NAMED]}-read-as-{read_as}"
            saved[stem] += 1
            name = f"{stem}.png" if saved[stem] == 1 else f"{stem}-{saved[stem]}.png"
            _write(mistakes / name, drawn)
    answers = [answer for answers in right.values() for answer in answers]
    return NumbersMeasurement(
        exact=Share(sum(answers), len(answers)),
        digit_errors=ErrorRate(tuple(errors), tuple(lengths)),
        by_source={source: Share(sum(exact), len(exact)) for source, exact in sorted(right.items()) if source},
        misread=misread,
    )


def _draw_mistake(
    recognizer: Recognizer, data: bytes | npt.NDArray[np.uint8], reading: Reading | None
) -> npt.NDArray[np.uint8] | None:
    """Returns a picture with the reading drawn on it, or None if it has no pixels."""
    try:
        pixels = decode(data, recognizer.limits) if isinstance(data, bytes) else data
    except ImageError:
        return None
    height, width = pixels.shape[:2]
    return draw_reading(pixels, reading or Reading((), width, height)) if pixels.size else None


def _write(file: Path, drawn: npt.NDArray[np.uint8]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(file), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)):
        raise OSError(f"{file} cannot be written")
