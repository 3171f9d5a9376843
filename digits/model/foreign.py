"""Models that were made outside Digits: which kinds there are, and which command converts one."""

import shlex
import zipfile
from pathlib import Path
from typing import Literal, TypeAlias

from digits.errors import ModelFileError

Kind: TypeAlias = Literal["Keras file", "HDF5 file", "SavedModel folder", "ONNX file"]

_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_SAVED_MODEL = "saved_model.pb"
# Larger members are refused, because members are read whole. No network of this product comes near this size.
_MAX_MEMBER_BYTES = 256 * 1024 * 1024


def kind_of(path: Path) -> Kind | None:
    """Returns what kind of model a path holds, judged by its content where that tells; None if it is none of them."""
    if path.is_dir():
        return "SavedModel folder" if (path / _SAVED_MODEL).is_file() else None
    try:
        with path.open("rb") as file:
            start = file.read(len(_HDF5))
    except OSError:
        return None
    if start == _HDF5:
        return "HDF5 file"
    if start.startswith(_ZIP):
        return "Keras file"
    return "ONNX file" if path.suffix.lower() == ".onnx" else None


def convert_command(path: Path) -> str:
    """Returns the shell command that converts a model from elsewhere."""
    return f"digits convert {shlex.quote(str(path))}"


def converted_path(path: Path) -> Path:
    """Returns where `digits convert` writes a model, unless it is told otherwise: beside the original."""
    whole = path.resolve()
    stem = whole.name if whole.is_dir() else whole.stem
    return path.parent / f"{stem}-digits.keras" if path.name else whole.parent / f"{stem}-digits.keras"


def check_size(member: zipfile.ZipInfo) -> None:
    """Refuses a member of a model file that is too large to be read whole.

    Raises:
        ModelFileError: it is.
    """
    if member.file_size > _MAX_MEMBER_BYTES:
        raise ModelFileError(
            f"its member {member.filename} unpacks to {member.file_size:,} bytes, more than {_MAX_MEMBER_BYTES:,}"
        )
