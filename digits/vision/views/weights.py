"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

# An answer that the first view gives with a lower probability is doubtful, though it may be accepted.
DOUBTFUL = 0.989

SMALL = PoolWeights(
    start=-5.56,
    surest=0.79,
    second=0.16,
    first=0.07,
    views={
        "rounded pixels": 0.00,
        "without specks": 0.06,
        "without thin lines": 0.20,
        "light strokes": 0.00,
        "dark strokes": 0.37,
        "outlines filled in": 0.23,
        "thick strokes": 0.16,
        "stretched contrast": 0.08,
        "stretched contrast, cut out": 0.08,
        "without its frame, all of it": 0.13,
        "row by row, all of it": 0.07,
        "column by column, all of it": 0.07,
    },
)

LARGE = PoolWeights(
    start=-5.58,
    surest=0.42,
    second=0.06,
    first=0.13,
    views={
        "rounded pixels": 0.58,
        "stretched contrast": 0.09,
        "stretched contrast, cut out": 0.09,
        "outlines filled in": 0.55,
        "wide pen strokes": 0.00,
        "pen strokes, closer": 0.00,
        "narrow pen strokes": 0.00,
        "darker than any shade": 0.14,
        "the darkest of three tones": 0.15,
        "the rarest of three colors": 0.53,
        "without its border": 0.19,
        "light strokes, cut out": 0.29,
        "dark ink in two tones, without the border": 0.25,
        "light ink in two tones, without the border": 0.36,
        "row by row, cut out": 0.30,
        "dark ink in two tones, all of it": 0.27,
    },
)
