"""The forms of the signs that people write among digits, each of which random numbers shape anew.

A form is strokes of a pen, in heights of a digit: x to the right, y down, from 0 at the top of the digits to 1 on the
base line. A point that occurs twice makes a corner.
"""

from collections.abc import Callable, Mapping

import numpy as np

from digits.synthetic.strokes import Form, Stroke

Rng = np.random.Generator


def _dot(x: float, y: float, rng: Rng) -> Stroke:
    """A dot, or a short dash for one."""
    long = rng.uniform(0.005, 0.05)
    return ((x, y), (x + long * rng.uniform(-0.6, 0.6), y + long))


def _bar(left: float, right: float, y: float, rise: float, rng: Rng) -> Stroke:
    """A stroke from left to right that rises by so much and bends a little."""
    middle = rng.uniform(0.35, 0.65)
    bend = rng.normal(0.0, 0.012)
    return (
        (left, y + rise / 2.0),
        (left + middle * (right - left), y + rise * (0.5 - middle) + bend),
        (right, y - rise / 2.0),
    )


def _stem(x: float, top: float, bottom: float, lean: float, rng: Rng) -> Stroke:
    """A stroke from the top down, whose top leans to the right by so much."""
    bend = rng.normal(0.0, 0.012)
    return ((x + lean / 2.0, top), (x + bend, (top + bottom) / 2.0), (x - lean / 2.0, bottom))


def _ring(x: float, y: float, wide: float, high: float, rng: Rng) -> Stroke:
    """A small closed loop, which may stay open a little or overlap itself."""
    start, way = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(5.6, 7.2)
    turn = 1.0 if rng.random() < 0.5 else -1.0
    angles = start + turn * np.linspace(0.0, way, 9)
    return tuple((x + wide * float(np.cos(a)), y + high * float(np.sin(a))) for a in angles)


def _slash(rng: Rng) -> Form:
    high, middle = rng.uniform(0.8, 1.6), rng.uniform(0.4, 0.62)
    wide = high * np.tan(np.deg2rad(rng.uniform(16.0, 48.0)))
    bend = rng.normal(0.0, 0.02)
    top, bottom = middle - high / 2.0, middle + high / 2.0
    return (((wide, top), (wide / 2.0 + bend, middle), (0.0, bottom)),)


def _percent(rng: Rng) -> Form:
    high, wide, middle = rng.uniform(0.75, 1.25), rng.uniform(0.3, 0.85), rng.uniform(0.45, 0.55)
    top, bottom = middle - high / 2.0, middle + high / 2.0
    size = rng.uniform(0.07, 0.2)
    tall = size * rng.uniform(0.85, 1.5)
    away = rng.uniform(0.0, 0.16)
    first = _ring(0.5 * wide - wide * 0.28 - away, top + tall + rng.uniform(-0.02, 0.14), size, tall, rng)
    second = _ring(0.5 * wide + wide * 0.28 + away, bottom - tall - rng.uniform(-0.02, 0.14), size, tall, rng)
    if rng.random() < 0.1:
        first, second = _dot(first[0][0], first[0][1], rng), _dot(second[0][0], second[0][1], rng)
    return (((wide, top), (wide / 2.0 + rng.normal(0.0, 0.02), middle), (0.0, bottom)), first, second)


def _minus(rng: Rng) -> Form:
    return (_bar(0.0, rng.uniform(0.2, 0.75), rng.uniform(0.42, 0.62), rng.normal(0.0, 0.03), rng),)


def _plus(rng: Rng) -> Form:
    size, y = rng.uniform(0.35, 0.8), rng.uniform(0.45, 0.6)
    tall = size * rng.uniform(0.75, 1.4)
    x = size * rng.uniform(0.4, 0.6)
    up = y - tall * rng.uniform(0.4, 0.6)
    return (
        _bar(0.0, size, y, rng.normal(0.0, 0.03), rng),
        _stem(x, up, up + tall, rng.normal(0.0, 0.03), rng),
    )


def _equals(rng: Rng) -> Form:
    wide, y, apart = rng.uniform(0.35, 0.75), rng.uniform(0.45, 0.62), rng.uniform(0.14, 0.42)
    rise = rng.normal(0.0, 0.03)
    shift, longer = rng.normal(0.0, 0.03), rng.uniform(0.85, 1.15)
    return (
        _bar(0.0, wide, y - apart / 2.0, rise, rng),
        _bar(shift, shift + wide * longer, y + apart / 2.0, rise + rng.normal(0.0, 0.015), rng),
    )


def _times(rng: Rng) -> Form:
    size, y = rng.uniform(0.3, 0.75), rng.uniform(0.48, 0.68)
    tall = size * rng.uniform(0.8, 1.3)
    top, bottom = y - tall / 2.0, y + tall / 2.0
    bow = rng.normal(0.0, 0.03)
    return (
        ((0.0, top), (size / 2.0 + bow, y), (size, bottom)),
        ((size + rng.normal(0.0, 0.04), top), (size / 2.0 - bow, y), (rng.normal(0.0, 0.04), bottom)),
    )


def _divided(rng: Rng) -> Form:
    wide, y, away = rng.uniform(0.35, 0.75), rng.uniform(0.45, 0.6), rng.uniform(0.18, 0.36)
    x = wide * rng.uniform(0.4, 0.6)
    dots = [_dot(x + rng.normal(0.0, 0.02), y + side * away, rng) for side in (-1.0, 1.0)]
    if rng.random() < 0.15:
        dots = [_ring(x, y + side * away, 0.05, 0.05, rng) for side in (-1.0, 1.0)]
    return (_bar(0.0, wide, y, rng.normal(0.0, 0.03), rng), *dots)


def _parenthesis(rng: Rng) -> Stroke:
    """An opening one, whose hollow is to the right."""
    deep, top, bottom = rng.uniform(0.06, 0.34), rng.uniform(-0.25, 0.08), rng.uniform(0.95, 1.28)
    third = (bottom - top) / 3.0
    tilt = rng.normal(0.0, 0.04)
    return (
        (deep + tilt, top),
        (deep * rng.uniform(0.15, 0.4) + tilt / 2.0, top + third * rng.uniform(0.7, 1.1)),
        (deep * rng.uniform(0.05, 0.3) - tilt / 2.0, bottom - third * rng.uniform(0.7, 1.1)),
        (deep * rng.uniform(0.8, 1.15) - tilt, bottom),
    )


def _bracket(rng: Rng) -> Stroke:
    """An opening one, whose corners are on the left."""
    top, bottom = rng.uniform(-0.2, 0.08), rng.uniform(0.95, 1.22)
    upper, lower, lean = rng.uniform(0.12, 0.4), rng.uniform(0.12, 0.4), rng.normal(0.0, 0.03)
    return ((upper + lean, top), (lean, top), (lean, top), (0.0, bottom), (0.0, bottom), (lower, bottom))


def _mirrored(form: Form) -> Form:
    return tuple(tuple((-x, y) for x, y in stroke) for stroke in form)


def _less(rng: Rng) -> Form:
    wide, y, open_ = rng.uniform(0.3, 0.75), rng.uniform(0.45, 0.62), rng.uniform(0.35, 0.9)
    tip = y + rng.normal(0.0, 0.03)
    return (((wide, y - open_ / 2.0), (0.0, tip), (0.0, tip), (wide * rng.uniform(0.85, 1.1), y + open_ / 2.0)),)


def _at_most(rng: Rng) -> Form:
    wide, open_, y = rng.uniform(0.35, 0.75), rng.uniform(0.35, 0.75), rng.uniform(0.36, 0.52)
    arm = wide * rng.uniform(0.85, 1.1), y + open_ / 2.0
    upper: Stroke = ((wide, y - open_ / 2.0), (0.0, y), (0.0, y), arm)
    gap = rng.uniform(0.1, 0.3)
    if rng.random() < 0.35:
        # The lower stroke runs along the lower arm.
        middle = arm[0] / 2.0, (y + arm[1]) / 2.0 + gap
        return upper, ((rng.normal(0.0, 0.03), y + gap), middle, (arm[0], arm[1] + gap))
    under = arm[1] + gap * 0.7
    bars = [_bar(rng.normal(0.0, 0.03), wide, under, rng.normal(0.0, 0.02), rng)]
    if rng.random() < 0.2:
        bars.append(_bar(0.0, wide, under + rng.uniform(0.12, 0.2), rng.normal(0.0, 0.02), rng))
    return (upper, *bars)


def _unequal(rng: Rng) -> Form:
    first, second = _equals(rng)
    wide, y = max(first[-1][0], second[-1][0]), (first[0][1] + second[0][1]) / 2.0
    high = rng.uniform(0.55, 1.15)
    lean = high * np.tan(np.deg2rad(rng.uniform(5.0, 45.0)))
    return first, second, _stem(wide * rng.uniform(0.4, 0.6), y - high / 2.0, y + high / 2.0, lean, rng)


def _euro(rng: Rng) -> Form:
    wide, top, bottom = rng.uniform(0.4, 0.75), rng.uniform(-0.05, 0.15), rng.uniform(0.92, 1.05)
    y, round_ = (top + bottom) / 2.0, rng.uniform(0.05, 0.25)
    bow: Stroke = (
        (wide, top + rng.uniform(0.08, 0.25)),
        (wide * 0.6, top),
        (wide * round_ + 0.03, y - (bottom - top) * 0.22),
        (wide * round_ + 0.03, y + (bottom - top) * 0.2),
        (wide * 0.6, bottom),
        (wide * rng.uniform(0.9, 1.1), bottom - rng.uniform(0.05, 0.25)),
    )
    left, right, apart = rng.uniform(-0.15, 0.02), wide * rng.uniform(0.5, 0.9), rng.uniform(0.1, 0.26)
    if rng.random() < 0.08:
        return bow, _bar(left, right, y, rng.normal(0.0, 0.02), rng)
    return bow, *(_bar(left, right, y + side * apart / 2.0, rng.normal(0.0, 0.02), rng) for side in (-1.0, 1.0))


def _dollar(rng: Rng) -> Form:
    wide, top, bottom = rng.uniform(0.35, 0.65), rng.uniform(0.0, 0.14), rng.uniform(0.86, 1.0)
    high = bottom - top
    curve: Stroke = (
        (wide * rng.uniform(0.85, 1.05), top + high * rng.uniform(0.08, 0.2)),
        (wide * 0.5, top),
        (wide * rng.uniform(0.0, 0.15), top + high * rng.uniform(0.2, 0.3)),
        (wide * 0.5, top + high * rng.uniform(0.45, 0.53)),
        (wide * rng.uniform(0.9, 1.05), top + high * rng.uniform(0.66, 0.8)),
        (wide * 0.5, bottom),
        (wide * rng.uniform(-0.1, 0.1), bottom - high * rng.uniform(0.05, 0.2)),
    )
    above, below, lean = rng.uniform(0.06, 0.25), rng.uniform(0.06, 0.25), rng.normal(0.04, 0.05)
    x = wide * rng.uniform(0.42, 0.58)
    choice = rng.random()
    if choice < 0.62:
        return curve, _stem(x, top - above, bottom + below, lean, rng)
    if choice < 0.82:
        into = rng.uniform(0.0, 0.14)
        return (
            curve,
            _stem(x + lean / 2.0, top - above, top + into, 0.0, rng),
            _stem(x - lean / 2.0, bottom - into, bottom + below, 0.0, rng),
        )
    apart = rng.uniform(0.08, 0.18)
    return curve, *(_stem(x + s * apart / 2.0, top - above, bottom + below, lean, rng) for s in (-1.0, 1.0))


def _number_sign(rng: Rng) -> Form:
    wide, top, bottom = rng.uniform(0.5, 0.95), rng.uniform(-0.05, 0.2), rng.uniform(0.85, 1.05)
    high, lean, rise = bottom - top, rng.normal(0.08, 0.08), rng.normal(0.02, 0.04)
    columns, rows = rng.uniform(0.18, 0.42), rng.uniform(0.18, 0.4)
    y = (top + bottom) / 2.0
    stems = [_stem(wide / 2.0 + s * columns * wide / 2.0, top, bottom, lean, rng) for s in (-1.0, 1.0)]
    bars = [_bar(0.0, wide, y + s * rows * high / 2.0, rise, rng) for s in (-1.0, 1.0)]
    return (*stems, *bars)


def _star(rng: Rng) -> Form:
    x, y, size = 0.3, rng.uniform(0.2, 0.6), rng.uniform(0.14, 0.36)
    count, turn = int(rng.integers(3, 5)), rng.uniform(0.0, np.pi)
    angles = turn + np.arange(count) * np.pi / count + rng.normal(0.0, 0.08, count)
    ends = [(float(size * np.cos(a)), float(size * np.sin(a))) for a in angles]
    return tuple(((x - across, y - down), (x + across, y + down)) for across, down in ends)


def _comma(x: float, y: float, rng: Rng) -> Stroke:
    long, back = rng.uniform(0.1, 0.3), rng.uniform(0.02, 0.12)
    return ((x, y), (x + rng.uniform(-0.01, 0.04), y + 0.4 * long), (x - back, y + long))


def _colon(rng: Rng) -> Form:
    low, apart = rng.uniform(0.66, 0.98), rng.uniform(0.28, 0.6)
    return _dot(rng.normal(0.0, 0.02), low - apart, rng), _dot(0.0, low, rng)


def _semicolon(rng: Rng) -> Form:
    low, apart = rng.uniform(0.72, 0.95), rng.uniform(0.28, 0.55)
    return _dot(0.0, low - apart, rng), _comma(0.02, low, rng)


FORMS: Mapping[str, Callable[[Rng], Form]] = {
    ".": lambda rng: (_dot(0.0, rng.uniform(0.9, 1.02), rng),),
    ",": lambda rng: (_comma(0.0, rng.uniform(0.86, 0.98), rng),),
    ":": _colon,
    ";": _semicolon,
    "/": _slash,
    "-": _minus,
    "+": _plus,
    "=": _equals,
    "×": _times,
    "÷": _divided,
    "%": _percent,
    "(": lambda rng: (_parenthesis(rng),),
    ")": lambda rng: _mirrored((_parenthesis(rng),)),
    "[": lambda rng: (_bracket(rng),),
    "]": lambda rng: _mirrored((_bracket(rng),)),
    "<": _less,
    ">": lambda rng: _mirrored(_less(rng)),
    "≤": _at_most,
    "≥": lambda rng: _mirrored(_at_most(rng)),
    "≠": _unequal,
    "€": _euro,
    "$": _dollar,
    "#": _number_sign,
    "*": _star,
}
