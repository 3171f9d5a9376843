"""Arrays of images and labels, in the forms in which people keep them, as uint8 images and texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.errors import DataMismatchError

# The names of images and labels in one file, for each part of a data set; the first that is there counts.
_PARTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "test": (("x_test", "y_test"), ("X_test", "y_test"), ("test_images", "test_labels"), ("test_x", "test_y")),
    "train": (("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"), ("train_x", "train_y")),
    "all": (
        ("images", "labels"),
        ("x", "y"),
        ("X", "y"),
        ("X", "Y"),
        ("data", "target"),
        ("data", "labels"),
        ("arr_0", "arr_1"),
    ),
}

# A data set whose brightest pixel is no brighter is taken for one of another range: one of 16 or 17 shades, as
# scikit-learn's digits have, or one of which nobody knows what is white.
_DARKEST, _FEW_SHADES = 127, (15.0, 16.0)
_RANGES = "0..255, 0..1, -1..1, 0..15 or 0..16"

# With fewer 1s, their shapes do not tell whether images are transposed.
_LEAST_ONES = 10
_LABELS_ALLOWED = "whole numbers, texts, or ten numbers each of which one is 1"


def parts_of(arrays: Mapping[str, npt.NDArray[Any]], file: str) -> dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """Returns the images and labels of each part of a data set: `test` and `train`, or `all`.

    Args:
        arrays: by name, as an npz file holds them: images with n along the first axis, and n labels.
        file: name of the file, for the error.

    Raises:
        DataMismatchError: no pair of arrays has a name that is known.
    """
    parts: dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]] = {}
    for part, pairs in _PARTS.items():
        for images, labels in pairs:
            if images in arrays and labels in arrays:
                parts[part] = arrays[images], arrays[labels]
                break
    if len(parts) == 3:
        del parts["all"]
    if not parts:
        raise DataMismatchError(
            f"{file} has the arrays {', '.join(arrays) or 'none'}; images and labels are needed, or x_train, y_train, "
            "x_test and y_test."
        )
    return parts


def as_images(images: npt.NDArray[Any], file: str) -> npt.NDArray[np.uint8]:
    """Returns images as uint8 of shape (n, height, width) or (n, height, width, 3).

    Args:
        images: of shape (n, height, width), with 1 or 3 channels first or last, or (n, side * side); pixels 0..255,
            0..1, -1..1, or 0..15 or 0..16 as few shades of gray are kept. The brightest pixel of all images tells.
        file: its name, for errors.

    Raises:
        DataMismatchError: they have another shape, type or range.
    """
    problem = f"{file} has images of {images.dtype} and shape {images.shape}"
    if images.dtype.kind not in "uifb":
        raise DataMismatchError(f"{problem}; numbers are needed.")
    if images.ndim == 2 and (side := round(images.shape[1] ** 0.5)) ** 2 == images.shape[1] and side > 1:
        images = images.reshape(-1, side, side)
    if images.ndim == 4 and images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        images = np.moveaxis(images, 1, 3)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3) or 0 in images.shape[1:]:
        raise DataMismatchError(f"{problem}; (n, height, width) or (n, height, width, 3) is needed.")
    if images.dtype == np.uint8 and (not images.size or images.max() > _DARKEST):
        return np.ascontiguousarray(images)
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise DataMismatchError(f"{problem}, and some of its pixels are no numbers (NaN or infinity).")
    lowest, highest = (float(images.min()), float(images.max())) if images.size else (0.0, 0.0)
    problem += f" and pixels from {lowest:g} to {highest:g}"
    if lowest < -1.0 or highest > 255.0 or (lowest < 0.0 and highest > 1.0):
        raise DataMismatchError(f"{problem}; {_RANGES} is needed.")
    if 1.0 < highest <= _DARKEST and highest not in _FEW_SHADES:
        raise DataMismatchError(
            f"{problem}; {_RANGES} is needed, and the brightest pixel does not tell which of them this is. Scale the "
            "pixels so that white is 255."
        )
    scale, offset = 1.0, 0.0
    if lowest < 0.0:
        scale, offset = 127.5, 127.5
    elif highest <= 1.0:
        scale = 255.0
    elif highest in _FEW_SHADES:
        scale = 255.0 / highest
    return np.rint(images.astype(np.float32) * scale + offset).astype(np.uint8)


def as_labels(labels: npt.NDArray[Any], count: int, file: str) -> list[str]:
    """Returns labels as texts; of whole numbers without a point.

    Args:
        labels: of shape (n,) or (n, 1): whole numbers, also as floats, or texts; or one-hot of shape (n, 10).
        count: the number of images.
        file: its name, for errors.

    Raises:
        DataMismatchError: there are more or fewer than images, or they have another type or shape.
    """
    problem = f"{file} has {count:,} images and labels of {labels.dtype} and shape {labels.shape}; "
    if labels.ndim == 2 and labels.shape[1] == 10 and labels.dtype.kind in "uifb":
        if not ((labels == 0) | (labels == 1)).all() or not (labels.sum(axis=1) == 1).all():
            raise DataMismatchError(f"{problem}one for each image is needed: {_LABELS_ALLOWED}.")
        labels = labels.argmax(axis=1)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    whole = labels.dtype.kind in "uiUS" or (labels.dtype.kind == "f" and bool((labels == np.rint(labels)).all()))
    if labels.shape != (count,) or not whole:
        raise DataMismatchError(f"{problem}one for each image is needed: {_LABELS_ALLOWED}.")
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeDecodeError:
            raise DataMismatchError(f"{problem}texts in UTF-8 are needed.") from None
    texts = [str(label).strip() for label in (labels.astype(np.int64) if labels.dtype.kind == "f" else labels).tolist()]
    if "" in texts:
        raise DataMismatchError(
            f"{file} has no label for image {texts.index('')}; give it one, or leave the image out."
        )
    return texts


def are_transposed(images: npt.NDArray[np.uint8], labels: list[str]) -> bool:
    """Returns whether rows and columns of images are exchanged, as in EMNIST's files: then most 1s lie.

    Args:
        images: uint8 of shape (n, height, width), light strokes on a dark ground.
        labels: of each.
    """
    if images.ndim != 3:
        return False
    lying = []
    for image in images[np.array(labels) == "1"][:500]:
        strokes = image > 127 if np.median(image) < 128 else image < 128
        rows, columns = np.flatnonzero(strokes.any(axis=1)), np.flatnonzero(strokes.any(axis=0))
        if len(rows):
            lying.append(np.ptp(columns) > np.ptp(rows))
    return len(lying) >= _LEAST_ONES and float(np.mean(lying)) > 0.5
