"""An image in, a `Prediction` out: what app, API and command line all call."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.arrays import Pixels
from digits.budget import TIME_OVER
from digits.errors import ImageError, ModelFileError, NoInkError, SeveralDigitsError
from digits.images.decode import OpenedImage, open_image
from digits.images.limits import ImageLimits
from digits.model.acceptance import Reason, Thresholds, count_separate_digits, reasons_to_refuse
from digits.model.artifact import Artifact, read
from digits.model.calibration import apply_temperature
from digits.model.card import Card
from digits.model.engine import FLOAT32, Engine, PrecisionChoice
from digits.model.input_form import INPUT_FORMS
from digits.second_look import look_again
from digits.vision.components import MAX_SEPARATE
from digits.vision.mnist_form import PREPROCESSING_VERSION
from digits.vision.normalize import GLANCED_SIDE, LARGE_COPY_SIDE, Normalized, glance, normalize_many
from digits.vision.views import weights as view_weights
from digits.vision.views.table import FIRST, GLANCE

TRAINED_MODEL = Path("models/mnist_model.keras")
MODEL_VARIABLE = "DIGITS_MODEL"

# Pictures that go through the network at a time when there are many, if they are small.
BATCH = 64

Picture = bytes | OpenedImage | Pixels


@dataclass(frozen=True)
class Prediction:
    """What was read.

    Args:
        digit: the most likely digit, 0..9.
        confidence: its probability, 0..1.
        probabilities: float64 array of shape (10,), calibrated, summing to 1.
        reason: why the answer should not be acted on, or None if it may be.
        normalized: the 28x28 image that the network saw, and the stages that led to it.
        view: the way in which the picture was seen; one of `digits.vision.views.table`.
    """

    digit: int
    confidence: float
    probabilities: npt.NDArray[np.float64]
    reason: Reason | None
    normalized: Normalized
    view: str = FIRST

    @property
    def accepted(self) -> bool:
        """Whether the answer may be acted on."""
        return self.reason is None

    @property
    def confidence_text(self) -> str:
        """The confidence in per cent, for people."""
        return confidence_text(self.confidence)


def confidence_text(confidence: float) -> str:
    """A confidence in per cent, for people; never rounded up to a certainty that nobody has."""
    return "over 99.9%" if confidence > 0.999 else f"{confidence:.1%}"


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


def _is_doubtful(answer: Prediction) -> bool:
    """Whether an answer needs other views: it is not accepted, or only just."""
    return not answer.accepted or answer.confidence < view_weights.DOUBTFUL


def _only(answers: Iterable[Prediction | ImageError]) -> Prediction:
    (answer,) = answers
    if isinstance(answer, ImageError):
        raise answer
    return answer


class Recognizer:
    """Recognizes one handwritten digit per image. May be called from several threads at a time.

    Args:
        artifact: the model.
        limits: what an image may cost.
        looks_again: whether a picture that the first view does not show well is seen in other views.
        precision: in which the network computes. Where it cannot, it computes in float32, and `notes` say why. "auto"
            chooses, as `Artifact.in_precision` says. float32 gives the same answers on every machine.

    Attributes:
        artifact: the model, in the form that answers.

    Raises:
        ModelFileError: the model is not a digit network.
    """

    def __init__(
        self,
        artifact: Artifact,
        limits: ImageLimits | None = None,
        *,
        looks_again: bool = True,
        precision: PrecisionChoice = FLOAT32,
    ) -> None:
        artifact, self.precision, self.precision_note = artifact.in_precision(precision)
        self.artifact = replace(artifact, int8=None)
        self.path = artifact.path
        self.card: Card = artifact.card
        self.digest = artifact.digest
        self.limits = limits or ImageLimits()
        self.looks_again = looks_again
        self.thresholds = Thresholds(**artifact.card.thresholds)
        try:
            self._engine = Engine(artifact.onnx, INPUT_FORMS[artifact.card.input_form])
        except ModelFileError as error:
            raise ModelFileError(f"The model file {artifact.path} cannot be used: {error}.") from error

    @classmethod
    def load(
        cls, path: Path | None = None, limits: ImageLimits | None = None, *, precision: PrecisionChoice = FLOAT32
    ) -> "Recognizer":
        """Loads a model file; without `path`, the one that `find_model` finds.

        Raises:
            ModelNotFoundError: no such file.
            ModelFileError: it cannot be used.
        """
        return cls(read(path or find_model()), limits, precision=precision)

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
        if accuracy is not None and self.card.test_set != "MNIST":
            quality += f" on {self.card.test_set}"
        if self.precision != FLOAT32:
            quality += f", computes in {self.precision}"
        return f"{self.name} (recipe {self.card.recipe}, {quality})"

    @property
    def notes(self) -> list[str]:
        """What does not fit between the model and this version of Digits: sentences for people, often none."""
        return [*self.card.notes(PREPROCESSING_VERSION), *([self.precision_note] if self.precision_note else [])]

    def recognize(self, file: bytes | OpenedImage) -> Prediction:
        """Reads the digit in an image file, which is given as its bytes or as `open_image` opened it.

        Raises:
            ImageError: the file cannot be answered; the message says why and what to do.
            TypeError: it is neither, such as the file's name.
        """
        return _only(self.recognize_many([file]))

    def recognize_pixels(self, pixels: Pixels) -> Prediction:
        """Reads the digit in a picture.

        Args:
            pixels: uint8 of shape (height, width) or (height, width, 3), RGB, ink of either polarity.

        Raises:
            NoInkError: nothing is written on it.
            SeveralDigitsError: more than one digit is.
        """
        return _only(self.recognize_many([pixels]))

    def recognize_many(
        self, pictures: Iterable[Picture | ImageError], *, first_view_only: bool = False
    ) -> Iterator[Prediction | ImageError]:
        """Reads many pictures, several at a time: the fastest way to read a large number of them.

        Args:
            pictures: image files, opened ones, or pixels as for `recognize_pixels`; taken as they are needed. An
                error in place of one is handed on.
            first_view_only: whether pictures that the first view does not show well are left to `look_again`.

        Yields:
            For each, in order, its prediction, or why there is none.
        """
        read = self._read_first_view if first_view_only else self._read
        waiting: list[Pixels | ImageError] = []
        for picture in pictures:
            seen = picture if isinstance(picture, ImageError) else self.glance(picture)
            is_large = isinstance(seen, np.ndarray) and max(seen.shape[:2]) >= GLANCED_SIDE
            if is_large or isinstance(seen, Prediction) or len(waiting) == BATCH:
                # Large pictures are read one by one: together they would take more memory, and not less time.
                yield from read(waiting)
                waiting = []
            if isinstance(seen, Prediction):
                yield seen
            elif is_large:
                yield from read([seen])
            else:
                waiting.append(seen)
        yield from read(waiting)

    def _read(self, pictures: list[Pixels | ImageError]) -> list[Prediction | ImageError]:
        """Reads pictures in the first view, and those that it does not show well in others."""
        return [
            result
            if isinstance(picture, ImageError) or not self.may_look_again(result)
            else self._look_again(picture, result)
            for picture, result in zip(pictures, self._read_first_view(pictures), strict=True)
        ]

    def glance(self, picture: Picture) -> Prediction | Pixels | ImageError:
        """Reads a large picture on a smaller copy, in a part of the time.

        Returns:
            The answer if it is sure; else, and of small pictures, all pixels, or why a file has none.
        """
        try:
            if not isinstance(picture, np.ndarray):
                opened = picture if isinstance(picture, OpenedImage) else open_image(picture, self.limits)
                if (copy := opened.decode_copy(LARGE_COPY_SIDE)) is not None:
                    return self._answer_if_sure(glance(copy, is_reduced=True)) or opened.decode()
                picture = opened.decode()
            return self._answer_if_sure(glance(picture)) or picture
        except ImageError as error:
            return error

    def _answer_if_sure(self, copy: Normalized | None) -> Prediction | None:
        """Says what the image of a smaller copy shows, unless that is doubtful, or there is none."""
        (answer,) = [None] if copy is None else self._answer([copy], GLANCE)
        return answer if isinstance(answer, Prediction) and not _is_doubtful(answer) else None

    def _read_first_view(self, pictures: list[Pixels | ImageError]) -> list[Prediction | ImageError]:
        """Takes every step for all pictures before the next step: code that has just run runs faster."""
        return self._answer(normalize_many(pictures))

    def _answer(
        self, normalized_pictures: Sequence[Normalized | ImageError], view: str = FIRST
    ) -> list[Prediction | ImageError]:
        """Says what the images of a view show; errors in place of one are handed on."""
        images = [normalized.image for normalized in normalized_pictures if isinstance(normalized, Normalized)]
        if not images:
            return [error for error in normalized_pictures if isinstance(error, ImageError)]
        probabilities = self.classify(np.stack(images))
        reasons = reasons_to_refuse(probabilities, self.thresholds)
        if not self.card.is_calibrated:
            reasons = [reason or "low_confidence" for reason in reasons]
        digits, confidences = probabilities.argmax(axis=1).tolist(), probabilities.max(axis=1).tolist()
        answers = zip(digits, confidences, probabilities, reasons, strict=True)
        results: list[Prediction | ImageError] = []
        for normalized in normalized_pictures:
            if isinstance(normalized, ImageError):
                results.append(normalized)
            else:
                answer = Prediction(*next(answers), normalized, view)
                results.append(self._only_if_single(normalized) or answer)
        return results

    def may_look_again(self, first: Prediction | ImageError) -> bool:
        """Returns whether other views may answer what the first view did not, or bear out what it did."""
        # An uncalibrated model accepts nothing, whatever the view.
        if not (self.looks_again and self.card.is_calibrated):
            return False
        if isinstance(first, Prediction):
            return _is_doubtful(first)
        return isinstance(first, NoInkError | SeveralDigitsError)

    def look_again(self, image: OpenedImage, first: Prediction | ImageError) -> Prediction:
        """Reads an image in other views than the first; returns or raises `first` if they show no digit."""
        return _only([self._look_again(image.decode(), first)])

    def _look_again(self, pixels: Pixels, first: Prediction | ImageError) -> Prediction | ImageError:
        """Looks for the digit in other views of a picture.

        Returns:
            `first` if they show none, or bear it out, or if the time for this picture is over. If others took the
            time, and the first view showed no digit, it raises ProcessorBusyError.
        """
        probabilities = first.probabilities if isinstance(first, Prediction) else None
        try:
            several = isinstance(first, SeveralDigitsError)
            second = look_again(pixels, probabilities, self.classify, self.thresholds, self._only_if_single, several)
        except (SeveralDigitsError, *TIME_OVER) as error:
            if isinstance(first, Prediction | SeveralDigitsError) and not isinstance(error, SeveralDigitsError):
                return first
            # That there is no digit may only be said when all views were seen.
            if isinstance(error, ImageError):
                return error
            raise
        if second is None:
            return first
        answer = second.digit, float(second.probabilities.max()), second.probabilities, second.reason
        if second.look is not None:
            return Prediction(*answer, second.look.normalized, second.look.view.name)
        return Prediction(*answer, first.normalized, first.view) if isinstance(first, Prediction) else first

    def _only_if_single(self, normalized: Normalized) -> SeveralDigitsError | None:
        """Returns the error if things that lie apart in a picture are digits of their own, or None."""
        if normalized.together is None:
            return None
        images = np.concatenate([normalized.separate, normalized.together[np.newaxis]])
        count = count_separate_digits(self.classify(images), normalized.heights, self.thresholds)
        return SeveralDigitsError(count, or_more=len(normalized.separate) >= MAX_SEPARATE) if count else None

    def classify(self, images: Pixels) -> npt.NDArray[np.float64]:
        """Calibrated probabilities of shape (n, 10) for normalized uint8 images of shape (n, 28, 28)."""
        return apply_temperature(self._engine(images), self.card.temperature)
