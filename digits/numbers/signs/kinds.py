"""The signs that stand among digits."""

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
# Classes of the sign classifier: the ten digits, the signs, and what is neither.
SIGN_CLASSES = 10 + len(SIGNS) + 1
