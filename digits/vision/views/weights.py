"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

SMALL = PoolWeights(
    start=-5.26,
    first=0.11,
    views={
        "without its border": 0.53,
        "column by column, cut out": 0.84,
        "without specks": 0.84,
        "row by row, cut out": 0.84,
        "light strokes": 0.84,
        "stretched contrast": 0.58,
        "stretched contrast, cut out": 0.58,
        "without thin lines, cut out": 0.67,
        "dark strokes": 0.84,
        "without specks, cut out": 0.48,
        "all of the ink": 0.33,
        "outlines filled, cut out": 0.11,
    },
)

LARGE = PoolWeights(
    start=-5.28,
    first=0.24,
    views={
        "stretched contrast": 0.17,
        "stretched contrast, cut out": 0.17,
        "the rarest of three colors": 0.84,
        "the rarer of two colors": 0.57,
        "without its border": 0.68,
        "light strokes, cut out": 0.60,
        "dark ink in two tones, without the border": 0.84,
        "light ink in two tones, without the border": 0.34,
        "without plain borders": 0.48,
        "row by row, cut out": 0.84,
        "column by column, cut out": 0.84,
        "dark ink in two tones, all of it": 0.60,
        "in even light": 0.66,
    },
)
