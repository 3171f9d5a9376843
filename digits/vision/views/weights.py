"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

# An answer that the first view gives with a lower probability is doubtful, though it may be accepted.
DOUBTFUL = 0.990

SMALL = PoolWeights(
    start=-5.49,
    surest=0.59,
    second=0.29,
    first=0.47,
    views={
        "rounded pixels": 0.14,
        "without specks": 0.20,
        "without thin lines": 0.14,
        "light strokes": 0.11,
        "dark strokes": 0.58,
        "row by row": 0.00,
        "stretched contrast": 0.07,
        "stretched contrast, cut out": 0.07,
        "without its frame": 0.00,
        "without its frame, all of it": 0.00,
        "row by row, all of it": 0.09,
        "column by column, all of it": 0.00,
        "without thin lines, cut out": 0.06,
    },
)

LARGE = PoolWeights(
    start=-5.51,
    surest=0.40,
    second=0.10,
    first=0.14,
    views={
        "rounded pixels": 0.37,
        "stretched contrast": 0.03,
        "stretched contrast, cut out": 0.09,
        "wide pen strokes": 0.00,
        "pen strokes, closer": 0.03,
        "narrow pen strokes": 0.00,
        "darker than any shade": 0.22,
        "the darkest of three tones": 0.00,
        "the rarest of three colors": 0.37,
        "the rarer of two colors": 0.04,
        "without its border": 0.14,
        "light strokes, cut out": 0.20,
        "dark ink in two tones, without the border": 0.22,
        "light ink in two tones, without the border": 0.47,
        "row by row, cut out": 0.38,
        "column by column, cut out": 0.21,
        "dark ink in two tones, all of it": 0.28,
    },
)
