"""The shipped model, and copies of it with other members or another card."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digits.recognizer import shipped_model

# The shipped model, and the members of its file.
CARD, ONNX, WEIGHTS = "digits/card.json", "digits/model.onnx", "model.weights.h5"
EXAMPLES, INT8 = "digits/examples.npz", "digits/model_int8.onnx"
SHIPPED = shipped_model().read_bytes()
OWN_CARD: dict[str, Any] = json.loads(zipfile.ZipFile(io.BytesIO(SHIPPED)).read(CARD))


def repack(folder: Path, changes: Mapping[str, bytes | None]) -> Path:
    """Writes a copy of the shipped model with other members; returns its path.

    Args:
        folder: the folder to write to.
        changes: the new content of members, by name; None leaves a member out.
    """
    path = folder / "changed.keras"
    with zipfile.ZipFile(io.BytesIO(SHIPPED)) as original, zipfile.ZipFile(path, "w") as changed:
        for name in original.namelist():
            content = changes.get(name, original.read(name))
            if content is not None:
                changed.writestr(name, content)
    return path


def with_card(folder: Path, **changes: Any) -> Path:
    """Writes a copy of the shipped model with changed fields on its card; returns its path."""
    return repack(folder, {CARD: json.dumps(OWN_CARD | changes).encode()})
