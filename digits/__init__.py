"""Handwritten-digit recognition from training to production.

`Recognizer` reads one digit in an image, `NumberReader` a page of them. Both are loaded when they are first used, so
that `import digits` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digits.numbers.reader import NumberReader
    from digits.numbers.reading import Reading
    from digits.recognizer import Prediction, Recognizer

__version__ = "0.1.0"

__all__ = ["NumberReader", "Prediction", "Reading", "Recognizer", "__version__"]

_PLACES = {
    "NumberReader": "digits.numbers.reader",
    "Reading": "digits.numbers.reading",
    "Prediction": "digits.recognizer",
    "Recognizer": "digits.recognizer",
}


def __getattr__(name: str) -> Any:
    if module := _PLACES.get(name):
        return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
