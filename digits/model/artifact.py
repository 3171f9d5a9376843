"""One file, two readers: a Keras file that also carries the ONNX graph of its weights and a card.

A `.keras` file is a zip archive, and Keras ignores members that it does not know. Training adds some, so that
serving needs neither Keras nor TensorFlow and the two forms of the network travel together:

    metadata.json, config.json, model.weights.h5    the members that Keras writes
    digits/model.onnx                               the same network for ONNX Runtime
    digits/model_int8.onnx                          the same network in int8, if `digits model quantize` made it
    digits/card.json                                what the model is, how it was made and how good it is
    digits/examples.npz                             test images that it reads wrongly, or barely, for people to look at

A file that `digits convert` made of an ONNX file or a SavedModel has only the members of Digits: Keras cannot load it.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from digits.errors import ModelFileError, ModelNotFoundError, SettingError
from digits.installation import install_command, train_command
from digits.model import history
from digits.model.card import Card
from digits.model.engine import (
    AUTO,
    FLOAT32,
    PRECISIONS,
    Engine,
    Precision,
    PrecisionChoice,
    has_int8_instructions,
)
from digits.model.examples import Examples
from digits.model.foreign import check_size, convert_command, kind_of
from digits.model.input_form import INPUT_FORMS, InputForm, find_input_form

_ONNX = "digits/model.onnx"
_INT8 = "digits/model_int8.onnx"
_CARD = "digits/card.json"
_EXAMPLES = "digits/examples.npz"
_WEIGHTS = "model.weights.h5"


@dataclass(frozen=True)
class Artifact:
    """A model that is ready to serve.

    Args:
        path: the file that it was read from.
        card: what the model is.
        onnx: bytes of the ONNX file that holds the network.
        int8: bytes of the ONNX file that holds its int8 form; None if there is none.
    """

    path: Path
    card: Card
    onnx: bytes
    int8: bytes | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of network and card, on which the answers depend, as 64 hexadecimal digits."""
        # An int8 form beside the network changes none of its answers. Where it answers itself, it is `onnx`.
        card = {name: value for name, value in self.card.to_json().items() if name != "int8"}
        return sha256(self.onnx + json.dumps(card, sort_keys=True).encode())

    def in_precision(self, wanted: PrecisionChoice) -> tuple["Artifact", Precision, str | None]:
        """Chooses the form that answers.

        Args:
            wanted: the precision that the user asks for. "auto" is int8 where the file has that form, the processor is
                fit for it, and the card says that it reads as many test images as float32; else float32.

        Returns:
            The model in the form that answers, whose card has that form's thresholds and test results; its precision;
            and for people why that is not the one that is wanted, or None if it is.

        Raises:
            SettingError: there is no such precision.
        """
        if wanted not in get_args(PrecisionChoice):
            raise SettingError(
                f"There is no precision {wanted!r}; there are {' and '.join(PRECISIONS)}, and auto, which chooses."
            )
        if wanted == FLOAT32 or (wanted == AUTO and not self.card.is_as_accurate_in_int8):
            return self, FLOAT32, None
        if self.int8 is None:
            reason = (
                "its file has no int8 form. Where the training install is, this adds one: digits model quantize "
                f"{self.path.name}"
            )
        elif not has_int8_instructions():
            reason = "this processor is not known to be faster in int8 (Linux names neither avx512_vnni nor avx_vnni)"
        else:
            return replace(self, onnx=self.int8, card=self.card.of_int8()), "int8", None
        if wanted == AUTO:
            return self, FLOAT32, None
        return self, FLOAT32, f"The model answers in float32, and not in int8 as asked: {reason}."


def read(path: Path) -> Artifact:
    """Reads a model file, and checks that weights and graph are those that its card names.

    A Keras file without the members of Digits is converted each time, if Keras is installed; `digits convert` does it
    once.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is no model file, or damaged, or its card names other weights or another graph.
    """
    try:
        if (kind := kind_of(path)) not in (None, "Keras file"):
            raise ModelFileError(f"it is {_with_article(str(kind))}. Convert it once, with {convert_command(path)}")
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if _WEIGHTS not in names and not {_CARD, _ONNX} <= names:
                raise ModelFileError(f"it has no {_WEIGHTS}, so it is not a Keras 3 file")
            if not names & {_CARD, _ONNX}:
                return _convert(path)
            # A network that did not come from Keras has no weights in Keras' form.
            weights = _member(archive, _WEIGHTS) if _WEIGHTS in names else None
            onnx = _member(archive, _ONNX)
            int8 = _member(archive, _INT8) if _INT8 in names else None
            card = Card.from_json(json.loads(_member(archive, _CARD)))
    except FileNotFoundError:
        raise ModelNotFoundError(
            f"There is no model file {path}. Name one that exists, or train one with {train_command()} and name none."
        ) from None
    except ModelFileError as error:
        raise ModelFileError(f"The model file {path} cannot be used: {error}. {_way_out()}") from error
    except Exception as error:
        # On damaged bytes the readers of zip and JSON raise nearly anything, zlib.error and RecursionError among it.
        reason = "it is damaged or not a .keras file"
        raise ModelFileError(f"The model file {path} cannot be used: {reason} ({error}). {_way_out()}") from error
    for part, digest, expected in (
        ("weights", "" if weights is None else sha256(weights), card.weights_sha256),
        ("ONNX graph", sha256(onnx), card.onnx_sha256),
        ("int8 form", "" if int8 is None else sha256(int8), card.int8["onnx_sha256"] if card.int8 else ""),
    ):
        if digest != expected:
            raise ModelFileError(
                f"The model file {path} cannot be used: its {part} do not match its card "
                f"(expected SHA-256 {expected or 'none'}, found {digest or 'none'}). {_way_out()}"
            )
    return Artifact(path, card, onnx, int8)


def has_members(path: Path) -> bool:
    """Returns whether a file is a zip file with members of Digits, damaged ones too."""
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(set(archive.namelist()) & {_CARD, _ONNX})
    except (OSError, zipfile.BadZipFile):
        return False


def read_examples(path: Path) -> Examples | None:
    """Returns the test images in a model file, which the app shows, or None if the file holds none.

    Raises:
        ModelFileError: the file or its test images cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return Examples.from_bytes(_member(archive, _EXAMPLES)) if _EXAMPLES in archive.namelist() else None
    except (OSError, zipfile.BadZipFile, ModelFileError) as error:
        raise ModelFileError(f"The test images in {path} cannot be read: {error}. {_way_out()}") from error


def write(
    path: Path,
    save_keras: Callable[[Path], None] | None,
    onnx: bytes,
    make_card: Callable[[str, str], Card],
    examples: Examples | None = None,
    keep: int = 0,
    int8: bytes | None = None,
) -> Card:
    """Writes a model file whole or not at all: a crash at any moment leaves an existing file as it was.

    Args:
        path: of the model file. Its folder is made if it does not exist.
        save_keras: called with a path, to which it writes the Keras file; None if the network has no Keras form.
        onnx: bytes of the ONNX file that holds the same network.
        make_card: called with the digests of the weights ("" if there are none) and of the ONNX graph; returns the
            card.
        examples: test images with the digits that the network read in them.
        keep: how many of the files that this one replaces, and that were replaced before, are kept beside it.
        int8: bytes of the ONNX file that holds the int8 form of the network, which the card then describes.

    Returns:
        The card that was written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, because a rename is atomic only within one file system.
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=".writing-"))
    try:
        part = folder / "model.keras"
        weights_sha256 = ""
        if save_keras is not None:
            save_keras(part)
            with zipfile.ZipFile(part) as archive:
                weights_sha256 = sha256(_member(archive, _WEIGHTS))
        card = make_card(weights_sha256, sha256(onnx))
        with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_ONNX, onnx)
            if int8 is not None:
                archive.writestr(_INT8, int8)
            archive.writestr(_CARD, json.dumps(card.to_json(), indent=1))
            if examples is not None:
                archive.writestr(_EXAMPLES, examples.to_bytes(), zipfile.ZIP_STORED)
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        history.keep(path, keep)
        part.replace(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return card


def replace_card(path: Path, card: Card, int8: bytes | None = None) -> None:
    """Puts another card into a model file; what else is in it stays, and the whole file stays if this fails.

    Args:
        path: of the model file.
        card: the new card.
        int8: bytes of the ONNX file that holds the int8 form which the card describes; None if it describes none.

    Raises:
        ModelFileError: the model file cannot be read.
    """
    artifact, examples = read(path), read_examples(path)

    def copy_keras(part: Path) -> None:
        with zipfile.ZipFile(path) as archive, zipfile.ZipFile(part, "w") as copy:
            for member in archive.infolist():
                if member.filename not in (_CARD, _ONNX, _INT8, _EXAMPLES):
                    copy.writestr(member, archive.read(member))

    save_keras = copy_keras if artifact.card.weights_sha256 else None
    write(path, save_keras, artifact.onnx, lambda _weights, _onnx: card, examples, int8=int8)


def _way_out() -> str:
    return f"Name another model file, or train a new one with {train_command()}."


def check_writable(path: Path) -> None:
    """Checks, before hours of training, that a model file can be written.

    Raises:
        SettingError: the folder of `path` cannot be made, or a file in it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise SettingError(f"{path} cannot be written ({error.strerror}). Name another file with --out.") from error


def sha256(data: bytes) -> str:
    """Returns the SHA-256 digest as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    check_size(archive.getinfo(name))
    return archive.read(name)


def _sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut, on systems that can sync folders."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _with_article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEHIO' else 'a'} {kind}"


def _convert(path: Path) -> Artifact:
    if importlib.util.find_spec("keras") is None or importlib.util.find_spec("tf2onnx") is None:
        raise ModelFileError(
            f"it was made outside Digits. Convert it once, with {convert_command(path)}, where the training install is "
            f"(it is not here; to install it: {install_command('train')})"
        )
    # Serving needs Keras here alone, for a file that cannot be served otherwise, and does not load it.
    from digits.model.convert import read_foreign
    from digits.model.convert_apart import read_apart

    foreign = read_foreign(path) if "keras" in sys.modules else read_apart(path)
    input_form = require_input_form(foreign.onnx)
    card = Card(
        parameters=foreign.parameters,
        versions=foreign.versions,
        onnx_sha256=sha256(foreign.onnx),
        input_form=input_form.name,
        converted_from={"file": path.name, "kind": "Keras file", "changes": foreign.changes},
    )
    return Artifact(path, card, foreign.onnx)


def require_input_form(onnx: bytes) -> InputForm:
    """Returns the form of pixels under which a network reads digits.

    Args:
        onnx: the bytes of an ONNX file.

    Raises:
        ModelFileError: it reads them under none.
    """
    input_form, share = find_input_form(Engine(onnx).classify_as)
    if input_form is None:
        raise ModelFileError(
            f"it reads at most {share:.0%} of the MNIST images on which it was tried, with pixels of each of these "
            f"forms: {', '.join(INPUT_FORMS)}. A digit network takes 28x28 images of handwritten digits, and the first "
            "of its ten numbers is for the digit 0"
        )
    return input_form
