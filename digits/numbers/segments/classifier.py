"""A small network that tells whole digits from pieces of digits and from several digits together.

It looks at a window of the line (digits/numbers/segments/windows.py), which shows the ink of a candidate and the ink
around it. It decides where digits begin and end; which digits they are is for the recognizer's network to say.
`python -m digits.training.segmenter.run` trains it.
"""

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES
from digits.errors import ModelFileError
from digits.model.engine import open_session
from digits.numbers.segments.windows import SIDE, Windows

Floats = npt.NDArray[np.float64]

# Its classes: the ten digits, any whole sign, and what is no whole digit or sign.
SIGN, NOTHING_WHOLE = CLASSES, CLASSES + 1
SEGMENT_CLASSES = CLASSES + 2
# So many windows go through the network at a time: more would leave the processor's cache.
_BATCH = 64
_FOLDER = Path(__file__).resolve().parents[2] / "shipped"


class SegmentClassifier:
    """Runs the network with ONNX Runtime on one core; may be called from several threads at a time.

    Args:
        onnx: an ONNX file's bytes; the network takes float32 windows scaled to 0..1, of shape (n, SIDE, SIDE, 2), and
            gives probabilities of shape (n, SEGMENT_CLASSES).

    Raises:
        ModelFileError: ONNX Runtime cannot load it.
    """

    def __init__(self, onnx: bytes) -> None:
        self._session = open_session(onnx)
        self._input, self._output = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name

    def __call__(self, windows: Windows) -> Floats:
        """Tells what each window shows.

        Args:
            windows: uint8 of shape (n, SIDE, SIDE, 2).

        Returns:
            Probabilities, float64 of shape (n, SEGMENT_CLASSES): of each digit, of a sign, and of what is not whole.
        """
        probabilities = np.zeros((len(windows), SEGMENT_CLASSES))
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH].reshape(-1, SIDE, SIDE, 2).astype(np.float32) / np.float32(255.0)
            (probabilities[start : start + _BATCH],) = self._session.run([self._output], {self._input: batch})
        return probabilities


def segment_classifier_files() -> tuple[Path, Path]:
    """The network that ships with Digits, and its card."""
    return _FOLDER / "segment_classifier.onnx", _FOLDER / "segment_classifier.json"


@functools.cache
def shipped_segment_classifier() -> SegmentClassifier:
    """The network that ships with Digits; loaded when it is first asked for.

    Raises:
        ModelFileError: the file is missing or damaged.
    """
    network, _ = segment_classifier_files()
    try:
        return SegmentClassifier(network.read_bytes())
    except OSError as error:
        raise ModelFileError(f"{network.name} cannot be read ({error}). Install Digits anew.") from error
