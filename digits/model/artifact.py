"""One file, two readers: a Keras file that also carries the ONNX graph of its weights and a card.

A `.keras` file is a zip archive, and Keras ignores members that it does not know. Training adds some, so that
serving needs neither Keras nor TensorFlow and the two forms of the network travel together:

    metadata.json, config.json, model.weights.h5    Keras' own
    digits/model.onnx                               the same network for ONNX Runtime
    digits/card.json                                what it is, how it was made, how good it is
    digits/examples.npz                             test images that it reads wrongly, or barely; for people alone
"""

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from digits.errors import ModelFileError, ModelNotFoundError, SettingError
from digits.installation import install_command
from digits.model.acceptance import Thresholds
from digits.model.examples import Examples

FORMAT_VERSION = 1

_ONNX = "digits/model.onnx"
_CARD = "digits/card.json"
_EXAMPLES = "digits/examples.npz"
_WEIGHTS = "model.weights.h5"

_WAY_OUT = "Name another model file, or train a new one with python train.py."

# Outside this range a temperature is a mistake, not a calibration.
_TEMPERATURES = (0.01, 100.0)

_SCORES = frozenset({"n", "accuracy", "loss", "calibration_error", "confusion"})

# Every member of a file under this many bytes is read whole; no network of this product comes near it.
_MAX_MEMBER_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Card:
    """What a model is, how it was made and how good it is.

    Args:
        recipe: name of the recipe, or "unknown" for a file made elsewhere.
        description: the recipe in one line, for people; None in files that do not state it.
        seed: of all random numbers of the run.
        epochs: passes over the training images.
        batch_size: images per step.
        command: the command that made the file.
        created: when, ISO 8601 in UTC.
        parameters: trainable weights of the network.
        data: name, digest and sizes of the data.
        metrics: `test`, `validation` and `training` results; accuracies and probabilities are 0..1.
        history: per epoch, `loss`, `accuracy`, `val_loss` and `val_accuracy`.
        temperature: divides the logits; over 1 where the network is too sure of itself.
        thresholds: `confidence` and `digit`, the least probabilities with which an answer is accepted.
        rejection: shares refused with them, 0..1: `held_out_digits`, `held_out_outliers` and `test_digits`.
        versions: of Python and the libraries that made the file.
        weights_sha256: of the Keras weights in this file.
        onnx_sha256: of the ONNX graph in this file.
        onnx_difference: largest difference between the probabilities of the two forms on the test set.
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
    history: Mapping[str, list[float]] = field(default_factory=dict)
    temperature: float = 1.0
    thresholds: Mapping[str, float] = field(default_factory=lambda: asdict(Thresholds()))
    rejection: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    weights_sha256: str = ""
    onnx_sha256: str = ""
    onnx_difference: float | None = None
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise ModelFileError(
                f"the card has format version {self.format_version}; this version of Digits reads "
                f"{FORMAT_VERSION}: train again with python train.py, or install the version that made the file"
            )
        lowest, highest = _TEMPERATURES
        if not (isinstance(self.temperature, int | float) and lowest <= self.temperature <= highest):
            raise ModelFileError(
                f"the card's temperature is {self.temperature!r}, not a positive number from {lowest} to {highest}"
            )
        for name in ("data", "metrics", "history", "thresholds", "rejection", "versions"):
            if not isinstance(getattr(self, name), dict):
                raise ModelFileError(f"the card's {name} is {getattr(self, name)!r}, not an object")
        try:
            Thresholds(**self.thresholds)
        except (SettingError, TypeError) as error:
            raise ModelFileError(f"the card's thresholds are {self.thresholds!r} ({error})") from error
        for name, scores in self.metrics.items():
            if not isinstance(scores, dict) or not set(scores) >= _SCORES:
                raise ModelFileError(f"the card's {name} metrics are {scores!r}, not an object with {sorted(_SCORES)}")
        accuracy = self.metrics.get("test", {}).get("accuracy")
        if not (accuracy is None or (isinstance(accuracy, int | float) and 0 <= accuracy <= 1)):
            raise ModelFileError(f"the card's test accuracy is {accuracy!r}, not a number from 0 to 1")

    @property
    def test_accuracy(self) -> float | None:
        """Share of the MNIST test set read correctly, 0..1, or None if it was never measured."""
        accuracy = self.metrics.get("test", {}).get("accuracy")
        return None if accuracy is None else float(accuracy)

    def to_json(self) -> dict[str, Any]:
        """The card as JSON's types."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> "Card":
        """Reads `to_json`'s form; members that this version does not know are ignored.

        Raises:
            ModelFileError: not a card.
        """
        if not isinstance(value, dict):
            raise ModelFileError("the card is not a JSON object")
        known = {f.name for f in fields(cls)}
        try:
            return cls(**{name: item for name, item in value.items() if name in known})
        except TypeError as error:
            raise ModelFileError(f"the card cannot be read ({error})") from error


@dataclass(frozen=True)
class Artifact:
    """A model that is ready to serve.

    Args:
        path: the file that it came from.
        card: what it is.
        onnx: the network, as an ONNX file's bytes.
    """

    path: Path
    card: Card
    onnx: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of all that its answers depend on, as 64 hexadecimal digits."""
        return sha256(self.onnx + json.dumps(self.card.to_json(), sort_keys=True).encode())


def read(path: Path) -> Artifact:
    """Reads a model file and checks that its parts belong together.

    A Keras file without Digits' own members is converted, if Keras is installed.

    Raises:
        ModelNotFoundError: no such file.
        ModelFileError: not a model file, damaged, or its parts do not belong together.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if _WEIGHTS not in names:
                raise ModelFileError(f"it has no {_WEIGHTS}, so it is not a Keras 3 file")
            if not names & {_CARD, _ONNX}:
                return _convert(path)
            weights, onnx = _member(archive, _WEIGHTS), _member(archive, _ONNX)
            card = Card.from_json(json.loads(_member(archive, _CARD)))
    except FileNotFoundError:
        raise ModelNotFoundError(
            f"There is no model file {path}. Name one that exists, or train one with python train.py and name none."
        ) from None
    except ModelFileError as error:
        raise ModelFileError(f"The model file {path} cannot be used: {error}. {_WAY_OUT}") from error
    except Exception as error:
        # On damaged bytes the readers of zip and JSON raise nearly anything, zlib.error and RecursionError among it.
        reason = "it is damaged or not a .keras file"
        raise ModelFileError(f"The model file {path} cannot be used: {reason} ({error}). {_WAY_OUT}") from error
    for what, found, expected in (
        ("weights", sha256(weights), card.weights_sha256),
        ("ONNX graph", sha256(onnx), card.onnx_sha256),
    ):
        if found != expected:
            raise ModelFileError(
                f"The model file {path} cannot be used: its {what} do not match its card "
                f"(expected SHA-256 {expected or 'none'}, found {found}). {_WAY_OUT}"
            )
    return Artifact(path, card, onnx)


def read_examples(path: Path) -> Examples | None:
    """The test images in a model file, for its page in the app; None if it holds none.

    Raises:
        ModelFileError: they, or the file, cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return Examples.from_bytes(_member(archive, _EXAMPLES)) if _EXAMPLES in archive.namelist() else None
    except (OSError, zipfile.BadZipFile, ModelFileError) as error:
        raise ModelFileError(f"The test images in {path} cannot be read: {error}. {_WAY_OUT}") from error


def write(
    path: Path,
    save_keras: Callable[[Path], None],
    onnx: bytes,
    make_card: Callable[[str, str], Card],
    examples: Examples | None = None,
) -> Card:
    """Writes a model file whole or not at all: a crash at any moment leaves an existing file as it was.

    Args:
        path: of the model file; its folder is made if need be.
        save_keras: writes the Keras file to the path that it is given.
        onnx: the same network as an ONNX file's bytes.
        make_card: makes the card from the digests of the weights and of the ONNX graph.
        examples: test images with what the network read in them, if any.

    Returns:
        The card that was written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, because a rename is atomic only within one file system.
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=".writing-"))
    try:
        part = folder / "model.keras"
        save_keras(part)
        with zipfile.ZipFile(part) as archive:
            weights = _member(archive, _WEIGHTS)
        card = make_card(sha256(weights), sha256(onnx))
        with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_ONNX, onnx)
            archive.writestr(_CARD, json.dumps(card.to_json(), indent=1))
            if examples is not None:
                archive.writestr(_EXAMPLES, examples.to_bytes(), zipfile.ZIP_STORED)
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return card


def check_writable(path: Path) -> None:
    """Makes sure, before hours of training, that a model file can be written there.

    Raises:
        SettingError: its folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise SettingError(f"{path} cannot be written ({error.strerror}). Name another file with --out.") from error


def sha256(data: bytes) -> str:
    """The SHA-256 digest as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    size = archive.getinfo(name).file_size
    if size > _MAX_MEMBER_BYTES:
        raise ModelFileError(f"its member {name} unpacks to {size:,} bytes, more than {_MAX_MEMBER_BYTES:,}")
    return archive.read(name)


def _sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut, where the system can sync folders."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _convert(path: Path) -> Artifact:
    if importlib.util.find_spec("keras") is None or importlib.util.find_spec("tf2onnx") is None:
        raise ModelFileError(
            "it was made outside Digits and has to be converted, for which the training install is missing "
            f"(install it with: {install_command('train')})"
        )
    # The one door from serving to training, opened only for a file that cannot be served without.
    from digits.model.convert import read_foreign

    onnx, parameters, version = read_foreign(path)
    card = Card(parameters=parameters, versions={"keras": version}, onnx_sha256=sha256(onnx))
    return Artifact(path, card, onnx)
