"""Reads a page in other views, until one of them shows numbers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from digits import budget
from digits.arrays import Gray
from digits.errors import CrowdedImageError, ImageContentError
from digits.numbers.looks.known import KnownLine, quality_beside, sure_lines
from digits.numbers.reading import Reading
from digits.numbers.signs.kinds import UNKNOWN
from digits.vision.views.copy import Copy
from digits.vision.views.pages import PAGE_VIEWS, PEN_VIEWS, PageView

# In another view than the first, lines are as sure as this: what is no number may look like one in some view. Where the
# first view shows a number, it is enough that they are surer than those by so much.
LEAST_QUALITY, _BETTER = 0.8, 0.1
# What two views read alike may be less sure, though no less than what the first one shows.
_LEAST_AGREED = 0.5
# Where the first view shows a number that is hardly sure, shadows are the most frequent reason: the views without them
# go first. Where at least this share of the lines is sure, shadows are not the reason.
_DOUBTFUL_VIEWS = (*PEN_VIEWS, *(view for view in PAGE_VIEWS if view not in PEN_VIEWS))
_MOSTLY = 0.5
# Where the first view shows nothing at all.
_VIEWS_OF_BLANK = (*(view for view in PAGE_VIEWS if view not in PEN_VIEWS), *PEN_VIEWS)
# Where no view is sure, what one shows is a number, though a doubtful one, if so many digits, of so many kinds, stand
# on a line that is as sure as this: what is no number looks like fewer, or like a row of 1s. It is less sure than what
# may be acted on.
_LEAST_DIGITS, _LEAST_KINDS, _LEAST_CONFIDENCE, _DOUBTFUL = 3, 2, 0.3, 0.49
# Where no view is sure, and one shows a sign that the surest lacks, what it shows counts if it is as sure as this.
_LEAST_WITH_SIGNS = 0.25


def views_of(first: Reading | None, is_written: bool) -> tuple[PageView, ...]:
    """The views of a page in the order in which to make them.

    Args:
        first: what the first view shows, if it shows a number that is hardly sure.
        is_written: whether it shows any ink.
    """
    if first is None:
        return PAGE_VIEWS if is_written else _VIEWS_OF_BLANK
    lines = {digit.line for digit in first.digits}
    return PAGE_VIEWS if len(sure_lines(first, LEAST_QUALITY)) >= _MOSTLY * len(lines) else _DOUBTFUL_VIEWS


def read_again(
    read: Callable[[Gray, Sequence[KnownLine]], Reading],
    copy: Copy,
    views: Iterable[PageView],
    first: Reading | None = None,
    is_written: bool = True,
) -> Reading | None:
    """Reads a page in some other views, until one of them shows numbers.

    In a view that counts, lines are as sure as `LEAST_QUALITY` on average, or surer than those of the first view; or
    less sure, if another view shows the same.

    Args:
        read: reads what a view shows, but for lines that are known from the first view.
        copy: of the page, of which views are made.
        views: in the order in which they are made.
        first: what the first view shows, if it shows a number. Its sure lines are not read again.
        is_written: whether the first view shows any ink. On a page of nothing but lines, every piece of a line would be
            a pen's stroke: there, the views of a pen's strokes must show several digits that are not all alike.

    Returns:
        What the first of them shows whose lines are sure, or what two views show alike, or else what the view shows
        whose lines are surest, or else a doubtful number, which is not accepted; None if no view shows enough, or the
        work for this page is used up before.

    Raises:
        ComputeTimeError, ProcessorBusyError: the time for this page is over.
    """
    known = sure_lines(first, LEAST_QUALITY) if first else []
    seen = _Seen(first, known)
    for view in views:
        try:
            budget.check()
            shown = view.show(copy)
            if shown is None:
                continue
            reading = replace(read(shown, known), view=view.name)
        except CrowdedImageError:
            if not budget.is_work_left():
                break
            continue
        except ImageContentError:
            continue
        if not is_written and view in PEN_VIEWS and _confidence_of_number(reading) < _LEAST_CONFIDENCE:
            continue
        if seen.is_enough(reading):
            return reading
    return seen.best


class _Seen:
    """What the views have shown so far.

    Args:
        first: what the first view shows, if it shows a number.
        known: its lines that are not read again.
    """

    def __init__(self, first: Reading | None, known: Sequence[KnownLine]) -> None:
        self._first, self._known, self._best, self._doubtful = first, known, _Surest(), _Surest()
        quality = first.line_quality if first else 0.0
        self._least = min(LEAST_QUALITY, quality + _BETTER) if first else LEAST_QUALITY
        self._least_agreed = max(_LEAST_AGREED, quality)
        self._transcripts = {first.transcript} if first and quality >= _LEAST_AGREED else set()
        self._all = [first] if first else []

    def is_enough(self, reading: Reading) -> bool:
        """Takes in what another view shows; whether it needs no other one beside it."""
        quality = reading.line_quality
        self._all.append(reading)
        of_number = _confidence_of_number(reading) if self._first is None else 0.0
        if quality >= self._least_agreed or of_number >= _LEAST_CONFIDENCE:
            if reading.transcript in self._transcripts:
                return True
            self._transcripts.add(reading.transcript)
        if quality >= self._least:
            self._best.take(reading, quality)
        elif of_number >= _LEAST_CONFIDENCE:
            self._doubtful.take(reading, of_number)
        return quality >= LEAST_QUALITY and quality_beside(reading, self._known) >= LEAST_QUALITY

    @property
    def best(self) -> Reading | None:
        """The surest of them; None if none shows enough."""
        best, doubtful = self._best.reading, self._doubtful.reading
        if best is not None:
            # A view may have taken a sign for a speck.
            with_signs = [one for one in self._all if one.confidence >= _LEAST_WITH_SIGNS and lacks_signs(best, one)]
            if not with_signs:
                return best
            doubtful = max(with_signs, key=lambda one: one.confidence)
        if doubtful is None:
            return None
        return replace(doubtful, line_confidences=tuple(min(one, _DOUBTFUL) for one in doubtful.line_confidences))


def lacks_signs(reading: Reading, other: Reading) -> bool:
    """Whether a reading shows what another one does, but for signs that it lacks."""
    shown, symbols = (one.transcript.replace(" ", "") for one in (reading, other))
    same = 0
    for symbol in symbols:
        if same < len(shown) and shown[same] == symbol:
            same += 1
        elif symbol.isdecimal() or symbol in (UNKNOWN, "\n"):
            return False
    return same == len(shown) < len(symbols)


@dataclass
class _Surest:
    """The surest of some readings, as sure as `sure` says."""

    reading: Reading | None = None
    sure: float = 0.0

    def take(self, reading: Reading, sure: float) -> None:
        if self.reading is None or sure > self.sure:
            self.reading, self.sure = reading, sure


def _confidence_of_number(reading: Reading) -> float:
    """How sure the surest line is that is surely no row of strokes: of several digits that are not all alike."""
    sure = 0.0
    for shown, confidence in zip(reading.transcript_lines, reading.line_confidences, strict=True):
        digits = [one for one in shown if one.isdecimal()]
        if UNKNOWN not in shown and len(digits) >= _LEAST_DIGITS and len(set(digits)) >= _LEAST_KINDS:
            sure = max(sure, confidence)
    return sure
