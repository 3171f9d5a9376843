"""Reads the pages of a document, one after the other."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from digits import budget
from digits.errors import ComputeTimeError, ImageError, NoInkError, TooManyPagesError, TooManyPixelsError
from digits.images.decode import OpenedImage, open_image
from digits.images.limits import ImageLimits
from digits.numbers.expectation import parse_expectation
from digits.numbers.reader import read_picture
from digits.numbers.reading import Reading
from digits.recognizer import Recognizer


@dataclass(frozen=True)
class PageReading:
    """What was read on a page.

    Args:
        page: its number, from 1.
        reading: empty if no digit was found.
        problem: a sentence that says why nothing was read; None if something was.
    """

    page: int
    reading: Reading
    problem: str | None = None


@dataclass(frozen=True)
class DocumentReading:
    """What was read on the pages of a document.

    Args:
        pages: the pages that were read, in their order.
        page_count: how many pages the document has.
    """

    pages: tuple[PageReading, ...]
    page_count: int = 1

    @property
    def joined(self) -> Reading:
        """All pages as one reading, whose lines are those of all pages. The boxes stay those of each page.

        Its view is that of the first page.
        """
        digits, confidences = [], list[float]()
        for page in self.pages:
            first_line = len(confidences)
            digits += [replace(digit, line=first_line + digit.line) for digit in page.reading.digits]
            confidences += page.reading.line_confidences
        first = self.pages[0].reading
        return Reading(tuple(digits), first.width, first.height, tuple(confidences), first.view)


def read_document(
    recognizer: Recognizer, file: bytes, page: int | None = None, expect: str | None = None
) -> DocumentReading:
    """Reads the digits on all pages of an image file, or on one page. A page is decoded when the one before it is read.

    Args:
        recognizer: whose network and limits to use.
        file: an image file of one page or several.
        page: the only page to read, from 1; all pages if None.
        expect: a pattern that every line must match, as for `read_picture`.

    Raises:
        PatternError: `expect` is no pattern.
        NoSuchPageError: the file has no such page.
        TooManyPagesError, TooManyPixelsError: the pages are over one of the limits.
        NoInkError: no page holds a digit.
        ImageError: the file or one of its pages cannot be answered; the message says which, why, and what to do.
    """
    if expect is not None:
        parse_expectation(expect)
    opened = open_image(file, recognizer.limits, page or 1)
    with opened:
        if page is not None or opened.pages == 1:
            return DocumentReading(
                (PageReading(opened.page, read_picture(recognizer, opened, expect=expect)),), opened.pages
            )
        numbers = range(1, opened.pages + 1)
        _check_limits(opened, numbers, recognizer.limits)
        pages = tuple(_read_page(recognizer, opened, number, expect) for number in numbers)
    if all(page.problem for page in pages):
        raise NoInkError(f"No digit was found on any of the {opened.pages} pages. Page 1: {pages[0].problem}")
    return DocumentReading(pages, opened.pages)


def _check_limits(opened: OpenedImage, pages: Iterable[int], limits: ImageLimits) -> None:
    """Reads the headers of all pages before the first one is decoded.

    Raises:
        TooManyPagesError, TooManyPixelsError: they are over one of the limits.
    """
    if opened.pages > limits.max_pages:
        raise TooManyPagesError(
            f"The file has {opened.pages:,} pages, more than the {limits.max_pages:,} that are read at a time. "
            "Ask for one page, such as page 1, or use fewer."
        )
    pixels = 0
    for number in pages:
        budget.check()
        _turn(opened, number)
        pixels += opened.width * opened.height
        if pixels > limits.max_document_pixels:
            raise TooManyPixelsError(
                f"The pages have more than the {limits.max_document_pixels:,} pixels allowed together. "
                "Ask for one page, such as page 1, or use fewer."
            )


def _turn(opened: OpenedImage, number: int) -> None:
    try:
        opened.turn_to(number)
    except ImageError as error:
        raise _of_page(error, number, opened.pages) from None


def _read_page(recognizer: Recognizer, opened: OpenedImage, number: int, expect: str | None) -> PageReading:
    """Reads a page; one on which nothing is written is no error, since documents have empty pages."""
    _turn(opened, number)
    try:
        return PageReading(number, read_picture(recognizer, opened, expect=expect))
    except NoInkError as error:
        return PageReading(number, Reading((), *opened.upright_size), str(error))
    except ImageError as error:
        raise _of_page(error, number, opened.pages) from None


def _of_page(error: ImageError, number: int, pages: int) -> ImageError:
    """Returns an error whose message says on which page it happened."""
    if isinstance(error, ComputeTimeError):
        error.args = (f"Page {number} of {pages} was not reached in time. {error} Or ask for one page.",)
    else:
        error.args = (f"Page {number} of {pages}: {error} Or ask for the other pages, one by one.",)
    return error
