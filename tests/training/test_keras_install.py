"""A Python that TensorFlow has no wheels for is told which one to use."""

import builtins
import sys
from typing import Any

import pytest

from digits.errors import MissingInstallError
from digits.training.keras_install import require_keras


@pytest.fixture
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **named: Any) -> Any:
        if name.split(".")[0] in {"keras", "tensorflow", "tf2onnx"}:
            raise ImportError(f"No module named {name!r}")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_training_without_tensorflow_names_the_install(without_tensorflow: None) -> None:
    with pytest.raises(MissingInstallError, match=r"Install it with: "):
        require_keras()


def test_a_python_that_is_too_new_for_training_is_told_so(
    without_tensorflow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    with pytest.raises(MissingInstallError, match=r"no wheels for Python 3\.14.*Train with Python 3\.11 to 3\.13"):
        require_keras()
