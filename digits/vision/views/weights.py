"""How much the network's opinion of each view counts. Written by `python -m benchmarks.accuracy.views --write`."""

from digits.vision.views.pool import PoolWeights

SMALL = PoolWeights(
    start=-4.81,
    first=0.43,
    views={
        "without specks": 0.43,
        "without thin lines": 0.43,
        "light strokes": 0.43,
        "dark strokes": 0.43,
        "row by row": 0.43,
        "stretched contrast": 0.39,
        "stretched contrast, cut out": 0.42,
        "without its frame": 0.26,
        "without its frame, all of it": 0.38,
        "row by row, all of it": 0.43,
        "column by column, all of it": 0.43,
        "without thin lines, cut out": 0.43,
    },
)

LARGE = PoolWeights(
    start=-5.06,
    first=0.21,
    views={
        "stretched contrast": 0.20,
        "stretched contrast, cut out": 0.20,
        "wide pen strokes": 0.33,
        "pen strokes, closer": 0.24,
        "narrow pen strokes": 0.25,
        "the rarest of three colors": 0.45,
        "the rarer of two colors": 0.38,
        "without its border": 0.45,
        "light strokes, cut out": 0.45,
        "dark ink in two tones, without the border": 0.44,
        "light ink in two tones, without the border": 0.45,
        "row by row, cut out": 0.45,
        "column by column, cut out": 0.45,
        "dark ink in two tones, all of it": 0.45,
    },
)
