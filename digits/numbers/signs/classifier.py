"""A small network that tells digits and signs apart.

It looks at what the decoding has chosen, in a window of the line (digits/numbers/segments/windows.py). `python -m
digits.training.segmenter.signs` makes it.
"""

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import ModelFileError
from digits.model.engine import open_session
from digits.numbers.segments.windows import SIDE, Windows
from digits.numbers.signs.kinds import SIGN_CLASSES

# So many windows go through the network at a time: more would leave the processor's cache.
_BATCH = 64
_FOLDER = Path(__file__).resolve().parents[2] / "shipped"


class SignClassifier:
    """Runs the network with ONNX Runtime on one core; may be called from several threads at a time.

    Args:
        onnx: an ONNX file's bytes; the network takes float32 windows scaled to 0..1, of shape (n, SIDE, SIDE, 2), and
            gives probabilities of shape (n, SIGN_CLASSES).

    Raises:
        ModelFileError: ONNX Runtime cannot load it.
    """

    def __init__(self, onnx: bytes) -> None:
        self._session = open_session(onnx)
        self._input, self._output = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name

    def __call__(self, windows: Windows) -> npt.NDArray[np.float64]:
        """Tells what each window shows.

        Args:
            windows: uint8 of shape (n, SIDE, SIDE, 2).

        Returns:
            Probabilities, float64 of shape (n, SIGN_CLASSES): of each digit, of each of `SIGNS`, and of neither.
        """
        probabilities = np.zeros((len(windows), SIGN_CLASSES))
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH].reshape(-1, SIDE, SIDE, 2).astype(np.float32) / np.float32(255.0)
            (probabilities[start : start + _BATCH],) = self._session.run([self._output], {self._input: batch})
        return probabilities


def sign_classifier_files() -> tuple[Path, Path]:
    """The network that ships with Digits, and the file that says how it was made."""
    return _FOLDER / "sign_classifier.onnx", _FOLDER / "sign_classifier.json"


@functools.cache
def shipped_sign_classifier() -> SignClassifier:
    """The network that ships with Digits; loaded when it is first asked for.

    Raises:
        ModelFileError: the file is missing or damaged.
    """
    network, _ = sign_classifier_files()
    try:
        return SignClassifier(network.read_bytes())
    except OSError as error:
        raise ModelFileError(f"{network.name} cannot be read ({error}). Install Digits anew.") from error
