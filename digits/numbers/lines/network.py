"""The network that reads a whole line: for each place along it, how likely each digit and sign begins or ends there.

It was trained with connectionist temporal classification (Graves et al., ICML 2006): its answer is a sequence over the
places of the line, in which repeated classes are one, and blanks part them. `python -m digits.training.lines.run` makes
it.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from digits.arrays import Floats
from digits.errors import ModelFileError
from digits.model.engine import open_session
from digits.numbers.lines.image import ROWS, LineImage
from digits.numbers.signs.kinds import SIGNS, UNKNOWN, UNKNOWN_CLASS

# Classes: the ten digits, the signs, what is neither; and the blank between two of them.
BLANK = UNKNOWN_CLASS + 1
LINE_CLASSES = BLANK + 1
# A place of the answer is so many columns of the picture. Pictures are as wide as a multiple of the second number, so
# that not every line has another shape.
COLUMNS, _ROUND = 2, 16
# A wide picture is read in pieces, because the network's memory grows with the width, and ONNX Runtime keeps it. What
# the network says about a place depends on the columns around it alone, fewer than these on each side.
_PIECE, _AROUND = 1024, 128
# At every so many places, the probabilities of a sequence are scaled.
_SCALED = 4
SHOWN = (*"0123456789", *SIGNS, UNKNOWN)

FILE = Path(__file__).resolve().parents[2] / "shipped" / "line_recognizer.onnx"
CARD = FILE.with_suffix(".json")


@dataclass(frozen=True)
class Place:
    """A digit or a sign that the network sees.

    Args:
        column: of the picture, in pixels.
        probabilities: of each of the classes but the blank, at this place, of shape (BLANK,).
    """

    column: float
    probabilities: Floats


@dataclass(frozen=True)
class LineAnswer:
    """What the network says about a line.

    Args:
        logarithms: of the probabilities, float64 of shape (places, LINE_CLASSES).
    """

    logarithms: Floats

    @cached_property
    def _runs(self) -> list[tuple[int, int, int]]:
        """The classes that are most likely, without blanks: class, first place and last."""
        runs: list[tuple[int, int, int]] = []
        before = BLANK
        for place, best in enumerate(self.logarithms.argmax(axis=1).tolist()):
            if best != BLANK:
                runs.append((best, place, place)) if best != before else runs.append((best, runs.pop()[1], place))
            before = best
        return runs

    @property
    def shown(self) -> tuple[str, ...]:
        """The digits and signs that are most likely, from left to right; `UNKNOWN` for what is neither."""
        return tuple(SHOWN[best] for best, _, _ in self._runs)

    @property
    def places(self) -> list[Place]:
        """Where each of `shown` is seen best."""
        places = []
        for best, first, last in self._runs:
            place = first + int(self.logarithms[first : last + 1, best].argmax())
            chances = np.exp(self.logarithms[place, :BLANK])
            places.append(Place(COLUMNS * (place + 0.5), chances / chances.sum()))
        return places

    def logarithm_of(self, shown: Sequence[str]) -> float:
        """The logarithm of the probability that these digits and signs are written, and nothing else."""
        extended = np.full(2 * len(shown) + 1, BLANK)
        extended[1::2] = [SHOWN.index(one) for one in shown]
        may_skip = np.zeros(len(extended))
        may_skip[3::2] = extended[3::2] != extended[1:-2:2]
        chances = np.exp(self.logarithms[:, extended])
        # With two more in front, whose ways are none, so that each of the others has two before it.
        padded = np.zeros(len(extended) + 2)
        second, before, ways = padded[:-2], padded[1:-1], padded[2:]
        ways[:2] = chances[0, :2]
        logarithm = 0.0
        for place in range(1, len(chances)):
            ways[:] = (ways + before + may_skip * second) * chances[place]
            if place % _SCALED:
                continue
            largest = float(ways.max())
            if largest == 0.0:
                return -np.inf
            # So that products of many small numbers do not become 0.
            ways /= largest
            logarithm += np.log(largest)
        with np.errstate(divide="ignore"):
            return float(logarithm + np.log(ways[-2:].sum()))


class LineNetwork:
    """Runs the network with ONNX Runtime on one core; may be called from several threads at a time.

    Args:
        onnx: an ONNX file's bytes. The network takes float32 of shape (1, ROWS, width, 1) in 0..1, and gives scores of
            shape (1, width / COLUMNS, LINE_CLASSES).

    Raises:
        ModelFileError: ONNX Runtime cannot load it.
    """

    def __init__(self, onnx: bytes) -> None:
        self.digest = hashlib.sha256(onnx).hexdigest()
        self._session = open_session(onnx)
        self._input, self._output = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name

    def __call__(self, line: LineImage) -> LineAnswer:
        """Reads a line."""
        width = line.pixels.shape[1]
        picture = np.zeros((1, ROWS, -(-width // _ROUND) * _ROUND, 1), np.float32)
        picture[0, :, :width, 0] = line.pixels / np.float32(255.0)
        pieces = []
        for start in range(0, picture.shape[2], _PIECE):
            left, end = max(0, start - _AROUND), start + _PIECE
            (scores,) = self._session.run([self._output], {self._input: picture[:, :, left : end + _AROUND]})
            pieces.append(np.asarray(scores[0, (start - left) // COLUMNS : (end - left) // COLUMNS], dtype=np.float64))
        scores = np.concatenate(pieces)
        scores -= scores.max(axis=1, keepdims=True)
        return LineAnswer(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


@functools.cache
def shipped_line_network() -> LineNetwork:
    """Loads the network that ships with Digits when it is first asked for.

    Raises:
        ModelFileError: the file is missing or damaged.
    """
    try:
        return LineNetwork(FILE.read_bytes())
    except OSError as error:
        raise ModelFileError(f"{FILE.name} cannot be read ({error}). Install Digits anew.") from error
