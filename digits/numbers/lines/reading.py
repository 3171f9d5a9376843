"""Reads a line in two ways, by taking it apart and as a whole, and keeps the likelier one.

The lattice knows single digits better and gives each its box. The line network sees what stands beside a stroke: a
slash among upright 1s, a comma under a digit, two digits whose strokes no cut parts. It proposes; where the lattice has
a path for that, the path gives the boxes.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digits import budget
from digits.arrays import CLASSES, Floats
from digits.numbers.acceptance import logistic
from digits.numbers.decoding import Decoding
from digits.numbers.expectation import OTHER, Expectation
from digits.numbers.line_reading import Entry, LineReading, PageLine, with_blanks
from digits.numbers.lines.features import CHOICE_FEATURES, choice_features
from digits.numbers.lines.image import LineImage, draw_line_image
from digits.numbers.lines.network import LineAnswer, Place
from digits.numbers.networks import Networks
from digits.numbers.segments.lattice import Lattice
from digits.numbers.signs.kinds import UNKNOWN
from digits.numbers.signs.marks import Box
from digits.vision.components import Components

# Work of the line network for a pixel of its picture, in pixels of crops, as `digits.budget.spend` counts it.
_WORK = 8
# A stroke belongs to what the network sees over it, or so many pixels of the line's picture beside it.
_BESIDE = 1.0
# No probability counts as less than this.
_LEAST = 1e-6


def read_line(
    lattice: Lattice,
    parts: Components,
    small: Sequence[int],
    networks: Networks,
    expectation: Expectation | None = None,
) -> LineReading:
    """Reads a line.

    Args:
        lattice: all ways to take it apart.
        parts: the strokes of the page.
        small: those that may be marks, as `find_small_strokes` gives them.
        networks: to read it with.
        expectation: a pattern that the line must match, if it can.

    Returns:
        The line; `matches` says whether it does.
    """
    page = PageLine(lattice, parts, small, networks.decoding, networks.signs)
    by_lattice = page.best()
    if not by_lattice.entries:
        return by_lattice
    image = draw_line_image(parts, lattice.chain.strokes, small, lattice.chain.height)
    budget.spend(_WORK * image.pixels.size)
    answer = networks.lines(image)
    budget.spend(len(answer.logarithms) * len(by_lattice.entries))
    best = _likelier(*both_ways(page, by_lattice, image, answer, parts), networks.decoding)
    has_digits = any(entry.accepted for entry in (*by_lattice.entries, *best.entries))
    if expectation is None or not has_digits or expectation.fits(best.shown):
        return best
    held = page.matching(expectation, by_lattice)
    if held is None:
        return replace(best, matches=False)
    return replace(held, written=answer.logarithm_of(held.shown), is_agreed=answer.shown == held.shown)


def both_ways(
    page: PageLine, by_lattice: LineReading, image: LineImage, answer: LineAnswer, parts: Components
) -> tuple[LineReading, LineReading | None, Floats | None]:
    """Reads a line as the lattice does, and as the line network does.

    Args:
        page: the line.
        by_lattice: what `page.best` gave right before; it has at least one entry.
        image: the line's picture.
        answer: of the line network.
        parts: the strokes of the page.

    Returns:
        The line as the lattice reads it; and, if the network reads it in another way, that way, and what tells which
        is right, as `choice_features` gives it.
    """
    seen, written = answer.shown, answer.logarithm_of(by_lattice.shown)
    by_lattice = replace(by_lattice, written=written, is_agreed=seen == by_lattice.shown)
    if not seen or by_lattice.is_agreed:
        return by_lattice, None, None
    tokens = tuple(OTHER if one == UNKNOWN else one for one in seen)
    held = page.matching(Expectation("", tokens), by_lattice)
    has_path = held is not None and held.shown == seen
    if held is not None and has_path:
        # A pattern makes sure what it asks for; here, the network says how sure it is.
        entries = tuple(
            _as_seen(entry, one, place) for entry, one, place in zip(held.entries, seen, answer.places, strict=True)
        )
        by_network = replace(held, entries=entries)
    else:
        by_network = _by_places(image, answer, parts, page.height)
    chosen = answer.logarithm_of(seen)
    least = min(entry.probability for entry in by_lattice.entries)
    shown = seen, by_lattice.shown
    features = choice_features(chosen, written, by_lattice.path, least, has_path=has_path, shown=shown)
    return by_lattice, replace(by_network, written=chosen, is_agreed=False), features


def _likelier(
    by_lattice: LineReading, by_network: LineReading | None, features: Floats | None, decoding: Decoding
) -> LineReading:
    if by_network is None or features is None:
        return by_lattice
    chance = logistic(features @ np.array([decoding.choice[name] for name in CHOICE_FEATURES]))
    return by_network if chance >= 0.5 else by_lattice


def _as_seen(entry: Entry, shown: str, place: Place) -> Entry:
    """An entry with the probabilities of what the line network sees in its place."""
    digits = np.maximum(place.probabilities[:CLASSES], _LEAST)
    is_digit = float(np.clip(digits.sum(), _LEAST, 1.0 - _LEAST))
    others = np.maximum(place.probabilities[CLASSES:], _LEAST)
    is_accepted = shown.isdecimal()
    return replace(
        entry,
        digits=digits / digits.sum(),
        is_digit=is_digit,
        accepted=is_accepted,
        sign=entry.sign if is_accepted else shown,
        sign_probability=entry.sign_probability if is_accepted else float(others.max() / others.sum()),
    )


def _by_places(image: LineImage, answer: LineAnswer, parts: Components, height: float) -> LineReading:
    """Reads a line as the network does where no path of the lattice says which ink is whose."""
    seen, places = answer.shown, answer.places
    boxes = _boxes(image, [place.column for place in places], parts)
    empty = np.full(CLASSES, 1.0 / CLASSES)
    entries = [
        _as_seen(Entry(box, empty, 0.0, False, UNKNOWN, 0.0), one, place)
        for box, one, place in zip(boxes, seen, places, strict=True)
    ]
    # How it would be taken apart is not known: that counts neither for it nor against it.
    return LineReading(with_blanks(entries, height), 0.5)


def _boxes(image: LineImage, columns: Sequence[float], parts: Components) -> list[Box]:
    """The boxes, on the page, of what the network sees at some columns of a line's picture."""
    at = np.asarray(columns)
    middles = (at[1:] + at[:-1]) / 2.0
    starts, ends = np.concatenate(([-np.inf], middles)), np.concatenate((middles, [np.inf]))
    pieces: list[list[Box]] = [[] for _ in at]
    for i, shift in zip(image.strokes, image.shifts, strict=True):
        left, right = parts.left[i] * image.scale - shift, parts.right[i] * image.scale - shift
        over = np.flatnonzero((at >= left - _BESIDE) & (at <= right + _BESIDE)).tolist()
        if len(over) < 2:
            nearest = over[0] if over else int(np.argmin(np.abs(at - (left + right) / 2.0)))
            pieces[nearest].append(
                Box(*(float(edge[i]) for edge in (parts.left, parts.top, parts.right, parts.bottom)))
            )
            continue
        (rows, where), mask = parts.cut([i], 0)
        for k in over:
            first, last = (
                int(np.clip(round((edge + shift) / image.scale) - where.start, 0, mask.shape[1]))
                for edge in (max(starts[k], left), min(ends[k], right))
            )
            inked = np.flatnonzero(mask[:, first:last].any(axis=1))
            if inked.size:
                pieces[k].append(
                    Box(
                        where.start + first,
                        rows.start + int(inked[0]),
                        where.start + last,
                        rows.start + int(inked[-1]) + 1,
                    )
                )
    whole = Box.around([piece for of_one in pieces for piece in of_one])
    return [
        Box.around(of_one) if of_one else _empty_box(image, parts, column, whole)
        for of_one, column in zip(pieces, columns, strict=True)
    ]


def _empty_box(image: LineImage, parts: Components, column: float, line: Box) -> Box:
    """Where something is seen that shares its ink with what stands beside it."""
    half = min(2.0 * _BESIDE / image.scale, (line.right - line.left) / 2.0)
    lefts = parts.left[list(image.strokes)] * image.scale - np.array(image.shifts)
    shift = image.shifts[max(0, int((lefts <= column).sum()) - 1)]
    x = float(np.clip((column + shift) / image.scale, line.left + half, line.right - half))
    return Box(x - half, line.top, x + half, line.bottom)
