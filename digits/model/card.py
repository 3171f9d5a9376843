"""The card of a model: what it is, how it was made and how good it is."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import NoneType
from typing import Any

from digits.errors import ModelFileError, SettingError
from digits.installation import train_command
from digits.model.acceptance import Thresholds
from digits.model.input_form import INPUT_FORMS, USUAL

FORMAT_VERSION = 1

# The version of the preprocessing that made the images of cards that do not state it.
_FIRST_PREPROCESSING = 1

# A temperature outside this range is a mistake, not a calibration.
_TEMPERATURES = (0.01, 100.0)

# What a card says of the int8 form at least: all that answers depend on.
_INT8 = frozenset({"onnx_sha256", "temperature", "thresholds", "rejection", "test"})
_SCORES = frozenset({"n", "accuracy", "loss", "calibration_error", "confusion"})
# What people read of a card: the types of its members, and of those inside `data`, of the scores and of `rejection`.
_TYPES: Mapping[str, tuple[type, ...]] = {
    "recipe": (str,),
    **dict.fromkeys(("description", "command", "created"), (str, NoneType)),
    **dict.fromkeys(("seed", "epochs", "batch_size", "parameters"), (int, NoneType)),
    **dict.fromkeys(("weights_sha256", "onnx_sha256"), (str,)),
    "onnx_difference": (int, float, NoneType),
}
_DATA_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "calibrated_on", "digest"), (str, NoneType)),
    **dict.fromkeys(("fit", "validation", "test"), (int,)),
    "extra": (dict,),
}
_SCORE_TYPES: Mapping[str, tuple[type, ...]] = {"n": (int,), "loss": (int, float), "calibration_error": (int, float)}


@dataclass(frozen=True)
class Card:
    """What a model is, how it was made and how good it is.

    A model file holds it as JSON. Members may join; a version of Digits ignores those that it does not know.

    Args:
        recipe: name of the recipe, or "unknown" for a file made elsewhere.
        description: the recipe in one line, for people; None in files that do not state it.
        seed: of all random numbers of the run.
        epochs: passes over the training images.
        batch_size: images per step.
        command: the command that made the file.
        created: the date and time, ISO 8601 in UTC.
        parameters: number of weights of the network.
        data: name, digest and sizes of the data.
        metrics: `test`, `validation` and `training` results; accuracies and probabilities are 0..1.
        started_from: recipe, epochs, command, creation and digest of the model whose weights the run started from;
            None if it started from random weights.
        converted_from: `file`, `kind`, `changes` and, in a file that `digits convert` wrote, `sha256` of the model from
            elsewhere; None if Digits trained the network.
        history: for each epoch `loss`, `accuracy`, `val_loss` and `val_accuracy`.
        temperature: divides the logits; over 1 if the network is too sure of itself.
        thresholds: `confidence` and `digit`, the least probabilities with which an answer is accepted.
        rejection: shares of images refused with these thresholds, 0..1: `held_out_digits`, of the validation images
            that the thresholds were fitted on; `held_out_outliers`, of drawings that are no digit; and `test_digits`.
        preprocessing: version of the preprocessing whose 28x28 images the network was trained and calibrated for.
        input_form: name of the form in which the network takes images, as `digits.model.input_form` lists them.
        versions: of Python and the libraries that made the file.
        weights_sha256: of the Keras weights in this file.
        onnx_sha256: of the ONNX graph in this file.
        onnx_difference: largest difference between the probabilities of the two forms on the test set.
        int8: the int8 form of the network in this file, as `digits model quantize` measured it: `onnx_sha256`,
            `temperature`, `thresholds`, `rejection`, the results `test`, and beside float32 `changed` and `time`; None
            if the file has none.
        format_version: of the card itself.
    """

    recipe: str = "unknown"
    description: str | None = None
    seed: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    command: str | None = None
    created: str | None = None
    parameters: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    started_from: Mapping[str, Any] | None = None
    converted_from: Mapping[str, Any] | None = None
    history: Mapping[str, list[float]] = field(default_factory=dict)
    temperature: float = 1.0
    thresholds: Mapping[str, float] = field(default_factory=lambda: asdict(Thresholds()))
    rejection: Mapping[str, float] = field(default_factory=dict)
    preprocessing: int = _FIRST_PREPROCESSING
    input_form: str = USUAL.name
    versions: Mapping[str, str] = field(default_factory=dict)
    weights_sha256: str = ""
    onnx_sha256: str = ""
    onnx_difference: float | None = None
    int8: Mapping[str, Any] | None = None
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise ModelFileError(
                f"the card has format version {self.format_version}; this version of Digits reads "
                f"{FORMAT_VERSION}: train again with {train_command()}, or install the version that made the file"
            )
        for name in ("data", "metrics", "history", "thresholds", "rejection", "versions"):
            if not isinstance(getattr(self, name), dict):
                raise ModelFileError(f"the card's {name} is {getattr(self, name)!r}, not an object")
        for name in ("started_from", "converted_from", "int8"):
            if not isinstance(getattr(self, name), dict | None):
                raise ModelFileError(f"the card's {name} is {getattr(self, name)!r}, not an object")
        self._check_calibration()
        self._check_metrics()
        _check_types("the card", vars(self), _TYPES)
        _check_types("the card's data", self.data, _DATA_TYPES)
        _check_types("the card's extra data", self.data.get("extra", {}), {"fit": (int,)})
        _check_types("the card's rejection", self.rejection, dict.fromkeys(self.rejection, (int, float)))
        self._check_input()
        if self.int8 is not None:
            self._check_int8(self.int8)

    def _check_calibration(self) -> None:
        lowest, highest = _TEMPERATURES
        if not (isinstance(self.temperature, int | float) and lowest <= self.temperature <= highest):
            raise ModelFileError(
                f"the card's temperature is {self.temperature!r}, not a positive number from {lowest} to {highest}"
            )
        try:
            Thresholds(**self.thresholds)
        except (SettingError, TypeError) as error:
            raise ModelFileError(f"the card's thresholds are {self.thresholds!r} ({error})") from error

    def _check_metrics(self) -> None:
        for name, scores in self.metrics.items():
            if not isinstance(scores, dict) or not set(scores) >= _SCORES:
                raise ModelFileError(f"the card's {name} metrics are {scores!r}, not an object with {sorted(_SCORES)}")
            _check_types(f"the card's {name} metrics", scores, _SCORE_TYPES)
        accuracy = self.metrics.get("test", {}).get("accuracy")
        if not (accuracy is None or (isinstance(accuracy, int | float) and 0 <= accuracy <= 1)):
            raise ModelFileError(f"the card's test accuracy is {accuracy!r}, not a number from 0 to 1")

    def _check_input(self) -> None:
        if isinstance(self.preprocessing, bool) or not isinstance(self.preprocessing, int) or self.preprocessing < 1:
            raise ModelFileError(
                f"the card's preprocessing version is {self.preprocessing!r}, not a whole number from 1 on"
            )
        if self.input_form not in INPUT_FORMS:
            raise ModelFileError(
                f"the card's input form is {self.input_form!r}; this version of Digits knows {', '.join(INPUT_FORMS)}"
            )

    def _check_int8(self, int8: Mapping[str, Any]) -> None:
        if not set(int8) >= _INT8:
            raise ModelFileError(f"the card's int8 is {int8!r}, not an object with {sorted(_INT8)}")
        try:
            self._with_int8(int8)
        except ModelFileError as error:
            raise ModelFileError(f"of the int8 form, {error}") from error

    def _with_int8(self, int8: Mapping[str, Any]) -> "Card":
        calibration = {name: int8[name] for name in ("temperature", "thresholds", "rejection")}
        return replace(self, **calibration, metrics={**self.metrics, "test": int8["test"]}, int8=None)

    def of_int8(self) -> "Card":
        """Returns the card of the int8 form: its temperature, thresholds and test results in place of those of float32.

        Raises:
            ModelFileError: there is no int8 form.
        """
        if self.int8 is None:
            raise ModelFileError("the card has no int8 form")
        return replace(self._with_int8(self.int8), int8=self.int8)

    @property
    def is_calibrated(self) -> bool:
        """Whether accuracy and thresholds were measured; False for a network that was made outside Digits."""
        return self.recipe != Card.recipe or bool(self.metrics)

    @property
    def test_accuracy(self) -> float | None:
        """The share of the test images that is read correctly, 0..1; None if it was not measured."""
        accuracy = self.metrics.get("test", {}).get("accuracy")
        return None if accuracy is None else float(accuracy)

    @property
    def is_as_accurate_in_int8(self) -> bool:
        """Whether there is an int8 form, and it reads as many of the test images correctly, or more."""
        return self.int8 is not None and (self.of_int8().test_accuracy or 0.0) >= (self.test_accuracy or 0.0)

    @property
    def test_set(self) -> str:
        """Whose test images were read: "MNIST", or the name of a file or folder of one's own data."""
        return str(self.data.get("calibrated_on") or self.data.get("name") or "MNIST")

    def notes(self, preprocessing: int) -> list[str]:
        """Returns what does not fit between the model and this version of Digits: sentences for people, often none.

        Args:
            preprocessing: version of the preprocessing in this version of Digits.
        """
        if not self.is_calibrated:
            return [
                "The model is uncalibrated: it was made outside Digits, and nobody measured its accuracy or fitted its "
                "thresholds, so it gives answers but accepts none. It takes pixels in the form "
                f"{self.input_form}, which was found by trying. digits convert measures and fits what is missing."
            ]
        if self.preprocessing != preprocessing:
            return [
                f"The model was made for version {self.preprocessing} of the preprocessing; this version of "
                f"Digits has version {preprocessing}. Its accuracy and thresholds were measured on other 28x28 "
                f"images. Train it anew with {train_command()}."
            ]
        return []

    def to_json(self) -> dict[str, Any]:
        """Returns the card as JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> "Card":
        """Reads what `to_json` returns, and ignores members that this version does not know.

        Raises:
            ModelFileError: a member is missing or of another type or range.
        """
        if not isinstance(value, dict):
            raise ModelFileError("the card is not a JSON object")
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ModelFileError("the card has a text with half of a character") from error
        known = {f.name for f in fields(cls)}
        try:
            return cls(**{name: item for name, item in value.items() if name in known})
        except TypeError as error:
            raise ModelFileError(f"the card cannot be read ({error})") from error


def _check_types(where: str, members: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]) -> None:
    for name, allowed in types.items():
        if name in members and not isinstance(members[name], allowed):
            raise ModelFileError(
                f"{where} has the {name} {members[name]!r}, not {' or '.join(kind.__name__ for kind in allowed)}"
            )
