"""Writes a trained network of numbers beside its card."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LIBRARIES = ("keras", "tensorflow", "numpy")


def made_with(onnx: bytes) -> dict[str, Any]:
    """Returns what every card says: the digest of the network, and the versions of the libraries that made it.

    Args:
        onnx: the network, serialized.
    """
    libraries = {name: version(name) for name in _LIBRARIES}
    return {"onnx_sha256": hashlib.sha256(onnx).hexdigest(), "libraries": libraries}


def write_network(folder: Path, network: str, onnx: bytes, card: str, facts: Mapping[str, Any]) -> None:
    """Writes a network and its card, each whole or not at all, and prints where they are.

    Args:
        folder: is made if it is missing.
        network: the name of the network's file.
        onnx: the network, serialized.
        card: the name of the card's file.
        facts: the card, which JSON can hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((network, onnx), (card, (json.dumps(facts, indent=2) + "\n").encode())):
        part = folder / f"{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)
    print(f"{folder / network} ({len(onnx):,} bytes) and {card}")
