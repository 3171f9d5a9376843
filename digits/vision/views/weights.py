"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

SMALL = PoolWeights(
    start=-5.79,
    first=0.21,
    views={
        "without specks": 0.60,
        "without thin lines": 0.93,
        "light strokes": 0.93,
        "dark strokes": 0.93,
        "row by row": 0.68,
        "column by column": 0.49,
        "stretched contrast": 0.64,
        "stretched contrast, cut out": 0.64,
        "without its frame": 0.61,
        "without its frame, all of it": 0.65,
        "row by row, all of it": 0.57,
        "column by column, all of it": 0.66,
        "without thin lines, cut out": 0.76,
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
