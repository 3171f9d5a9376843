"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

# An answer that the first view gives with a lower probability is doubtful, though it may be accepted.
DOUBTFUL = 0.996

SMALL = PoolWeights(
    start=-5.58,
    surest=0.69,
    second=0.14,
    first=0.29,
    views={
        "rounded pixels": 0.00,
        "without specks": 0.24,
        "without thin lines": 0.30,
        "light strokes": 0.05,
        "dark strokes": 0.55,
        "outlines filled in": 0.37,
        "thick strokes": 0.22,
        "stretched contrast": 0.08,
        "stretched contrast, cut out": 0.08,
        "without its frame, all of it": 0.16,
        "row by row, all of it": 0.25,
        "column by column, all of it": 0.11,
    },
)

LARGE = PoolWeights(
    start=-5.53,
    surest=0.36,
    second=0.09,
    first=0.31,
    views={
        "rounded pixels": 0.54,
        "stretched contrast": 0.11,
        "stretched contrast, cut out": 0.11,
        "outlines filled in": 0.54,
        "wide pen strokes": 0.00,
        "pen strokes, closer": 0.00,
        "narrow pen strokes": 0.00,
        "darker than any shade": 0.15,
        "the darkest of three tones": 0.15,
        "the rarest of three colors": 0.54,
        "without its border": 0.20,
        "light strokes, cut out": 0.31,
        "dark ink in two tones, without the border": 0.24,
        "light ink in two tones, without the border": 0.41,
        "row by row, cut out": 0.39,
        "dark ink in two tones, all of it": 0.21,
    },
)
