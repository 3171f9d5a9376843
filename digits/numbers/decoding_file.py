"""The file that holds the weights of the decoding, and the recognizer for which they were fitted."""

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from digits.errors import ModelFileError
from digits.numbers.acceptance import ACCEPTANCE_FEATURES
from digits.numbers.decoding import FEATURES, Decoding, Pool
from digits.numbers.lines.features import CHOICE_FEATURES, CONFIDENCE_FEATURES, LATTICE_FEATURES
from digits.numbers.window_network import Shipped

_HOW = "Fit them anew: python -m digits.training.segmenter.run --decoding-only"


@dataclass(frozen=True)
class DecodingFile:
    """The parameters of the decoding for the recognizer for which they were fitted, and for any other.

    Args:
        recognizer: SHA-256 of the ONNX graph of that recognizer, as its card gives it.
        fitted: the parameters for that recognizer.
        default: those for any other. They give no weight to how sure the recognizer is, count both networks alike, and
            accept what both take for a digit rather than for anything else.
    """

    recognizer: str
    fitted: Decoding
    default: Decoding

    def suits(self, onnx_sha256: str | None) -> bool:
        """Whether the fitted parameters are those for a recognizer, which the digest of its ONNX graph names."""
        return onnx_sha256 == self.recognizer

    def decoding_for(self, onnx_sha256: str | None) -> Decoding:
        """The parameters for a recognizer, which the digest of its ONNX graph names."""
        return self.fitted if self.suits(onnx_sha256) else self.default

    def to_json(self) -> dict[str, Any]:
        """The content of the file as JSON's types."""
        return {"recognizer": self.recognizer, "fitted": asdict(self.fitted), "default": asdict(self.default)}


def read_decoding(card: Path) -> DecodingFile:
    """Reads the parameters of the decoding from the card of the segment classifier.

    Raises:
        ModelFileError: the file is missing or damaged, or its weights are not those of `FEATURES`; the message says
            which.
    """
    try:
        values = json.loads(card.read_text())["decoding"]
        return DecodingFile(
            str(values["recognizer"]), _decoding(values["fitted"], card), _decoding(values["default"], card)
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelFileError(f"{card.name} cannot be read ({error!r}). Install Digits anew.") from error


def _decoding(values: Mapping[str, Any], card: Path) -> Decoding:
    weights = {
        field: _weights(values[field], names, card)
        for field, names in (
            ("weights", FEATURES),
            ("confidence", CONFIDENCE_FEATURES),
            ("lattice_confidence", LATTICE_FEATURES),
            ("choice", CHOICE_FEATURES),
            ("acceptance", ACCEPTANCE_FEATURES),
        )
    }
    pool = Pool(**{name: _finite(name, exponent, card) for name, exponent in values["pool"].items()})
    digit, sure, path, alone = (
        _finite(name, values[name], card) for name in ("digit", "sure", "sure_path", "sure_alone")
    )
    return Decoding(**weights, digit=digit, sure=sure, sure_path=path, sure_alone=alone, pool=pool)


def _weights(values: Mapping[str, Any], names: Sequence[str], card: Path) -> dict[str, float]:
    missing, unknown = set(names) - set(values), set(values) - set(names)
    if missing or unknown:
        wrong = [
            f"{text} {', '.join(repr(name) for name in sorted(wrong_names))}"
            for text, wrong_names in (("has no weight for", missing), ("has a weight for the unknown feature", unknown))
            if wrong_names
        ]
        raise ModelFileError(f"{card.name} {' and '.join(wrong)}. {_HOW}")
    return {name: _finite(name, values[name], card) for name in names}


def _finite(name: str, value: Any, card: Path) -> float:
    if not math.isfinite(value):
        raise ModelFileError(f"{card.name} has {value} for {name!r}; it must be a finite number. {_HOW}")
    return float(value)


@functools.cache
def shipped_decoding() -> DecodingFile:
    """The parameters that ship with Digits; read when they are first asked for.

    Raises:
        ModelFileError: as of `read_decoding`.
    """
    return read_decoding(Shipped.SEGMENTS.card)
