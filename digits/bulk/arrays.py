"""A part of a large npz file, without the rest of it in memory."""

import contextlib
import math
import struct
import weakref
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from digits.errors import DataMismatchError
from digits.images.limits import ImageLimits

_MEMBER = "images.npy"
# The header before a zip's member: its size without the two texts at its end, and where the sizes of these are.
_LOCAL_BYTES, _LOCAL_SIZES = 30, struct.Struct("<26x2H")


def npz_rows(file: str) -> int:
    """How many images an npz file has.

    Raises:
        DataMismatchError: it cannot be read, is cut short, or its images have another form or too many pixels.
    """
    with _opened(file) as archive:
        try:
            size = archive.getinfo(_MEMBER).file_size
            with archive.open(_MEMBER) as member:
                shape, dtype, fortran = _header(member)
                start = member.tell()
        except Exception as error:
            # On damaged bytes the readers of zip and npy raise nearly anything.
            raise _unreadable(file) from error
    if dtype != np.uint8 or fortran or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        raise DataMismatchError(
            f"{file} has images of {dtype} and shape {shape}; uint8 of shape (n, height, width) or "
            "(n, height, width, 3) in C order is needed."
        )
    if size - start != math.prod(shape):
        raise DataMismatchError(
            f"{file} is cut short: its images of shape {shape} are {math.prod(shape):,} bytes, and it has "
            f"{size - start:,}. Write it anew."
        )
    if shape[1] * shape[2] > (most := ImageLimits().max_pixels):
        raise DataMismatchError(
            f"{file} has images of {shape[2]:,} x {shape[1]:,} pixels, more than the {most:,} allowed. Scale them down."
        )
    return shape[0]


class NpzPictures:
    """The images of an npz file, which stays open: one that is compressed is read once for all parts in their order.

    Args:
        file: for which `npz_rows` found nothing wrong.

    Raises:
        DataMismatchError: the file is damaged.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        with contextlib.ExitStack() as stack:
            archive = stack.enter_context(_opened(file))
            try:
                self._member = stack.enter_context(archive.open(_MEMBER))
                self._shape = _header(self._member)[0]
                self._place = self._member.tell()
                self._itself: IO[bytes] | None = None
                if (info := archive.getinfo(_MEMBER)).compress_type == zipfile.ZIP_STORED:
                    self._itself = stack.enter_context(Path(file).open("rb"))
                    self._place += _start(info, self._itself)
            except Exception as error:
                raise _unreadable(file) from error
            # A file that nobody closes is closed with this.
            self._close = weakref.finalize(self, stack.pop_all().close)

    def read(self, first: int, count: int) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
        """Yields the names and pixels of some images, one at a time in memory.

        In a file that is not compressed those before them are skipped; a compressed one is read on from where it is,
        or from its beginning. The last image comes only from a file that agrees with its checksum.

        Args:
            first: index of the first image, from 0.
            count: how many images.

        Yields:
            The name of an image, and its pixels: uint8 of shape (height, width) or (height, width, 3).

        Raises:
            DataMismatchError: the file is damaged.
        """
        shape = self._shape[1:]
        size = math.prod(shape)
        try:
            if self._itself and first + count == self._shape[0]:
                # The zip reader compares checksums where it comes to the end.
                while self._member.read(1 << 20):
                    pass
            stream = self._itself or self._member
            stream.seek(self._place + first * size)
            for i in range(first, first + count):
                yield f"{self._file}[{i}]", np.frombuffer(stream.read(size), np.uint8).reshape(shape)
        except Exception as error:
            raise _unreadable(self._file) from error

    def close(self) -> None:
        """Closes the file."""
        self._close()


def _start(info: zipfile.ZipInfo, file: IO[bytes]) -> int:
    """Where a member that is not compressed begins in its file."""
    file.seek(info.header_offset)
    return info.header_offset + _LOCAL_BYTES + sum(_LOCAL_SIZES.unpack(file.read(_LOCAL_BYTES)))


def _opened(file: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except Exception as error:
        raise _unreadable(file) from error


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic], bool]:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(member)
    return shape, dtype, fortran


def _unreadable(file: str) -> DataMismatchError:
    return DataMismatchError(f"{file} cannot be read: a whole npz file with an array images is needed.")
