"""Reads a picture of any count of digits.

Segmentation by recognition: everything on a line that may be a digit is looked at by two networks, and the best way to
take the line apart is found by dynamic programming (LeCun et al., "Gradient-Based Learning Applied to Document
Recognition", 1998, on graph transformers). A third network reads the line as a whole, and the likelier reading counts.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from digits import budget
from digits.errors import (
    CrowdedImageError,
    NoDigitError,
    NoInkError,
    UnexpectedNumberError,
)
from digits.images.decode import OpenedImage, open_image
from digits.numbers.expectation import Expectation, parse_expectation
from digits.numbers.line_reading import LineReading, is_edge_alone
from digits.numbers.lines.crosses import with_pluses
from digits.numbers.lines.entries import Entry
from digits.numbers.lines.left_out import leaves_ink
from digits.numbers.lines.reading import read_line
from digits.numbers.looks.again import LEAST_QUALITY, read_again, views_of
from digits.numbers.looks.known import KnownLine, known_among
from digits.numbers.networks import Networks, shipped_networks
from digits.numbers.reading import Alternative, Place, ReadDigit, Reading, of_two_views
from digits.numbers.segmentation import Writing, find_writing, take_apart
from digits.numbers.segments.layout import Line
from digits.numbers.signs.marks import find_small_strokes
from digits.recognizer import Recognizer
from digits.vision.foreground import NO_INK, find_foreground
from digits.vision.reduction import shrink
from digits.vision.sheet import crop_to_sheet
from digits.vision.views.pages import PEN_VIEWS, PageView, copy_of_page

_NO_DIGIT = (
    "No digit was found in this picture: what is written on it looks like none. Crop it to the number, so that nothing "
    "else shows, such as a table; write larger; or give it more light."
)
# A page is read at so many pixels on its longer side, if its shorter one then has as many as a small digit.
PAGE_SIDE = 1600
# The crops of a page may have as many pixels as two pages, and these for each candidate that the limits allow.
_PIXELS_OF_CANDIDATE = 6_000
SMALLEST = 10
# Memory that reading a page takes, in bytes for each pixel at the size at which it is read: masks, labels, distances.
_READING_BYTES = 25
# What is decoded waits for so long until it may be read: the largest image is decoded in less, and the work is done.
_PATIENCE_SECONDS = 2.0
# All other views together may take this share of the first view's work; and what it left of its own, and this share.
_SECOND_WORK, _MORE_WORK = 0.76, 0.25
# Of lines that stand in one another, none is right with a larger probability.
_TORN = 0.49
# So many digits are given for each place, the most likely first.
_ALTERNATIVES = 3


class NumberReader:
    """Reads the numbers in pictures. May be called from several threads at a time.

    Args:
        recognizer: the network that reads single digits, and the limits on what a picture may cost.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer

    @classmethod
    def load(cls) -> "NumberReader":
        """Loads the model that `digits.recognizer.find_model` finds.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: the file cannot be used.
        """
        return cls(Recognizer.load())

    def read(self, picture: bytes | OpenedImage | npt.NDArray[np.uint8], expect: str | None = None) -> Reading:
        """Reads the digits in a picture; both arguments, the result and the errors are those of `read_picture`."""
        return read_picture(self.recognizer, picture, expect=expect)


def read_picture(
    recognizer: Recognizer,
    picture: bytes | OpenedImage | npt.NDArray[np.uint8],
    size: tuple[int, int] | None = None,
    expect: str | None = None,
) -> Reading:
    """Reads the digits in a picture; boxes are in pixels of the whole picture, turned upright.

    Args:
        recognizer: whose network and limits to use.
        picture: an image file's bytes; what `open_image` made of them; or pixels, uint8 of shape (height, width) or
            (height, width, 3), RGB, ink of either polarity.
        size: (width, height) in pixels of the whole picture, if the pixels given are a reduced copy of it.
        expect: a pattern that every line with digits must match: a length such as `4` or `4-6`, or a mask such as
            `####`, `##/##/####`, `#+` or `##.##`. The search holds to it.

    Raises:
        PatternError: `expect` is no pattern.
        UnexpectedNumberError: what is written does not match it.
        NoInkError: nothing is written on it; NoDigitError, which is one: something is, and none of it is a digit.
        CrowdedImageError: more is on it than the recognizer's limits allow.
        MemoryBusyError: other images take the memory that `digits.budget.bounded_memory` allows.
        ImageError: the file cannot be answered; the message says why and what to do.
    """
    expectation = None if expect is None else parse_expectation(expect)
    with budget.bounded_work(_most_work(recognizer)):
        if isinstance(picture, np.ndarray):
            width, height = size or (picture.shape[1], picture.shape[0])
            return _read(recognizer, shrink(picture, PAGE_SIDE, quick=True), width, height, expectation)
        opened = picture if isinstance(picture, OpenedImage) else open_image(picture, recognizer.limits)
        pixels = opened.decode(PAGE_SIDE)
        needed = _reading_bytes(pixels)
        with budget.memory(lambda: needed, _PATIENCE_SECONDS):
            page = shrink(pixels, PAGE_SIDE, quick=True)
            del pixels  # They may take four times as much as the page.
            return _read(recognizer, page, *opened.upright_size, expectation)


def _read(
    recognizer: Recognizer, page: npt.NDArray[np.uint8], width: int, height: int, expectation: Expectation | None
) -> Reading:
    """Reads a page, which may be a reduced copy of `width` x `height` pixels, in which boxes are given."""
    if min(page.shape[:2]) < SMALLEST:
        raise NoInkError(
            f"The image has {width} x {height} pixels: too small, or too narrow for its length, to hold a digit. "
            "Crop it to the number, or use it at its full size."
        )
    again = partial(_read_again, recognizer, page, width, height, expectation)
    try:
        sheet, corner = crop_to_sheet(page)
        first = _read_view(recognizer, sheet, Place(width, height, page.shape[1], page.shape[0], *corner), expectation)
    except NoInkError as error:
        # That there is no digit may only be said when all views were seen, and not when time runs out before.
        is_written = isinstance(error, NoDigitError)
        if (second := again(views_of(None, is_written), is_written=is_written)) is None:
            raise
        return second
    except CrowdedImageError:
        # What is crowded with all that shadows and a table show may be clear without them.
        second = None
        with contextlib.suppress(*budget.TIME_OVER):
            second = again(PEN_VIEWS)
        if second is None:
            raise
        return second
    if first.line_quality >= LEAST_QUALITY:
        return first
    try:
        second = again(views_of(first, is_written=True), first)
    except budget.TIME_OVER:
        return first
    return first if second is None else of_two_views(first, second, LEAST_QUALITY)


def _reading_bytes(pixels: npt.NDArray[np.uint8]) -> int:
    """Returns about how much memory it takes to read a page besides its pixels, in bytes."""
    scale = min(1.0, PAGE_SIDE / max(pixels.shape[:2]))
    return round(_READING_BYTES * scale**2 * pixels.shape[0] * pixels.shape[1])


def _most_work(recognizer: Recognizer) -> int:
    """Returns how many pixels the crops of a page may have."""
    return 2 * PAGE_SIDE**2 + _PIXELS_OF_CANDIDATE * recognizer.limits.max_candidates


def _read_again(
    recognizer: Recognizer,
    page: npt.NDArray[np.uint8],
    width: int,
    height: int,
    expectation: Expectation | None,
    views: Iterable[PageView],
    first: Reading | None = None,
    is_written: bool = True,
) -> Reading | None:
    """Reads a page in other views, as `read_again` does; the first arguments are those of `_read`."""
    copy = copy_of_page(page) if recognizer.looks_again else None
    if copy is None:
        return None

    def read(shown: npt.NDArray[np.uint8], known: Sequence[KnownLine]) -> Reading:
        return _read_view(recognizer, shown, Place(width, height, shown.shape[1], shown.shape[0]), expectation, known)

    # Work of its own: what shadows and a table show may have used up that of the first view.
    most = _most_work(recognizer)
    with budget.bounded_work(min(round(_SECOND_WORK * most), budget.work_left() + round(_MORE_WORK * most))):
        return read_again(read, copy, views, first, is_written)


def _read_view(
    recognizer: Recognizer,
    page: npt.NDArray[np.uint8],
    place: Place,
    expectation: Expectation | None,
    known: Sequence[KnownLine] = (),
) -> Reading:
    """Reads a page, or what of it lies in a place, in one view; other arguments are those of `_read`.

    Lines that are `known` from another view are taken from there.
    """
    networks = shipped_networks(recognizer)
    foreground = find_foreground(page, even_light=True)
    writing = find_writing(foreground)
    found = known_among(known, [place.box_of(writing.box_of(line), foreground.margin) for line in writing.lines])
    unread = [line for line, one in zip(writing.lines, found, strict=True) if one is None]
    lines = read_lines(recognizer, writing, networks, expectation, unread)
    digits: list[ReadDigit] = []
    confidences: list[float] = []
    in_turn = iter(lines)
    for number, one in enumerate(found):
        if one is not None:
            digits += [replace(digit, line=number) for digit in one.digits]
            confidences.append(one.confidence)
            continue
        line = next(in_turn)
        digits += [_read_digit(entry, number, place.box_of(entry.box, foreground.margin)) for entry in line.entries]
        # A line on which nothing is read is right.
        confidences.append(line.confidence(networks.decoding) if line.entries else 1.0)
    if not any(digit.accepted for digit in digits):
        raise NoDigitError(_NO_DIGIT) if digits else NoInkError(NO_INK)
    if is_edge_alone(lines, page.shape, foreground.margin):
        raise NoDigitError(_NO_DIGIT)
    if expectation is not None and not all(line.matches for line in lines):
        read = Reading(tuple(digits), place.width, place.height).transcript.replace("\n", " / ")
        raise UnexpectedNumberError(
            f"What is written does not match the pattern {expectation.pattern!r}: {read!r} was read. "
            "Use another picture, or a pattern that fits it.",
            read,
        )
    reading = Reading(tuple(digits), place.width, place.height, tuple(confidences[: 1 + digits[-1].line]))
    # Where one line stands in another, strokes of its digits were taken for a line.
    return replace(reading, line_confidences=tuple(_TORN * one for one in confidences)) if reading.is_torn else reading


def read_lines(
    recognizer: Recognizer,
    writing: Writing,
    networks: Networks,
    expectation: Expectation | None = None,
    lines: Sequence[Line] | None = None,
) -> list[LineReading]:
    """Reads lines of a page; boxes are in pixels of its foreground.

    Args:
        recognizer: reads the digits; its limits hold.
        writing: what is written on the page.
        networks: to read it with.
        expectation: a pattern that the lines must match, if they can.
        lines: those of the page's to read; if it is None, all of them.

    Returns:
        What each line shows, in the order of the lines.

    Raises:
        CrowdedImageError: more is on them than the recognizer's limits allow.
    """
    lines = writing.lines if lines is None else lines
    lattices = take_apart(recognizer, networks.segments, networks.signs, writing, lines)
    parts, taken = writing.parts, writing.members
    small = find_small_strokes(parts, taken)
    read = []
    for line, lattice in zip(lines, lattices, strict=True):
        one = read_line(lattice, parts, small, networks, expectation)
        one = replace(one, entries=with_pluses(one.entries, parts, line.members))
        boxes = [entry.box for entry in one.entries]
        read.append(replace(one, leaves_ink=bool(boxes) and leaves_ink(writing.foreground, parts, taken, line, boxes)))
    return read


def _read_digit(entry: Entry, line: int, box: tuple[int, int, int, int]) -> ReadDigit:
    likely = np.argsort(-entry.digits, kind="stable")[:_ALTERNATIVES].tolist()
    return ReadDigit(
        digit=likely[0],
        confidence=float(entry.digits[likely[0]]),
        accepted=entry.accepted,
        box=box,
        line=line,
        sign=None if entry.accepted else entry.sign,
        sign_confidence=None if entry.accepted else entry.sign_probability,
        alternatives=tuple(Alternative(digit, float(entry.digits[digit])) for digit in likely),
        after_blank=entry.after_blank,
    )
