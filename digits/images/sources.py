"""Pictures to read, wherever they are stored: image files, folders of them, npz files."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from digits.errors import DataError, DataMismatchError, DataUnavailableError, ImageError, ImageTooLargeError
from digits.images.decode import OpenedImage, open_image
from digits.images.formats import SUFFIXES
from digits.images.limits import ImageLimits, too_many_bytes
from digits.images.refusals import no_such_page

# A picture's name, and the bytes of its file, its pixels, or the error that says why it cannot be had.
Unopened: TypeAlias = bytes | npt.NDArray[np.uint8] | ImageError
Named: TypeAlias = tuple[str, Unopened]


def pictures_of(paths: Iterable[Path], max_bytes: int) -> Iterator[Named]:
    """Yields the pictures of some paths, one at a time.

    Args:
        paths: image files; folders, whose image files (by suffix, in subfolders too) come in the order of their names;
            npz files with an array `images`, uint8 of shape (n, height, width) or (n, height, width, 3).
        max_bytes: the largest image file; no more bytes than that are read.

    Yields:
        The name of each picture, and the bytes of its file, its pixels, or the error that says why it cannot be had.
    """
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not files:
                yield str(path), ImageError("The folder holds no image file.")
            for file in files:
                yield str(file), _read(file, max_bytes)
        elif path.suffix.lower() == ".npz":
            try:
                images = read_npz(path)["images"]
            except DataError as error:
                yield str(path), ImageError(str(error))
                continue
            yield from ((f"{path}[{i}]", image) for i, image in enumerate(images))
        else:
            yield str(path), _read(path, max_bytes)


def open_each(
    pictures: Iterable[Unopened], limits: ImageLimits, page_counts: list[int], page: int = 1
) -> Iterator[OpenedImage | npt.NDArray[np.uint8] | ImageError]:
    """Opens image files, one at a time, and counts their pages.

    Args:
        pictures: image files; pixels and errors among them pass as they are.
        limits: what a file may cost.
        page_counts: gets how many pages each has; 1 if it cannot be opened.
        page: which page to open, from 1.

    Yields:
        Each opened at its page, or the error that says why it cannot be.
    """
    for picture in pictures:
        opened: OpenedImage | npt.NDArray[np.uint8] | ImageError
        try:
            if isinstance(picture, np.ndarray) and page > 1:
                raise no_such_page(page, 1)
            opened = open_image(picture, limits, page) if isinstance(picture, bytes) else picture
        except ImageError as error:
            opened = error
        page_counts.append(opened.pages if isinstance(opened, OpenedImage) else 1)
        yield opened


def _read(file: Path, max_bytes: int) -> bytes | ImageError:
    try:
        with file.open("rb") as handle:
            data = handle.read(max_bytes + 1)
    except OSError as error:
        return ImageError(error.strerror or str(error))
    return data if len(data) <= max_bytes else ImageTooLargeError(too_many_bytes(max_bytes))


def read_npz(file: Path) -> Mapping[str, npt.NDArray[Any]]:
    """Reads an npz file of images.

    Args:
        file: with an array `images`, uint8 of shape (n, height, width) or (n, height, width, 3).

    Returns:
        All arrays of the file by name.

    Raises:
        DataUnavailableError: the file does not exist or cannot be read.
        DataMismatchError: the file holds something else.
    """
    try:
        with file.open("rb") as handle:
            arrays = dict(np.load(handle, allow_pickle=False))
        images = arrays["images"]
    except OSError as error:
        raise DataUnavailableError(f"{file} cannot be read: {error.strerror or error}.") from error
    except Exception as error:
        # On damaged bytes the readers of zip and npy raise nearly anything.
        raise DataMismatchError(f"{file} cannot be read: an npz file with an array images is needed.") from error
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise DataMismatchError(
            f"{file} has images of {images.dtype} and shape {images.shape}; uint8 of shape (n, height, width) or "
            "(n, height, width, 3) is needed."
        )
    return arrays
