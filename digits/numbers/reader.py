"""A picture of any count of digits in, a `Reading` out.

Segmentation by recognition: a small network looks at everything on a line that may be a digit, and says what is one
whole digit. Strokes that are in none are cut wherever digits may touch, and it looks again. What may be a digit goes
through the recognizer's network, in one batch for the whole page, and the best way to take each line apart is found by
dynamic programming (LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998, on graph
transformers).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.errors import CrowdedImageError, NoInkError
from digits.images.decode import OpenedImage, open_image
from digits.model.engine import CLASSES
from digits.numbers.decoding import Floats, acceptance_scores, best_path, describe, digits_of
from digits.numbers.lattice import Candidate, Chain, find_candidates, find_chain
from digits.numbers.layout import find_lines
from digits.numbers.segment_classifier import (
    NOTHING_WHOLE,
    Pool,
    SegmentClassifier,
    SegmentClassifierCard,
    shipped_segment_classifier,
)
from digits.numbers.windows import draw_windows, reduce_line
from digits.recognizer import Recognizer, rounded
from digits.vision.components import find_components
from digits.vision.foreground import NO_INK, Foreground, find_foreground, shrink
from digits.vision.normalize import SIDE, image_of, margin_around
from digits.vision.ruling import writing_mask

NO_DIGIT = "No digit was found in this picture: what is written on it looks like none."

# A page is read at so many pixels on its longer side, if its shorter one then has as many as a small digit.
PAGE_SIDE = 1600
SMALLEST = 10
# Strokes of what is taken for something whole with less probability than this are cut.
_SURE = 0.9
# What is something whole with less probability than this is not read.
_LEAST = 0.02
# Of strokes that are cut, so many more candidates than the limit are looked at; the limit is for those that are read.
_MORE_SEEN = 10
# What is wider than this, in heights of the line's digits, is no digit, and is not shown to the network.
_HOPELESS = 3.0
# So many images go through the network at a time: more take more memory, and not less time.
_AT_A_TIME = 256


@dataclass(frozen=True)
class ReadDigit:
    """One thing that was read.

    Args:
        digit: the most likely digit, 0..9.
        confidence: its probability, 0..1.
        accepted: whether it looks like a digit.
        box: (x, y, width, height) in pixels of the upright picture.
        line: on which line it stands, from 0.
    """

    digit: int
    confidence: float
    accepted: bool
    box: tuple[int, int, int, int]
    line: int

    def to_json(self) -> dict[str, Any]:
        """It as JSON's types, as programs get it."""
        return {
            "digit": self.digit,
            "confidence": rounded(self.confidence),
            "accepted": self.accepted,
            "box": list(self.box),
            "line": self.line,
        }


@dataclass(frozen=True)
class Reading:
    """What was read in a picture.

    Args:
        digits: in reading order, and other signs among them, which are not accepted.
        width: of the upright picture in which boxes are measured, in pixels.
        height: of it.
    """

    digits: tuple[ReadDigit, ...]
    width: int
    height: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The accepted digits of each line, which `ReadDigit.line` counts; "" where a line holds only signs."""
        count = 1 + max((one.line for one in self.digits), default=-1)
        return tuple(
            "".join(str(one.digit) for one in self.digits if one.accepted and one.line == i) for i in range(count)
        )

    @property
    def text(self) -> str:
        """The lines that hold digits, with line breaks between them."""
        return "\n".join(line for line in self.lines if line)

    def to_json(self) -> dict[str, Any]:
        """It as JSON's types, as programs get it."""
        return {"text": self.text, "lines": list(self.lines), "digits": [one.to_json() for one in self.digits]}


@dataclass(frozen=True)
class Lattice:
    """All ways to take a line apart.

    Args:
        chain: the line.
        candidates: what on it may be a digit.
        boxes: of each candidate, float64 of shape (n, 4): left, top, right, bottom in heights of the line's digits.
        segment_probabilities: the splitter's of each candidate, of shape (n, 12).
        probabilities: the recognizer's for each candidate, calibrated, of shape (n, 10).
    """

    chain: Chain
    candidates: list[Candidate]
    boxes: Floats
    segment_probabilities: Floats
    probabilities: Floats

    def features(self, pool: Pool) -> Floats:
        """Of the candidates, as `paths.describe` gives them."""
        return describe(self.chain, self.candidates, self.boxes, self.segment_probabilities, self.probabilities, pool)

    def best(self, card: SegmentClassifierCard) -> list[int]:
        """The candidates that the line most likely consists of, from left to right."""
        return best_path([one.span for one in self.candidates], self.features(card.pool) @ np.array(card.weights))


def read_picture(
    recognizer: Recognizer,
    picture: bytes | OpenedImage | npt.NDArray[np.uint8],
    size: tuple[int, int] | None = None,
) -> Reading:
    """Reads the digits in a picture; boxes are in pixels of the whole picture, turned upright.

    Args:
        recognizer: whose network and limits to use.
        picture: an image file's bytes; what `open_image` made of them; or pixels, uint8 of shape (height, width) or
            (height, width, 3), RGB, ink of either polarity.
        size: (width, height) in pixels of the whole picture, if the pixels given are a reduced copy of it.

    Raises:
        NoInkError: nothing is written on it, or no digit.
        CrowdedImageError: more is on it than the recognizer's limits allow.
        ImageError: the file cannot be answered; the message says why and what to do.
    """
    if isinstance(picture, np.ndarray):
        return _read(recognizer, picture, *(size or picture.shape[1::-1]))
    opened = open_image(picture, recognizer.limits) if isinstance(picture, bytes) else picture
    pixels = opened.decode(PAGE_SIDE)
    return _read(recognizer, pixels, *opened.upright_size)


def _read(recognizer: Recognizer, pixels: npt.NDArray[np.uint8], width: int, height: int) -> Reading:
    """Boxes are given for a picture of the size `width` x `height`, of which `pixels` may be a reduced copy."""
    page = shrink(pixels, PAGE_SIDE)
    if min(page.shape[:2]) < SMALLEST:
        raise NoInkError(
            f"The image has {width} x {height} pixels: too small, or too narrow for its length, to hold a digit."
        )
    found = find_foreground(page, even_light=True)
    scale = np.array([width / page.shape[1], height / page.shape[0]])
    splitter = shipped_segment_classifier()
    digits = []
    for number, lattice in enumerate(take_apart(recognizer, splitter, found)):
        path = lattice.best(splitter.card)
        likely = digits_of(lattice.segment_probabilities[path], lattice.probabilities[path], splitter.card.pool)
        accepted = (
            acceptance_scores(lattice.segment_probabilities[path], lattice.probabilities[path]) >= splitter.card.digit
        )
        for k, probabilities, is_digit in zip(path, likely, accepted.tolist(), strict=True):
            one = lattice.candidates[k]
            (rows, columns), mask = lattice.chain.ink_between(one.first, one.last)
            if not mask.any():
                continue
            left, top, right, bottom = np.array([columns.start, rows.start, columns.stop, rows.stop]) - found.margin
            start = np.clip(np.floor((left, top) * scale), 0, (width - 1, height - 1)).astype(int)
            end = np.clip(np.ceil((right, bottom) * scale), start + 1, (width, height)).astype(int)
            digits.append(
                ReadDigit(
                    int(probabilities.argmax()),
                    float(probabilities.max()),
                    is_digit,
                    (int(start[0]), int(start[1]), int(end[0] - start[0]), int(end[1] - start[1])),
                    number,
                )
            )
    if not any(one.accepted for one in digits):
        raise NoInkError(NO_DIGIT if digits else NO_INK)
    return Reading(tuple(digits), width, height)


def take_apart(recognizer: Recognizer, splitter: SegmentClassifier, found: Foreground) -> list[Lattice]:
    """The lines of a page, and how each may be taken apart.

    Args:
        recognizer: whose network reads digits.
        splitter: says what is a whole digit.
        found: the page's ink.

    Raises:
        CrowdedImageError: there are more candidates than the recognizer's limits allow.
    """
    parts = find_components(found, writing_mask(found))
    lines, most = find_lines(parts), recognizer.limits.max_candidates
    lattices = _look(splitter, (find_chain(parts, line, ()) for line in lines), most)
    doubtful = [_doubtful(lattice) for lattice in lattices]
    cut = [i for i, strokes in enumerate(doubtful) if strokes]
    again = _look(splitter, (find_chain(parts, lines[i], doubtful[i]) for i in cut), most, _MORE_SEEN)
    for i, lattice in zip(cut, again, strict=True):
        lattices[i] = lattice
    return _read_candidates(recognizer, found, [without_unlikely(lattice) for lattice in lattices])


def _look(splitter: SegmentClassifier, chains: Iterable[Chain], most: int, times: int = 1) -> list[Lattice]:
    """Lines as the splitter sees them; nothing is read yet.

    Lines are taken one by one, and no more of them once they have more than `times` `most` candidates together.
    """
    every: list[tuple[Chain, list[Candidate]]] = []
    count = 0
    for chain in chains:
        candidates = find_candidates(chain)
        count += len(candidates)
        _check(count, most, times)
        every.append((chain, candidates))
    lattices = []
    for chain, candidates in every:
        windows, boxes = draw_windows(reduce_line(chain), candidates)
        lattices.append(Lattice(chain, candidates, boxes, splitter(windows), np.zeros((len(candidates), CLASSES))))
    return lattices


def _check(count: int, most: int, times: int = 1) -> None:
    if count > times * most:
        raise CrowdedImageError(
            # Who reads it can look up the setting, and nothing else.
            f"More than the {most:,} things allowed were seen in this picture that may be digits, or parts of them. "
            "Crop it to the numbers that you mean."
        )


def _doubtful(lattice: Lattice) -> set[int]:
    """The strokes of what does not look like one whole thing."""
    whole = 1.0 - lattice.segment_probabilities[:, NOTHING_WHOLE]
    found: set[int] = set()
    for k in best_path([one.span for one in lattice.candidates], np.log(np.clip(whole, 1e-6, 1.0))):
        if whole[k] < _SURE:
            one = lattice.candidates[k]
            found.update(lattice.chain.strokes[i] for i, _, _ in lattice.chain.shares(one.first, one.last))
    return found


def without_unlikely(lattice: Lattice) -> Lattice:
    """The lattice without what is hardly anything whole; whole strokes stay, so that there is always a way."""
    whole = 1.0 - lattice.segment_probabilities[:, NOTHING_WHOLE]
    kept = [
        k
        for k, one in enumerate(lattice.candidates)
        # A stroke so thin that nothing of it is left in the reduced line stays, too: the way leads over it.
        if lattice.chain.is_stroke(one.first, one.last) or (lattice.boxes[k].any() and whole[k] >= _LEAST)
    ]
    return Lattice(
        lattice.chain,
        [lattice.candidates[k] for k in kept],
        lattice.boxes[kept],
        lattice.segment_probabilities[kept],
        lattice.probabilities[kept],
    )


def _read_candidates(recognizer: Recognizer, found: Foreground, lattices: list[Lattice]) -> list[Lattice]:
    """Puts all candidates through the recognizer's network, those of all lines together."""
    every = [(lattice.chain, one) for lattice in lattices for one in lattice.candidates]
    _check(len(every), recognizer.limits.max_candidates)
    widths = [width for lattice in lattices for width in (lattice.boxes[:, 2] - lattice.boxes[:, 0]).tolist()]
    shown = [k for k, width in enumerate(widths) if width <= _HOPELESS]
    answers = np.zeros((len(every), CLASSES))
    for start in range(0, len(shown), _AT_A_TIME):
        some = shown[start : start + _AT_A_TIME]
        answers[some] = recognizer.classify(np.stack([_image(found, *every[k]) for k in some]))
    ends = np.cumsum([len(lattice.candidates) for lattice in lattices]).tolist()
    return [
        replace(lattice, probabilities=answers[end - len(lattice.candidates) : end])
        for lattice, end in zip(lattices, ends, strict=True)
    ]


def _image(found: Foreground, chain: Chain, one: Candidate) -> npt.NDArray[np.uint8]:
    """The 28x28 image of a candidate, made as if its ink were alone on the page."""
    (rows, columns), mask = chain.ink_between(one.first, one.last)
    if not mask.any():
        # Between cuts that all but meet there may be a share of a pixel, and no whole one.
        return np.zeros((SIDE, SIDE), np.uint8)
    margin = margin_around(*mask.shape)
    top, left = min(margin, rows.start), min(margin, columns.start)
    strength = found.strength[rows.start - top : rows.stop + margin, columns.start - left : columns.stop + margin]
    bottom, right = strength.shape[0] - top - mask.shape[0], strength.shape[1] - left - mask.shape[1]
    return image_of(strength, np.pad(mask, ((top, bottom), (left, right))), found.level)
