"""What a figure was measured on, and how figures are written."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from digits.recognizer import TRAINED_MODEL, shipped_model


def models_to_measure() -> list[Path]:
    """The trained model, if there is one, and the shipped one."""
    return [model for model in (TRAINED_MODEL, shipped_model()) if model.exists()]


def describe_machine() -> str:
    """Processor, cores, system and Python, in one line."""
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
    """Mean, standard deviation and n."""
    deviation = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation} {unit} (n = {len(values)})"
