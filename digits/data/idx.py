"""Reads IDX files, in which MNIST, EMNIST and QMNIST are published, packed with gzip or not."""

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.errors import DataMismatchError, DataUnavailableError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_IMAGES = re.compile(r"images?[-.]idx3[-.]ubyte(\.gz)?$", re.IGNORECASE)
# The labels of a file of images have its name with one of these in place of the end.
_LABELS = ("labels-idx1-ubyte", "labels.idx1-ubyte", "labels-idx2-int", "labels.idx2-int")
_MOST_BYTES = 4 * 1024**3
_TEST = re.compile(r"test|t10k", re.IGNORECASE)


def is_images(file: Path) -> bool:
    """Returns whether a file is one of images in IDX form, judged by its name."""
    return bool(_IMAGES.search(file.name))


def is_test(file: Path) -> bool:
    """Returns whether a file belongs to the test part of its data set, judged by its name."""
    return bool(_TEST.search(file.name))


def read_images_and_labels(file: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Reads a file of images and the file of their labels beside it.

    Args:
        file: of images, whose name ends in `images-idx3-ubyte` or `images-idx3-ubyte.gz`.

    Returns:
        The images, of shape (n, height, width), and the labels, of shape (n,).

    Raises:
        DataUnavailableError: one of the two is not there.
        DataMismatchError: one of them cannot be read.
    """
    stem = file.name[: _IMAGES.search(file.name).start()] if is_images(file) else file.name  # type: ignore[union-attr]
    names = [f"{stem}{end}{packed}" for end in _LABELS for packed in ("", ".gz")]
    labels_file = next((path for name in names if (path := file.with_name(name)).is_file()), None)
    if labels_file is None:
        raise DataUnavailableError(f"There are no labels for {file}; {names[0]} or {names[1]} is needed beside it.")
    labels = read_idx(labels_file)
    # QMNIST's files say more of each image; the digit comes first.
    return read_idx(file), labels[:, 0] if labels.ndim == 2 else labels


def read_idx(file: Path) -> npt.NDArray[Any]:
    """Reads a file in IDX form, packed with gzip or not.

    Returns:
        The array, of the type and the shape (one to four axes) that the file names.

    Raises:
        DataUnavailableError: it cannot be opened.
        DataMismatchError: it is not such a file, or is cut short.
    """
    try:
        with file.open("rb") as start:
            packed = start.read(2) == b"\x1f\x8b"
        with gzip.open(file) if packed else file.open("rb") as handle:
            data = handle.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise DataUnavailableError(f"There is no file {file}.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataMismatchError(f"{file} cannot be unpacked ({error}). Take another copy.") from error
    except OSError as error:
        raise DataUnavailableError(f"{file} cannot be read: {error.strerror or error}.") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES or not 1 <= data[3] <= 4:
        raise DataMismatchError(f"{file} does not begin like an IDX file: two zero bytes, a type, a number of axes.")
    head = 4 + 4 * data[3]
    if len(data) < head:
        raise DataMismatchError(f"{file} is cut short within its sizes. Take another copy.")
    shape = struct.unpack(f">{data[3]}I", data[4:head])
    kind = np.dtype(_TYPES[data[2]])
    expected = math.prod(shape) * kind.itemsize
    if len(data) - head != expected:
        raise DataMismatchError(
            f"{file} says that it holds an array of shape {shape}, which takes {expected:,} bytes; "
            f"{len(data) - head:,} follow. Take another copy."
        )
    return np.frombuffer(data, kind, offset=head).reshape(shape).astype(kind.newbyteorder("="))
