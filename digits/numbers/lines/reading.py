"""Reads a line in two ways, by taking it apart and as a whole, and keeps the likelier one.

The lattice knows single digits better and gives each its box. The line network sees what stands beside a stroke: a
slash among upright 1s, a comma under a digit, two digits whose strokes no cut parts. It proposes; where the lattice has
a path for that, the path gives the boxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from digits import budget
from digits.arrays import CLASSES, Floats
from digits.numbers.acceptance import logistic
from digits.numbers.decoding import Decoding
from digits.numbers.expectation import OTHER, Expectation
from digits.numbers.line_reading import LineReading, PageLine
from digits.numbers.lines.entries import Entry, with_blanks
from digits.numbers.lines.features import CHOICE_FEATURES, Evidence, choice_features
from digits.numbers.lines.image import LineImage
from digits.numbers.lines.network import LineAnswer, LineNetwork, Place
from digits.numbers.networks import Networks
from digits.numbers.segments.lattice import WIDEST, Lattice, is_spread
from digits.numbers.signs.kinds import UNKNOWN
from digits.numbers.signs.marks import Box
from digits.vision.components import Components

# Work of the line network for a pixel of its picture, in pixels of crops, as `digits.budget.spend` counts it.
_WORK = 8
# A stroke belongs to what the network sees over it, or so many pixels of the line's picture beside it.
_BESIDE = 1.0
# Signs of one small stroke or two; and the size from which any other sign is no speck, in heights of the line.
_MARKS, _LARGE = ".,:;", 0.25
# The chance of each of two ways to read a line, where nothing is known of it.
_NO_CHOICE = 0.5
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
    line = _read_line(PageLine(lattice, parts, small, networks.decoding, networks.signs), networks, expectation)
    if expectation is None or not expectation.leaves_no_blanks or not expectation.fits(line.shown):
        return line
    return replace(line, entries=tuple(replace(entry, after_blank=False) for entry in line.entries))


def _read_line(page: PageLine, networks: Networks, expectation: Expectation | None) -> LineReading:
    """Reads a line, with the blanks as they were left; arguments and result are those of `read_line`."""
    by_lattice = page.best
    if not by_lattice.entries:
        return by_lattice
    if page.is_sure and _is_held(expectation, by_lattice):
        return by_lattice
    ways = read_two_ways(page, networks.lines)
    best = ways.likelier(networks.decoding)
    if expectation is None or _is_held(expectation, best, by_lattice):
        return best
    held = page.matching(expectation)
    if held is None:
        return replace(best, matches=False)
    return replace(held, written=ways.answer.logarithm_of(held.shown), is_agreed=ways.answer.shown == held.shown)


def _is_held(expectation: Expectation | None, best: LineReading, *others: LineReading) -> bool:
    """Whether a line matches a pattern, if there is one; one on which neither way to read it shows digits does."""
    has_digits = any(entry.accepted for line in (best, *others) for entry in line.entries)
    return expectation is None or not has_digits or expectation.fits(best.shown)


@dataclass(frozen=True)
class TwoWays:
    """A line, read in two ways.

    Args:
        answer: of the line network.
        by_lattice: the line as the lattice reads it.
        by_network: the line as the network reads it; None if it reads the same, or nothing.
        features: what tells which is right, as `choice_features` gives it; None if there is no other way.
    """

    answer: LineAnswer
    by_lattice: LineReading
    by_network: LineReading | None = None
    features: Floats | None = None

    def likelier(self, decoding: Decoding) -> LineReading:
        """The way that is likelier to be right."""
        if self.by_network is None or self.features is None:
            return self.by_lattice
        return self.chosen(
            float(logistic(self.features @ np.array([decoding.choice[name] for name in CHOICE_FEATURES])))
        )

    def chosen(self, chance: float) -> LineReading:
        """The likelier way, if that of the line network is right with some probability, where the two differ.

        It is the lattice's in any case if the line network only lacks signs whose ink is there.
        """
        if self.by_network is None:
            return self.by_lattice
        signs = [[one for one in way.shown if not one.isdecimal()] for way in (self.by_lattice, self.by_network)]
        is_other_signs = signs[0] != signs[1]
        if _lacks_ink(self.by_network.shown, self.by_lattice.entries):
            return replace(self.by_lattice, chance=max(1.0 - chance, _NO_CHOICE), other_signs=False)
        if chance >= 0.5:
            return replace(self.by_network, chance=chance, other_signs=is_other_signs)
        return replace(self.by_lattice, chance=1.0 - chance, other_signs=is_other_signs)


def _lacks_ink(shown: Sequence[str], entries: Sequence[Entry]) -> bool:
    """Whether a line is shown as its entries are, but for signs whose ink is no speck.

    These are small signs between others, and larger ones anywhere. The network takes for specks what stands otherwise
    than in the lines that it has seen.
    """
    height = max(entry.box.bottom - entry.box.top for entry in entries)
    same = 0
    for k, entry in enumerate(entries):
        if same < len(shown) and shown[same] == entry.shown:
            same += 1
            continue
        if entry.accepted:
            return False
        if entry.shown in _MARKS:
            # What stands before or after all others may be a speck.
            gaps = [right.box.left - left.box.right for left, right in pairwise(entries[max(0, k - 1) : k + 2])]
            is_speck = len(gaps) < 2 or min(gaps) < 0.0
        else:
            is_speck = max(entry.box.bottom - entry.box.top, entry.box.right - entry.box.left) < _LARGE * height
        if is_speck:
            return False
    return same == len(shown) < len(entries)


def read_two_ways(page: PageLine, network: LineNetwork) -> TwoWays:
    """Reads a line as the lattice does, and as the line network does; it has at least one entry."""
    image = page.picture()
    budget.spend(_WORK * image.pixels.size)
    answer = network(image)
    budget.spend(len(answer.logarithms) * len(page.best.entries))
    seen, written = answer.shown, answer.logarithm_of(page.best.shown)
    by_lattice = replace(page.best, written=written, is_agreed=seen == page.best.shown)
    if not seen or by_lattice.is_agreed:
        return TwoWays(answer, by_lattice)
    tokens = tuple(OTHER if one == UNKNOWN else one for one in seen)
    held = page.matching(Expectation("", tokens))
    likelihood = None
    if held is not None and held.shown == seen:
        likelihood = held.likelihood
        # A pattern makes sure what it asks for; here, the network says how sure it is.
        entries = tuple(
            _as_seen(entry, one, place) for entry, one, place in zip(held.entries, seen, answer.places, strict=True)
        )
        by_network = replace(held, entries=entries)
    else:
        by_network = _by_places(image, answer, page.parts, page.height)
    chosen = answer.logarithm_of(seen)
    least = min(entry.probability for entry in by_lattice.entries)
    features = choice_features(
        Evidence(seen, chosen, likelihood),
        Evidence(by_lattice.shown, written, by_lattice.likelihood),
        by_lattice.path,
        least,
    )
    return TwoWays(answer, by_lattice, replace(by_network, written=chosen, is_agreed=False), features)


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
    pieces = _pieces(image, [place.column for place in places], parts)
    whole = Box.around([piece for of_one in pieces for piece in of_one])
    boxes = [
        Box.around(of_one) if of_one else _empty_box(image, parts, place.column, whole)
        for of_one, place in zip(pieces, places, strict=True)
    ]
    empty = np.full(CLASSES, 1.0 / CLASSES)
    entries = [
        _as_seen(Entry(box, empty, 0.0, False, UNKNOWN, 0.0), one, place)
        for box, one, place in zip(boxes, seen, places, strict=True)
    ]
    takes_in = any(
        entry.accepted
        and (entry.box.right - entry.box.left > WIDEST * height or is_spread([p.where for p in of_one], height))
        for entry, of_one in zip(entries, pieces, strict=True)
    )
    # How it would be taken apart is not known: that counts neither for it nor against it.
    return LineReading(with_blanks(entries, height), 0.5, takes_in=takes_in)


def _pieces(image: LineImage, columns: Sequence[float], parts: Components) -> list[list[Box]]:
    """The boxes, on the page, of the strokes, or their parts, that the network sees at some columns of a picture."""
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
    return pieces


def _empty_box(image: LineImage, parts: Components, column: float, line: Box) -> Box:
    """Where something is seen that shares its ink with what stands beside it."""
    half = min(2.0 * _BESIDE / image.scale, (line.right - line.left) / 2.0)
    lefts = parts.left[list(image.strokes)] * image.scale - np.array(image.shifts)
    shift = image.shifts[max(0, int((lefts <= column).sum()) - 1)]
    x = float(np.clip((column + shift) / image.scale, line.left + half, line.right - half))
    return Box(x - half, line.top, x + half, line.bottom)
