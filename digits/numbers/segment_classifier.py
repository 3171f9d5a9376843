"""A small network that tells whole digits from pieces of them, and from several digits in one.

It looks at a window of the line (digits/numbers/windows.py): a candidate's ink, and the ink around it. Which digit it
is, the recognizer's network says; this one says where digits begin and end. `python -m digits.training.segmenter.run`
makes it.
"""

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import ModelFileError
from digits.model.engine import CLASSES, open_session
from digits.numbers.windows import SIDE, Windows

Floats = npt.NDArray[np.float64]

# Its classes: the ten digits; a sign that is none; and what is nothing whole.
SIGN, NOTHING_WHOLE = CLASSES, CLASSES + 1
OPINIONS = CLASSES + 2
# So many windows go through the network at a time: more would leave the processor's cache.
_BATCH = 64
_FOLDER = Path(__file__).resolve().parents[1] / "shipped"


@dataclass(frozen=True)
class Pool:
    """How much each network's opinion of a digit counts: the exponent of its probabilities in their product.

    Args:
        splitter: of the splitter's.
        recognizer: of the recognizer's.
    """

    splitter: float
    recognizer: float


@dataclass(frozen=True)
class SegmentClassifierCard:
    """What belongs to the network.

    Args:
        weights: of the features in digits/numbers/decoding.py.
        digit: the least score with which something in a number counts as a digit.
        pool: how its segment_probabilities and the recognizer's make one.
    """

    weights: tuple[float, ...]
    digit: float
    pool: Pool


class SegmentClassifier:
    """Runs the network with ONNX Runtime on one core; may be called from several threads at a time.

    Args:
        onnx: an ONNX file's bytes; the network takes float32 windows scaled to 0..1, of shape (n, SIDE, SIDE, 2), and
            gives probabilities of shape (n, OPINIONS).
        card: that belongs to it.

    Raises:
        ModelFileError: ONNX Runtime cannot load it.
    """

    def __init__(self, onnx: bytes, card: SegmentClassifierCard) -> None:
        self._session = open_session(onnx)
        self._input, self._output = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name
        self.card = card

    def __call__(self, windows: Windows) -> Floats:
        """What each window shows.

        Args:
            windows: uint8 of shape (n, SIDE, SIDE, 2).

        Returns:
            Probabilities, float64 of shape (n, OPINIONS): of each digit, of a sign, and of nothing whole.
        """
        found = np.zeros((len(windows), OPINIONS))
        for start in range(0, len(windows), _BATCH):
            some = windows[start : start + _BATCH].reshape(-1, SIDE, SIDE, 2).astype(np.float32) / np.float32(255.0)
            (found[start : start + _BATCH],) = self._session.run([self._output], {self._input: some})
        return found


def segment_classifier_files() -> tuple[Path, Path]:
    """The network that ships with Digits, and its card."""
    return _FOLDER / "segment_classifier.onnx", _FOLDER / "segment_classifier.json"


@functools.cache
def shipped_segment_classifier() -> SegmentClassifier:
    """The splitter that ships with Digits; loaded when it is first asked for.

    Raises:
        ModelFileError: it is not there, or damaged.
    """
    network, card = segment_classifier_files()
    try:
        values = json.loads(card.read_text())
        weights, digit = tuple(float(weight) for weight in values["weights"].values()), float(values["digit"])
        pool = Pool(**{name: float(exponent) for name, exponent in values["pool"].items()})
        if not all(map(math.isfinite, (*weights, digit, pool.splitter, pool.recognizer))):
            raise ValueError("a weight is not finite")
        return SegmentClassifier(network.read_bytes(), SegmentClassifierCard(weights, digit, pool))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelFileError(f"{card.name} or {network.name} cannot be read ({error}); install Digits anew") from error
