"""The test images that a model reads wrongly, and those that it reads correctly with the lowest confidence."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.errors import ModelFileError

# The number of correctly read images kept for each digit: those with the lowest confidence.
CORRECT_PER_DIGIT = 12

_ARRAYS = ("images", "labels", "read", "confidence")


@dataclass(frozen=True)
class Examples:
    """Test images and what a model read in them.

    Args:
        images: uint8 of shape (n, 28, 28).
        labels: uint8 of shape (n,), the true digits.
        read: uint8 of shape (n,), the digits that were read.
        confidence: float32 of shape (n,), the confidence of each answer, 0..1.

    Raises:
        ModelFileError: an array has another type or shape.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    read: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        n = self.labels.shape[:1]
        expected = [("uint8", (*n, 28, 28)), ("uint8", n), ("uint8", n), ("float32", n)]
        arrays = (self.images, self.labels, self.read, self.confidence)
        present = [(str(array.dtype), array.shape) for array in arrays]
        if present != expected or (self.labels > 9).any() or (self.read > 9).any():
            raise ModelFileError(f"the examples are {present}, not images of digits with what was read in them")

    def mistakes(self) -> npt.NDArray[np.intp]:
        """Returns the indices of the images that were read wrongly, of shape (k,), the highest confidence first."""
        return self._sorted(self.labels != self.read)

    def of_cell(self, true: int, read: int) -> npt.NDArray[np.intp]:
        """Returns the indices of the images in one cell of the confusion matrix.

        Args:
            true: the true digit.
            read: the digit that was read.

        Returns:
            The indices, of shape (k,): of a mistake those of all images, the highest confidence first; of a correct
            answer those of the few with the lowest confidence, the lowest first.
        """
        indices = self._sorted((self.labels == true) & (self.read == read))
        return indices[::-1] if true == read else indices

    def _sorted(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        places = np.flatnonzero(chosen)
        return places[np.argsort(-self.confidence[places], kind="stable")]

    def to_bytes(self) -> bytes:
        """Returns the bytes of an npz file that holds the arrays."""
        file = io.BytesIO()
        np.savez_compressed(file, images=self.images, labels=self.labels, read=self.read, confidence=self.confidence)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Examples":
        """Reads what `to_bytes` returns.

        Raises:
            ModelFileError: the bytes are something else.
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
    """Chooses all mistakes, and for each digit the correctly read images with the lowest confidence.

    Args:
        images: uint8 test images of shape (n, 28, 28).
        labels: the true digits, of shape (n,).
        probabilities: calibrated, of shape (n, 10).
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
