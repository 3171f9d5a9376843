"""The small networks that look at windows of a line: the segment classifier and the sign classifier.

The segment classifier tells whole digits from pieces of digits and from several digits together: it decides where
digits begin and end. The sign classifier tells digits and signs apart. `python -m digits.training.segmenter.run` and
`python -m digits.training.segmenter.signs` make them.
"""

import functools
from enum import Enum
from pathlib import Path

import numpy as np

from digits.arrays import CLASSES, Floats
from digits.errors import ModelFileError
from digits.model.engine import open_session
from digits.numbers.segments.windows import Windows

# Classes of the segment classifier: the ten digits, any whole sign, and what is no whole digit or sign.
SIGN, NOTHING_WHOLE = CLASSES, CLASSES + 1
SEGMENT_CLASSES = CLASSES + 2
# So many windows go through a network at a time: more take no less time for each, since they leave the processor's
# cache, and more memory, which ONNX Runtime keeps for each thread.
_BATCH = 16
_FOLDER = Path(__file__).resolve().parents[1] / "shipped"


class Shipped(Enum):
    """The networks that ship with Digits, by the names of their files."""

    SEGMENTS = "segment_classifier"
    SIGNS = "sign_classifier"

    @property
    def network(self) -> Path:
        """The ONNX file."""
        return _FOLDER / f"{self.value}.onnx"

    @property
    def card(self) -> Path:
        """The file that says how it was made."""
        return _FOLDER / f"{self.value}.json"


class WindowNetwork:
    """Runs a network over windows with ONNX Runtime on one core; may be called from several threads at a time.

    Args:
        onnx: an ONNX file's bytes. The network takes float32 windows scaled to 0..1, of shape (n, SIDE, SIDE, c), of
            which it is given the first c channels, and gives probabilities of shape (n, classes).

    Raises:
        ModelFileError: ONNX Runtime cannot load it.
    """

    def __init__(self, onnx: bytes) -> None:
        self._session = open_session(onnx)
        windows, probabilities = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self._input, self._output = windows.name, probabilities.name
        self._channels: int = windows.shape[-1]
        self.classes: int = probabilities.shape[-1]

    def __call__(self, windows: Windows) -> Floats:
        """Tells what each window shows.

        Args:
            windows: uint8 of shape (n, SIDE, SIDE, CHANNELS).

        Returns:
            Probabilities, float64 of shape (n, classes).
        """
        probabilities = np.zeros((len(windows), self.classes))
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH, ..., : self._channels].astype(np.float32) / np.float32(255.0)
            (probabilities[start : start + _BATCH],) = self._session.run([self._output], {self._input: batch})
        return probabilities


@functools.cache
def shipped_network(shipped: Shipped) -> WindowNetwork:
    """Loads a network that ships with Digits when it is first asked for.

    Raises:
        ModelFileError: the file is missing or damaged.
    """
    try:
        return WindowNetwork(shipped.network.read_bytes())
    except OSError as error:
        raise ModelFileError(f"{shipped.network.name} cannot be read ({error}). Install Digits anew.") from error
