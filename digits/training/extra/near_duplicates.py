"""Finds normalized images that show the same picture: a copy may be inverted, padded, enlarged or compressed again."""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import SIDE
from digits.data.mnist import Images
from digits.errors import ImageError
from digits.vision.mnist_form import CENTER
from digits.vision.normalize import fetch_digit

_Vectors = npt.NDArray[np.float32]

# Both limits are cosine distances of `_registered` images, and were chosen on copies of 120 drawn digits and of 200
# MNIST test images (enlarged 1.4 to 10 times, JPEG of quality 30 to 90, padded, inverted, noisy), and on different
# images: test images and their nearest neighbors among the 60,000 others.
# Of copies of one picture 95 in 100 are nearer to it than 0.005, 98 than 0.012. Different images of one digit are
# never nearer than 0.018, but for 1s: one in twenty has one of 7,000 others within 0.009.
_SAME = 0.01
# MNIST's image enlarged and normalized as a copy was is nearer to it than this for all copies from 56 pixels on, and
# for 4 in 10 of those of 40 pixels. Of other people's images none are so near, but for 7 in 100 of their 1s.
_SAME_AS_KNOWN = 0.005

# Factors and methods by which people are likely to have enlarged a known image.
_ENLARGED = ((4, cv2.INTER_NEAREST), (4, cv2.INTER_CUBIC), (2, cv2.INTER_LINEAR))
# The known images that resemble an image most, if they resemble it at least this much, are compared closely.
_CANDIDATES = 8
_RESEMBLANCE = 0.93
# Images at a time, which bounds the memory: 9 shifts of each against 70,000 known ones.
_CHUNK = 32
# Spread of the ink along x and y after registration, in pixels: about that of MNIST's images.
_SPREAD = (4.0, 5.0)


def group_near_duplicates(images: Images) -> list[list[int]]:
    """Groups images of the same picture, and copies of copies.

    Args:
        images: uint8 of shape (n, 28, 28), normalized.

    Returns:
        Groups of indices into `images`, in ascending order, as are the indices in each group. Most have one member.
    """
    vectors = _registered(images)
    group = list(range(len(images)))
    for start in range(0, len(images), 1_000):
        near = vectors[start : start + 1_000] @ vectors.T > 1.0 - _SAME
        for i, j in np.argwhere(near).tolist():
            mine, other = _first(group, start + i), _first(group, j)
            group[max(mine, other)] = min(mine, other)
    members: dict[int, list[int]] = {}
    for i in range(len(images)):
        members.setdefault(_first(group, i), []).append(i)
    return list(members.values())


def _first(group: list[int], i: int) -> int:
    """Returns the first member of the group that `i` is in."""
    while group[i] != i:
        group[i] = group[group[i]]
        i = group[i]
    return i


def find_near_duplicates(images: Images, known: Images) -> npt.NDArray[np.bool_]:
    """Tells which images show a known picture.

    It misses copies that have lost detail: those of half the size, photographed or turned.

    Args:
        images: uint8 of shape (n, 28, 28), normalized.
        known: uint8 of shape (m, 28, 28), in the form in which MNIST has them.

    Returns:
        bool of shape (n,).
    """
    is_known = np.zeros(len(images), np.bool_)
    vectors, small = _registered(images), _halved(known).T
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        # A copy may lie a pixel apart, because the center of mass is rounded.
        shifted = [np.roll(chunk, (y, x), (1, 2)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        alike = (_halved(np.concatenate(shifted)) @ small).reshape(len(shifted), len(chunk), -1).max(axis=0)
        nearest = np.argpartition(-alike, min(_CANDIDATES, len(known)) - 1, axis=1)[:, :_CANDIDATES]
        for i, places in enumerate(nearest):
            forms = [form for j in places if alike[i, j] > _RESEMBLANCE for form in _forms(known[j])]
            close = _registered(np.array(forms, np.uint8).reshape(-1, SIDE, SIDE)) @ vectors[start + i]
            is_known[start + i] = (close > 1.0 - _SAME_AS_KNOWN).any()
    return is_known


def _forms(image: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.uint8]]:
    """Yields the image, and the images that come of enlarging and normalizing it."""
    yield image
    for times, method in _ENLARGED:
        try:
            yield fetch_digit(np.asarray(cv2.resize(image, None, fx=times, fy=times, interpolation=method))).image
        except ImageError:
            continue


def _registered(images: Images) -> _Vectors:
    """Moves and scales images to one center of mass and one spread along x and y, to fractions of a pixel.

    Normalization rounds position and size to whole pixels, so that two copies of a picture may lie a pixel apart.

    Args:
        images: uint8 of shape (n, 28, 28).

    Returns:
        Unit vectors, float32 of shape (n, 784).
    """
    places = np.arange(SIDE, dtype=np.float32)
    vectors = np.empty((len(images), SIDE * SIDE), np.float32)
    for vector, image in zip(vectors, images.astype(np.float32), strict=True):
        change = np.zeros((2, 3), np.float32)
        for axis, spread in enumerate(_SPREAD):
            weights = image.sum(axis=axis)
            center = np.average(places, weights=weights)
            scale = max(float(np.sqrt(np.average((places - center) ** 2, weights=weights))), 0.1) / spread
            change[axis, axis], change[axis, 2] = scale, center - (CENTER - 0.5) * scale
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        vector[:] = cv2.warpAffine(image, change, (SIDE, SIDE), flags=flags).ravel()
    return _unit(vectors)


def _halved(images: Images) -> _Vectors:
    """Returns images at half the size as unit vectors: float32 of shape (n, 196) for uint8 of shape (n, 28, 28)."""
    corners = [images[:, y::2, x::2].astype(np.float32) for y in (0, 1) for x in (0, 1)]
    return _unit(np.asarray(sum(corners), np.float32).reshape(len(images), -1))


def _unit(vectors: _Vectors) -> _Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-6))
