"""An image in, a `Prediction` out: what app, API and command line all call."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.artifact import Artifact, Card, read
from digits.calibration import apply_temperature
from digits.engine import Engine
from digits.errors import ModelFileError
from digits.image import ImageLimits, decode
from digits.normalize import Normalized, normalize

TRAINED_MODEL = Path("models/mnist_model.keras")
MODEL_VARIABLE = "DIGITS_MODEL"


@dataclass(frozen=True)
class Prediction:
    """What was read.

    Args:
        digit: the most likely digit, 0..9.
        confidence: its probability, 0..1.
        probabilities: float64 array of shape (10,), calibrated, summing to 1.
        normalized: the 28x28 image that the network saw, and the stages that led to it.
    """

    digit: int
    confidence: float
    probabilities: npt.NDArray[np.float64]
    normalized: Normalized

    @property
    def confidence_text(self) -> str:
        """The confidence in per cent, for people; never rounded up to a certainty that nobody has."""
        return "over 99.9%" if self.confidence > 0.999 else f"{self.confidence:.1%}"


def shipped_model() -> Path:
    """The model that comes with the package, so that everything works before anyone trains."""
    return Path(str(resources.files("digits"))) / "shipped" / "mnist_model.keras"


def find_model(environment: Mapping[str, str] | None = None) -> Path:
    """Which model file to use.

    Args:
        environment: of the process, if None.

    Returns:
        The file that `DIGITS_MODEL` names, else `models/mnist_model.keras` in the working folder, else the
        shipped one. A file that is named or trained is never passed over silently: if it is missing or broken,
        reading it fails.
    """
    if named := (os.environ if environment is None else environment).get(MODEL_VARIABLE):
        return Path(named)
    return TRAINED_MODEL if TRAINED_MODEL.exists() else shipped_model()


class Recognizer:
    """Recognizes one handwritten digit per image. May be called from several threads at a time.

    Args:
        artifact: the model.
        limits: what an image may cost.

    Raises:
        ModelFileError: the model is not a digit network.
    """

    def __init__(self, artifact: Artifact, limits: ImageLimits | None = None) -> None:
        self.path = artifact.path
        self.card: Card = artifact.card
        self.limits = limits or ImageLimits()
        try:
            self._engine = Engine(artifact.onnx)
        except ModelFileError as error:
            raise ModelFileError(f"The model file {artifact.path} cannot be used: {error}.") from error

    @classmethod
    def load(cls, path: Path | None = None, limits: ImageLimits | None = None) -> "Recognizer":
        """Loads a model file; without `path`, the one that `find_model` finds.

        Raises:
            ModelNotFoundError: no such file.
            ModelFileError: it cannot be used.
        """
        return cls(read(path or find_model()), limits)

    def warm_up(self) -> None:
        """Recognizes a small picture, so that the first real one does not wait for libraries to set themselves up."""
        picture = np.full((64, 64), 255, dtype=np.uint8)
        picture[12:52, 28:36] = 0
        self.recognize_pixels(picture)

    @property
    def name(self) -> str:
        """The model's file, for people."""
        return "the model that ships with Digits" if self.path == shipped_model() else self.path.as_posix()

    @property
    def description(self) -> str:
        """Which model this is and how good: one line, for people."""
        accuracy = self.card.test_accuracy
        quality = "test accuracy unknown" if accuracy is None else f"test accuracy {accuracy:.2%}"
        return f"{self.name} (recipe {self.card.recipe}, {quality})"

    def recognize(self, data: bytes) -> Prediction:
        """Reads the digit in an image file.

        Raises:
            ImageError: the file cannot be answered; the message says why and what to do.
        """
        return self.recognize_pixels(decode(data, self.limits))

    def recognize_pixels(self, pixels: npt.NDArray[np.uint8]) -> Prediction:
        """Reads the digit in a picture.

        Args:
            pixels: uint8 of shape (height, width) or (height, width, 3), RGB, ink of either polarity.

        Raises:
            NoInkError: nothing is written on it.
        """
        normalized = normalize(pixels)
        probabilities = self.classify(normalized.image[np.newaxis])[0]
        digit = int(probabilities.argmax())
        return Prediction(digit, float(probabilities[digit]), probabilities, normalized)

    def classify(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Calibrated probabilities of shape (n, 10) for normalized uint8 images of shape (n, 28, 28)."""
        return apply_temperature(self._engine(images), self.card.temperature)
