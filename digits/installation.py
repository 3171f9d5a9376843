"""How this copy of Digits was installed, and how to install a part that is missing."""

from pathlib import Path
from typing import Literal, TypeAlias

Extra: TypeAlias = Literal["app", "bulk", "pdf", "phone", "ray", "traces", "train"]

_PACKAGE = Path(__file__).resolve().parent

# The smallest install of a clone that holds each extra; the Makefile and requirements/ define them.
_IN_A_CLONE: dict[Extra, str] = {
    "app": "make run",
    "pdf": "make run",
    "phone": "make run",
    "bulk": "python -m pip install -r requirements/bulk.txt",
    "ray": "python -m pip install -r requirements/ray.txt",
    "traces": "make install",
    "train": "make install",
}


def clone() -> Path | None:
    """Returns the root of the clone that this package runs from, or None if it was installed from a wheel."""
    root = _PACKAGE.parent
    return root if (root / "Makefile").is_file() and (root / "pyproject.toml").is_file() else None


def install_command(extra: Extra) -> str:
    """Returns the shell command that installs an extra of pyproject.toml: one for a clone, another for a wheel."""
    return f'pip install "digits[{extra}]"' if clone() is None else _IN_A_CLONE[extra]


def train_command() -> str:
    """Returns the shell command that trains a model: `train.py` is there in a clone alone."""
    return "digits train" if clone() is None else "python train.py"
