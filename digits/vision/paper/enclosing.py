"""Strokes that may enclose others: what boxes and rings have in common."""

import numpy as np
import numpy.typing as npt

from digits.vision.masks import LabeledMask

Integers = npt.NDArray[np.int64]
# Of a page with more such strokes, those with the largest boxes are looked at.
_MOST = 500


def hollow_strokes(page: LabeledMask, least: int, most_ink: float) -> list[int]:
    """Finds the strokes of a page that are large and hold little ink; at most 500, those with the largest boxes first.

    Args:
        page: its ink.
        least: how wide and high such a stroke is at least, in pixels.
        most_ink: the share of its box that is its ink, at the most.

    Returns:
        Their labels.
    """
    _, _, wide, high, areas = np.asarray(page.components[1], dtype=np.int64).T
    are_hollow = (np.minimum(wide, high) >= least) & (areas <= most_ink * wide * high)
    # What reaches all sides of the page is its paper's: squares, or an edge.
    are_hollow &= (wide < page.mask.shape[1]) | (high < page.mask.shape[0])
    are_hollow[0] = False
    strokes = np.flatnonzero(are_hollow)
    largest: list[int] = strokes[np.argsort(-(wide * high)[strokes], kind="stable")[:_MOST]].tolist()
    return largest


def holds_another(stats: Integers, i: int, least: float) -> bool:
    """Whether a stroke has another one inside its box.

    Args:
        stats: of all strokes and the ground, as OpenCV describes components, int64 of shape (n, 5).
        i: the stroke's label.
        least: how high the other one is at least, as a share of the stroke's height.
    """
    left, top, wide, high, _ = stats.T
    return bool(
        np.any(
            (left > left[i])
            & (left + wide < left[i] + wide[i])
            & (top > top[i])
            & (top + high < top[i] + high[i])
            & (high >= least * high[i])
        )
    )
