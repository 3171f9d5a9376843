"""The signs that stand among digits."""

from digits.arrays import CLASSES

# In the order of the sign classifier's classes.
SIGNS = (
    ".",
    ",",
    ":",
    ";",
    "/",
    "-",
    "+",
    "=",
    "×",
    "÷",
    "%",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "≤",
    "≥",
    "≠",
    "€",
    "$",
    "#",
    "*",
)
UNKNOWN = "?"
# Classes of the sign classifier: the ten digits, the signs, what is neither, and what is no whole digit or sign.
UNKNOWN_CLASS = CLASSES + len(SIGNS)
PIECE = UNKNOWN_CLASS + 1
SIGN_CLASSES = PIECE + 1
