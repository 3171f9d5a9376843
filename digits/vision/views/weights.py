"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

# An answer that the first view gives with a lower probability is doubtful, though it may be accepted.
DOUBTFUL = 0.990

SMALL = PoolWeights(
    start=-5.55,
    surest=0.73,
    second=0.17,
    first=0.14,
    views={
        "without specks": 0.13,
        "without thin lines": 0.18,
        "light strokes": 0.22,
        "dark strokes": 0.50,
        "row by row": 0.00,
        "stretched contrast": 0.09,
        "stretched contrast, cut out": 0.09,
        "without its frame": 0.00,
        "without its frame, all of it": 0.05,
        "row by row, all of it": 0.04,
        "column by column, all of it": 0.10,
        "without thin lines, cut out": 0.00,
    },
)

LARGE = PoolWeights(
    start=-5.44,
    surest=0.42,
    second=0.09,
    first=0.08,
    views={
        "stretched contrast": 0.08,
        "stretched contrast, cut out": 0.08,
        "wide pen strokes": 0.00,
        "pen strokes, closer": 0.00,
        "narrow pen strokes": 0.00,
        "the rarest of three colors": 0.53,
        "the rarer of two colors": 0.14,
        "without its border": 0.14,
        "light strokes, cut out": 0.34,
        "dark ink in two tones, without the border": 0.34,
        "light ink in two tones, without the border": 0.28,
        "row by row, cut out": 0.30,
        "column by column, cut out": 0.14,
        "dark ink in two tones, all of it": 0.48,
    },
)
