"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

SMALL = PoolWeights(
    start=-5.34,
    first=0.12,
    views={
        "without its border": 0.60,
        "column by column, cut out": 0.72,
        "without specks": 0.86,
        "row by row, cut out": 0.82,
        "light strokes": 0.86,
        "stretched contrast": 0.59,
        "stretched contrast, cut out": 0.59,
        "without thin lines, cut out": 0.81,
        "dark strokes": 0.86,
        "without specks, cut out": 0.55,
        "column by column": 0.57,
        "row by row": 0.39,
    },
)

LARGE = PoolWeights(
    start=-5.16,
    first=0.32,
    views={
        "stretched contrast": 0.19,
        "stretched contrast, cut out": 0.19,
        "the rarest of three colors": 0.83,
        "the rarer of two colors": 0.58,
        "without its border": 0.56,
        "light strokes, cut out": 0.55,
        "dark ink in two tones, without the border": 0.83,
        "light ink in two tones, without the border": 0.33,
        "without plain borders": 0.35,
        "row by row, cut out": 0.83,
        "column by column, cut out": 0.83,
        "dark ink in two tones, all of it": 0.57,
        "in even light": 0.58,
    },
)
