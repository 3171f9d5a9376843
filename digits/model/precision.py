"""The precision in which a network computes: float32, or int8 where the model has that form and the processor is fit.

In int8, weights and images between layers are whole numbers of 8 bits. bfloat16 is not offered: ONNX Runtime has no
such kernels for x86 processors, and OpenVINO, which has, would more than double the size of the serving install.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from digits.errors import SettingError

if TYPE_CHECKING:
    from digits.model.artifact import Artifact

Precision = Literal["float32", "int8"]
FLOAT32: Precision = "float32"
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

# Instructions that multiply and add 8-bit integers at once, as Linux names them in this file (AVX-512 VNNI, AVX-VNNI).
# Without them, int8 is not known to be faster.
_CPU_INFO = Path("/proc/cpuinfo")
_INT8_INSTRUCTIONS = frozenset({"avx512_vnni", "avx_vnni"})


def choose_form(artifact: "Artifact", wanted: Precision) -> tuple["Artifact", Precision, str | None]:
    """Chooses the form of a model that answers.

    Args:
        artifact: the model.
        wanted: the precision that the user asks for.

    Returns:
        The model in that precision, the precision in which it answers, and for people why that is not the one that is
        wanted, or None if it is.

    Raises:
        SettingError: there is no such precision.
    """
    if wanted not in PRECISIONS:
        raise SettingError(f"There is no precision {wanted!r}; there are {' and '.join(PRECISIONS)}.")
    if wanted == FLOAT32:
        return artifact, FLOAT32, None
    reason = None
    if artifact.int8 is None:
        reason = (
            "its file has no int8 form. Where the training install is, this adds one: digits quantize "
            f"{artifact.path.name}"
        )
    elif not has_int8_instructions():
        reason = (
            "this processor is not known to be faster in int8 (Linux names neither "
            f"{' nor '.join(sorted(_INT8_INSTRUCTIONS))})"
        )
    if reason is not None:
        return artifact, FLOAT32, f"The model answers in float32, and not in int8 as asked: {reason}."
    return artifact.in_int8(), "int8", None


def has_int8_instructions() -> bool:
    """Returns whether the processor has instructions for 8-bit integers; False on systems that do not say so."""
    try:
        text = _CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not _INT8_INSTRUCTIONS.isdisjoint(flags.split())
