"""A picture of any count of digits in, a `Reading` out.

Everything on a line that may be a digit goes through the network, in one batch for the whole page, and the best way
to take each line apart is found by dynamic programming (segmentation by recognition; Burges et al., "Shortest path
segmentation", IJCNN 1992). Strokes that look like no single digit are then cut wherever digits may touch, and what
that leaves goes through the network in a second batch.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.acceptance import digit_scores
from digits.candidates import Candidate, Pieces, find_candidates, find_pieces
from digits.engine import CLASSES
from digits.errors import CrowdedImageError, NoInkError
from digits.image import OpenedImage, open_image
from digits.ink import NO_INK, FoundInk, find_ink, shrink
from digits.layout import find_lines
from digits.normalize import image_of
from digits.paper import writing_mask
from digits.paths import WEIGHTS, Floats, best_path, describe
from digits.recognizer import Recognizer, rounded
from digits.segmentation import find_parts

NO_DIGIT = "No digit was found in this picture: what is written on it looks like none."

# A page is read at so many pixels on its longer side.
PAGE_SIDE = 1600
# What is not taken for one digit with this probability is cut; if it is as wide as this, in heights of the line's
# digits, with that probability; and wider than this, always.
_SURE, _WIDE, _SURE_IF_WIDE, _TOO_WIDE = 0.8, 0.7, 0.99, 1.25
# What is wider than this is no digit, and is not shown to the network.
_HOPELESS = 3.0
# The least probability of the two most likely digits together with which something counts as a digit. In a number it
# takes less than alone: what stands in a line of digits is one, mostly.
_DIGIT = 0.5
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
        """The accepted digits of each line."""
        count = 1 + max((one.line for one in self.digits), default=-1)
        return tuple(
            "".join(str(one.digit) for one in self.digits if one.accepted and one.line == i) for i in range(count)
        )

    @property
    def text(self) -> str:
        """The lines, with line breaks between them."""
        return "\n".join(self.lines)

    def to_json(self) -> dict[str, Any]:
        """It as JSON's types, as programs get it."""
        return {"text": self.text, "lines": list(self.lines), "digits": [one.to_json() for one in self.digits]}


@dataclass(frozen=True)
class Lattice:
    """All ways to take a line apart.

    Args:
        pieces: of the line.
        candidates: which of them may be a digit.
        probabilities: the network's for each candidate, calibrated, of shape (n, 10).
    """

    pieces: Pieces
    candidates: list[Candidate]
    probabilities: Floats

    def features(self) -> Floats:
        """Of the candidates, as `paths.describe` gives them."""
        return describe(self.pieces, self.candidates, self.probabilities)

    def best(self) -> list[int]:
        """The candidates that the line most likely consists of, from left to right."""
        return best_path(self.candidates, self.features() @ WEIGHTS)


def read_picture(recognizer: Recognizer, picture: bytes | OpenedImage | npt.NDArray[np.uint8]) -> Reading:
    """Reads the digits in a picture; boxes are in pixels of the whole picture, turned upright.

    Args:
        recognizer: whose network and limits to use.
        picture: an image file's bytes; what `open_image` made of them; or pixels, uint8 of shape (height, width) or
            (height, width, 3), RGB, ink of either polarity.

    Raises:
        NoInkError: nothing is written on it, or no digit.
        CrowdedImageError: more is on it than the recognizer's limits allow.
        ImageError: the file cannot be answered; the message says why and what to do.
    """
    if isinstance(picture, np.ndarray):
        return _read(recognizer, picture, picture.shape[1], picture.shape[0])
    opened = open_image(picture, recognizer.limits) if isinstance(picture, bytes) else picture
    pixels = opened.decode(PAGE_SIDE)
    width, height = opened.width, opened.height
    # Pixels are upright; the file's header may mean a picture that lies on its side.
    if (width > height) != (pixels.shape[1] > pixels.shape[0]):
        width, height = height, width
    return _read(recognizer, pixels, width, height)


def _read(recognizer: Recognizer, pixels: npt.NDArray[np.uint8], width: int, height: int) -> Reading:
    """Boxes are given for a picture of the size `width` x `height`, of which `pixels` may be a reduced copy."""
    page = shrink(pixels, PAGE_SIDE)
    if min(page.shape[:2]) < 3:
        raise NoInkError(f"The image has {width} x {height} pixels: too small to hold a digit.")
    found = find_ink(page, even_light=True)
    scale = np.array([width / page.shape[1], height / page.shape[0]])
    digits = []
    for number, lattice in enumerate(take_apart(recognizer, found)):
        for k in lattice.best():
            probabilities = lattice.probabilities[k]
            left, top, right, bottom = np.array(lattice.candidates[k].box) - found.margin
            start = np.clip(np.floor((left, top) * scale), 0, (width - 1, height - 1)).astype(int)
            end = np.clip(np.ceil((right, bottom) * scale), start + 1, (width, height)).astype(int)
            digits.append(
                ReadDigit(
                    int(probabilities.argmax()),
                    float(probabilities.max()),
                    bool(digit_scores(probabilities[np.newaxis])[0] >= _DIGIT),
                    (int(start[0]), int(start[1]), int(end[0] - start[0]), int(end[1] - start[1])),
                    number,
                )
            )
    if not any(one.accepted for one in digits):
        raise NoInkError(NO_DIGIT if digits else NO_INK)
    return Reading(tuple(digits), width, height)


def take_apart(recognizer: Recognizer, found: FoundInk) -> list[Lattice]:
    """The lines of a page, and how each may be taken apart.

    Args:
        recognizer: whose network to use.
        found: the page's ink.

    Raises:
        CrowdedImageError: there are more candidates than the recognizer's limits allow.
    """
    parts = find_parts(found, writing_mask(found))
    lines = find_lines(parts)
    whole = _lattices(recognizer, found, (find_pieces(parts, line, ()) for line in lines), [{} for _ in lines])
    doubtful = [_doubtful(lattice) for lattice in whole]
    cut = [i for i, strokes in enumerate(doubtful) if strokes]
    # The pieces of all lines are labeled in one copy: each line has strokes of its own.
    parts = replace(parts, labels=parts.labels.copy()) if cut else parts
    again = _lattices(
        recognizer,
        found,
        (find_pieces(parts, lines[i], doubtful[i]) for i in cut),
        [_by_strokes(whole[i]) for i in cut],
    )
    for i, lattice in zip(cut, again, strict=True):
        whole[i] = lattice
    return whole


def _lattices(
    recognizer: Recognizer, found: FoundInk, lines: Iterable[Pieces], known: list[dict[tuple[int, ...], Floats]]
) -> list[Lattice]:
    """The ways to take lines apart; what is not among the known ones goes through the network, all in one batch.

    Lines are taken one by one, and no more of them once they have too many candidates together.
    """
    most, count = recognizer.limits.max_candidates, 0
    found_in: list[tuple[Pieces, list[Candidate]]] = []
    for pieces in lines:
        candidates = find_candidates(pieces)
        count += len(candidates)
        if count > most:
            raise CrowdedImageError(
                f"More than the {most:,} things allowed were seen in this picture that may be digits, or parts of "
                "them. Crop it to the numbers that you mean."
            )
        found_in.append((pieces, candidates))
    lattices, images, places = [], [], []
    for (pieces, candidates), answers in zip(found_in, known, strict=True):
        probabilities = np.zeros((len(candidates), CLASSES))
        for k, one in enumerate(candidates):
            if (answer := answers.get(_whole_strokes(pieces, one))) is not None:
                probabilities[k] = answer
            elif one.box[2] - one.box[0] <= _HOPELESS * pieces.height:
                images.append(image_of(found, pieces.parts, list(range(one.first, one.last + 1))))
                places.append(probabilities[k])
        lattices.append(Lattice(pieces, candidates, probabilities))
    for start in range(0, len(images), _AT_A_TIME):
        some = slice(start, start + _AT_A_TIME)
        for place, answer in zip(places[some], recognizer.classify(np.stack(images[some])), strict=True):
            place[:] = answer
    return lattices


def _doubtful(lattice: Lattice) -> set[int]:
    """The strokes of what does not look like a single digit."""
    found: set[int] = set()
    for k in lattice.best():
        one, most = lattice.candidates[k], float(lattice.probabilities[k].max())
        width = (one.box[2] - one.box[0]) / lattice.pieces.height
        if most < _SURE or (width > _WIDE and most < _SURE_IF_WIDE) or width > _TOO_WIDE:
            found.update(lattice.pieces.strokes[one.first : one.last + 1].tolist())
    return found


def _by_strokes(lattice: Lattice) -> dict[tuple[int, ...], Floats]:
    """The probabilities of whole strokes."""
    return {
        _whole_strokes(lattice.pieces, one): answer
        for one, answer in zip(lattice.candidates, lattice.probabilities, strict=True)
    }


def _whole_strokes(pieces: Pieces, one: Candidate) -> tuple[int, ...]:
    """The strokes of a candidate if it has all pieces of each; else nothing."""
    strokes = pieces.strokes[one.first : one.last + 1].tolist()
    if any(strokes.count(stroke) < pieces.counts[stroke] for stroke in set(strokes)):
        return ()
    return tuple(sorted(set(strokes)))
