"""Test images that show what a model gets wrong, and what it finds hardest of what it gets right."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.errors import ModelFileError

# Of what is read correctly, so many of each digit: those that the model was least sure of.
CORRECT_PER_DIGIT = 12

_ARRAYS = ("images", "labels", "read", "confidence")


@dataclass(frozen=True)
class Examples:
    """Test images and what a model read in them.

    Args:
        images: uint8 of shape (n, 28, 28).
        labels: uint8 of shape (n,), the true digits.
        read: uint8 of shape (n,), the digits read.
        confidence: float32 of shape (n,), with which they were read, 0..1.

    Raises:
        ModelFileError: arrays of other types or shapes.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    read: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        n = self.labels.shape[:1]
        expected = [("uint8", (*n, 28, 28)), ("uint8", n), ("uint8", n), ("float32", n)]
        arrays = (self.images, self.labels, self.read, self.confidence)
        found = [(str(one.dtype), one.shape) for one in arrays]
        if found != expected or (self.labels > 9).any() or (self.read > 9).any():
            raise ModelFileError(f"the examples are {found}, not images of digits with what was read in them")

    def mistakes(self) -> npt.NDArray[np.intp]:
        """Where the wrong ones are, the surest first."""
        return self._sorted(self.labels != self.read)

    def of_cell(self, true: int, read: int) -> npt.NDArray[np.intp]:
        """Where those of one cell of the confusion matrix are.

        Of a mistake all, the surest first; of what is right, the few that the model was least sure of, least first.
        """
        found = self._sorted((self.labels == true) & (self.read == read))
        return found[::-1] if true == read else found

    def _sorted(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        places = np.flatnonzero(chosen)
        return places[np.argsort(-self.confidence[places], kind="stable")]

    def to_bytes(self) -> bytes:
        """An npz file's bytes."""
        file = io.BytesIO()
        np.savez_compressed(file, images=self.images, labels=self.labels, read=self.read, confidence=self.confidence)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Examples":
        """Reads `to_bytes`' form.

        Raises:
            ModelFileError: it is not that.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return cls(*(np.asarray(arrays[name]) for name in _ARRAYS))
        except ModelFileError:
            raise
        except Exception as error:
            # On damaged bytes the readers of zip and npy raise nearly anything.
            raise ModelFileError(f"the examples cannot be read ({error})") from error


def choose_examples(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating]
) -> Examples:
    """All mistakes, and of each digit the images read correctly with the least confidence.

    Args:
        images: uint8 test images of shape (n, 28, 28).
        labels: their true digits, of shape (n,).
        probabilities: what the model gave for them, calibrated, of shape (n, 10).
    """
    read, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = read == labels
    chosen = ~right
    for digit in range(10):
        places = np.flatnonzero(right & (labels == digit))
        chosen[places[np.argsort(confidence[places], kind="stable")][:CORRECT_PER_DIGIT]] = True
    return Examples(
        images[chosen], labels[chosen].astype(np.uint8), read[chosen].astype(np.uint8),
        confidence[chosen].astype(np.float32),
    )  # fmt: skip
