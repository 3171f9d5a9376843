"""The description of the machine, and the way figures are written."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from digits.recognizer import TRAINED_MODEL, shipped_model


def models_to_measure() -> list[Path]:
    """Returns the paths of the trained model, if there is one, and of the shipped model."""
    return [model for model in (TRAINED_MODEL, shipped_model()) if model.exists()]


def describe_machine() -> str:
    """Returns processor, number of cores, system and Python version in one line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def spread(values: Sequence[float], unit: str, digits: int = 2) -> str:
    """Returns `mean ± standard deviation unit (n = count)`. A single value has no deviation.

    Args:
        values: the measured values, at least one.
        unit: their unit.
        digits: the number of decimal places.
    """
    deviation = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation} {unit} (n = {len(values)})"
