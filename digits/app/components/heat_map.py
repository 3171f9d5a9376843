"""Draws which pixels spoke for a digit."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.app.pictures import BLUE, ORANGE
from digits.explain.occlusion import Explanation

_SCALE = 12
# Strokes are gray and half transparent, so that they show on a light and on a dark page.
_INK, _INK_OPACITY = 140.0, 0.55
# Empty places get less color than strokes, and none farther from a stroke than `_REACH` pixels: nobody would write
# there, and the color would hide what matters.
_GROUND_STRENGTH = 0.5
_REACH = 4.0


def heat_map(image: npt.NDArray[np.uint8], explanation: Explanation) -> npt.NDArray[np.uint8]:
    """Colors strokes and the empty places near them: blue speaks for the digit, orange against it.

    Args:
        image: the network's input, uint8 of shape (28, 28), white ink on black.
        explanation: the explanation of the answer to that image.

    Returns:
        uint8 of shape (336, 336, 4), RGBA.
    """
    ink = image >= 128
    weights = np.zeros(image.shape)
    # Strokes and empty places are scaled apart: to erase ink and to add ink are changes of different sizes.
    for places, strength in ((ink, 1.0), (~ink, _GROUND_STRENGTH)):
        largest = np.abs(explanation.evidence[places]).max(initial=0.0)
        if largest > 0.0:
            weights[places] = strength * explanation.evidence[places] / largest
    if ink.any():
        distance = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5)
        weights *= np.where(ink, 1.0, np.clip(1.0 - (distance - 1.0) / _REACH, 0.0, 1.0))
    # Interpolated, so that strokes keep soft edges.
    ink_opacity = _INK_OPACITY * np.clip(_enlarge(image.astype(np.float64) / 255.0), 0.0, 1.0)[..., np.newaxis]
    weights = _enlarge(weights)[..., np.newaxis]
    color = np.where(weights > 0.0, _rgb(BLUE), _rgb(ORANGE))
    # Composites the color over the ink.
    share = np.clip(np.abs(weights), 0.0, 1.0)
    opacity = share + ink_opacity * (1.0 - share)
    mixed = (share * color + ink_opacity * (1.0 - share) * _INK) / np.maximum(opacity, 1e-9)
    return np.rint(np.concatenate([mixed, 255.0 * opacity], axis=2)).astype(np.uint8)


def _enlarge(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(cv2.resize(values, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_LINEAR))


def _rgb(color: str) -> npt.NDArray[np.float64]:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], np.float64)
