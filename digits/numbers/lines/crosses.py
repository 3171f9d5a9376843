"""Tells an upright cross, which is a plus, by its shape: drawn by a broad brush, it looks like other signs."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from digits.arrays import Flags, Floats, Gray
from digits.numbers.lines.entries import Entry
from digits.numbers.signs.kinds import UNKNOWN
from digits.numbers.signs.marks import Box, box_of_stroke
from digits.vision.components import Components

# One side of a cross is at most so many times as long as the other, and both have so many pixels.
_LONGER, _FEWEST = 1.8, 7
# The outer strips and the corners of its box, as shares of its sides.
_STRIP, _CORNER = 0.15, 0.24
# In a strip, ink takes at most this share of the side; its middles in two strips that face each other differ by no more
# than that, and both together lie so near to the middle of the side.
_NARROW, _LEAN, _CENTRAL = 0.56, 0.3, 0.16
# Corners are empty, but for this share of their pixels.
_FILLED = 0.12
# An arm is so steady: its narrowest place has this share of the ink of its widest one. Dots over a stroke have a neck.
_STEADY = 0.6
# The box of a sign takes in its stroke, but for this share of the stroke's longer side. The stroke takes most of it.
_OUTSIDE, _MOST = 0.15, 0.6
# What a broad plus is taken for. A 4 may be a cross, too, and so may a number sign whose strokes run together: a digit
# and a number sign stay what they are if they are as likely as this.
_TAKEN_FOR, _LIKELY, _LIKELY_NUMBER_SIGN = f"÷#:;{UNKNOWN}", 0.6, 0.9
# A plus is at least so high, as a share of the highest on its line: in anything smaller, dots run into a bar.
_HIGH = 0.38


def with_pluses(entries: Sequence[Entry], parts: Components, members: Sequence[int]) -> tuple[Entry, ...]:
    """Names signs of a line a plus that are one stroke in the shape of an upright cross.

    Args:
        entries: of the line; boxes are in pixels of the page.
        parts: the strokes of the page.
        members: indices of those in the line.
    """
    if not any(_may_be_plus(entry) for entry in entries):
        return tuple(entries)
    least = _HIGH * max(entry.box.bottom - entry.box.top for entry in entries)
    crosses = [
        box_of_stroke(parts, i)
        for i in members
        if parts.bottom[i] - parts.top[i] >= least and is_upright_cross(parts.cut([i], 0)[1])
    ]
    return tuple(
        replace(entry, accepted=False, sign="+")
        if _may_be_plus(entry) and any(_is_of(entry.box, box) for box in crosses)
        else entry
        for entry in entries
    )


def _may_be_plus(entry: Entry) -> bool:
    if entry.accepted:
        return float(entry.digits.max()) < _LIKELY
    if entry.sign == "#" and entry.sign_probability >= _LIKELY_NUMBER_SIGN:
        return False
    return entry.mark is None and entry.sign in _TAKEN_FOR


def _is_of(entry: Box, stroke: Box) -> bool:
    """Whether an entry is a stroke, and no more than the end of one beside it."""
    wide, high = stroke.right - stroke.left, stroke.bottom - stroke.top
    outside = (
        entry.left - stroke.left,
        entry.top - stroke.top,
        stroke.right - entry.right,
        stroke.bottom - entry.bottom,
    )
    return (
        max(outside) <= _OUTSIDE * max(wide, high)
        and wide >= _MOST * (entry.right - entry.left)
        and high >= _MOST * (entry.bottom - entry.top)
    )


def is_upright_cross(mask: Gray) -> bool:
    """Whether a stroke has four arms that end in the middle of the sides of its box, nothing in the corners, no hole.

    Args:
        mask: uint8 of shape (height, width), 1 where the stroke is; its box is the mask.
    """
    height, width = mask.shape
    if min(height, width) < _FEWEST or max(height, width) > _LONGER * min(height, width):
        return False
    inked = mask.view(np.bool_)
    down, across = max(1, round(_CORNER * height)), max(1, round(_CORNER * width))
    corners = inked[:down, :across], inked[:down, -across:], inked[-down:, :across], inked[-down:, -across:]
    return (
        all(corner.mean() <= _FILLED for corner in corners)
        and _has_two_arms(inked)
        and _has_two_arms(np.ascontiguousarray(inked.T))
        and len(cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]) == 1
    )


def _has_two_arms(inked: Flags) -> bool:
    """Whether narrow strokes end at the top and at the bottom of a mask, in the middle, one about under the other."""
    height, width = inked.shape
    strip = max(1, round(_STRIP * height))
    middles = []
    for rows in (inked[:strip], inked[-strip:]):
        columns = np.flatnonzero(rows.any(axis=0))
        if columns[-1] - columns[0] + 1 > _NARROW * width:
            return False
        middles.append(float(columns.mean() + 0.5) / width)
    if abs(middles[0] - middles[1]) > _LEAN or abs(sum(middles) / 2.0 - 0.5) > _CENTRAL:
        return False
    return _is_steady(inked) and _is_steady(inked[::-1])


def _is_steady(inked: Flags) -> bool:
    """Whether an arm at the top of a mask is nowhere much narrower than farther out, from its rounded end on."""
    ink: Floats = inked.sum(axis=1).astype(np.float64)
    # The arm ends where the bar begins: that is wider than all of the arm may be.
    wide = np.flatnonzero(ink > _NARROW * inked.shape[1])
    arm = ink[: wide[0]] if wide.size else ink[: ink.size // 2]
    return bool((arm >= _STEADY * np.maximum.accumulate(arm)).all())
