"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

SMALL = PoolWeights(
    start=-5.53,
    first=0.19,
    views={
        "without specks": 0.58,
        "without thin lines": 0.88,
        "light strokes": 0.88,
        "dark strokes": 0.88,
        "row by row": 0.65,
        "column by column": 0.46,
        "stretched contrast": 0.62,
        "stretched contrast, cut out": 0.62,
        "without its frame": 0.56,
        "without its frame, all of it": 0.65,
        "row by row, all of it": 0.55,
        "column by column, all of it": 0.63,
        "without thin lines, cut out": 0.72,
    },
)

LARGE = PoolWeights(
    start=-5.21,
    first=0.17,
    views={
        "stretched contrast": 0.18,
        "stretched contrast, cut out": 0.18,
        "wide pen strokes": 0.75,
        "the rarest of three colors": 0.83,
        "the rarer of two colors": 0.63,
        "without its border": 0.65,
        "light strokes, cut out": 0.57,
        "dark ink in two tones, without the border": 0.78,
        "light ink in two tones, without the border": 0.28,
        "row by row, cut out": 0.83,
        "column by column, cut out": 0.83,
        "dark ink in two tones, all of it": 0.52,
        "in even light": 0.72,
    },
)
