"""Makes bad pictures: small and large ones, spoilt in ways that make a recognizer look again.

How views are combined (digits/vision/views/weights.py) is fitted on them. They are no part of what networks learn from.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from digits.arrays import SIDE, Gray, Images, Pixels
from digits.synthetic.bad_pictures import in_color, in_gray
from digits.synthetic.bad_pictures.in_gray import Field

Spoil = Callable[[Field, np.random.Generator], Field]

# How many pixels a digit's field has on a side, from and to, in small and in large pictures.
_SMALL, _LARGE = (18, 40), (80, 240)


def _plain(ink: Field, _rng: np.random.Generator) -> Field:
    return ink


BAD_PICTURES: Mapping[str, Spoil] = {
    "plain": _plain,
    "shadow": in_gray.shadow,
    "gradient": in_gray.gradient,
    "fog": in_gray.fog,
    "ruled": in_gray.ruled,
    "framed": in_gray.framed,
    "bands": in_gray.banded,
    "blots": in_gray.blotted,
    "scribble": in_gray.scribbled,
    "faint": in_gray.faint,
    "thick and cut": in_gray.thick,
    "on a table": in_gray.on_table,
    "speckled": in_gray.speckled,
    "cropped": in_gray.cropped,
    "striped": in_gray.striped,
    "crossed": in_gray.crossed,
    "outlined": in_gray.outlined,
    "crumbled": in_gray.crumbled,
    "blocks": in_gray.blocked,
    "colored": _plain,
    "scribbled in color": _plain,
    "in a cast shadow": _plain,
    "in a hard shadow": _plain,
    "in a patterned shadow": _plain,
}


# Kinds that are in color: what is made of the plain ink.
_COLORED: Mapping[str, Callable[[Gray, np.random.Generator], Pixels]] = {
    "colored": in_color.color,
    "scribbled in color": in_color.scribble_in_color,
    "in a cast shadow": in_color.photograph,
    "in a hard shadow": in_color.shade,
    "in a patterned shadow": in_color.shade_in_pattern,
}


def spoil(name: str, images: Images, seed: int = 0) -> list[Pixels]:
    """Makes bad pictures of images, half of them small and half of them large, of either polarity.

    Args:
        name: one of `BAD_PICTURES`.
        images: uint8 of shape (n, 28, 28), white ink on black.
        seed: the same seed gives the same pictures.

    Returns:
        A list of n uint8 pictures of shape (height, width), or (height, width, 3) where they are colored.
    """
    rng = np.random.default_rng((seed, list(BAD_PICTURES).index(name)))
    pictures: list[Pixels] = []
    for i, image in enumerate(images):
        side = int(rng.integers(*(_SMALL if i % 2 else _LARGE)))
        if i % 4 == 1 and name not in {"cropped", "thick and cut"}:
            side = SIDE
        method = cv2.INTER_AREA if side < SIDE else cv2.INTER_CUBIC
        ink = np.clip(cv2.resize(image.astype(np.float32) / 255.0, (side, side), interpolation=method), 0.0, 1.0)
        if side > 2 * SIDE:
            ink = np.clip((ink - 0.25) * 2.0, 0.0, 1.0)
        spoilt = BAD_PICTURES[name](np.asarray(ink, dtype=np.float32), rng)
        noise = rng.normal(0.0, 0.02, spoilt.shape) if name not in {"faint", "plain"} and rng.random() < 0.3 else 0.0
        gray = np.rint(np.clip(spoilt + noise, 0.0, 1.0) * 255.0).astype(np.uint8)
        if name in _COLORED:
            pictures.append(_COLORED[name](gray, rng))
        else:
            pictures.append(255 - gray if rng.random() < 0.5 else gray)
    return pictures
