"""Plain PNG files are decoded by another library than all the rest; nobody may be able to tell."""

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from PIL import Image

from digits.errors import ImageError
from digits.images.decode import OpenedImage, decode
from digits.images.limits import ImageLimits
from digits.images.pixels import gray_if_equal
from tests.conftest import encode_png

Pixels = npt.NDArray[np.uint8]
Chunks = list[tuple[bytes, bytes]]

# A chunk that says nothing about the pixels, and leaves the file to Pillow.
COMMENT = (b"tEXt", b"Comment\0by hand")


def chunks_of(data: bytes) -> Chunks:
    """Kind and content of each chunk of a PNG file."""
    chunks, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def png_of(chunks: Chunks) -> bytes:
    """A PNG file whose checksums are right, whatever is in it."""
    packed = (struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def decoded(data: bytes) -> Pixels | type[ImageError]:
    try:
        return decode(data)
    except ImageError as error:
        return type(error)


def through_pillow(data: bytes) -> Pixels | type[ImageError]:
    try:
        return OpenedImage(data, ImageLimits(), None).decode()
    except ImageError as error:
        return type(error)


def same(a: Pixels | type[ImageError], b: Pixels | type[ImageError]) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a is b


SMALL = [np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8) for shape in ((5, 7), (5, 7, 3))]
small = pytest.mark.parametrize("pixels", SMALL, ids=["gray", "color"])

sides = st.integers(1, 70)
pictures = nps.arrays(
    np.uint8, st.tuples(sides, sides) | st.tuples(sides, sides, st.just(3)), elements=st.integers(0, 255)
)


@given(pictures, st.integers(0, 9), st.integers(2, 200))
def test_a_plain_png_gives_every_pixel_however_it_is_packed(pixels: Pixels, level: int, piece: int) -> None:
    data = encode_png(pixels, compress_level=level)
    (header, *_, end), packed = chunks_of(data), b"".join(c for kind, c in chunks_of(data) if kind == b"IDAT")
    pieces = [(b"IDAT", packed[at : at + piece]) for at in range(0, len(packed), piece)]
    for file in (data, png_of([header, *pieces, end])):
        shown = gray_if_equal(pixels) if pixels.ndim == 3 else pixels
        assert np.array_equal(decode(file), shown)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), pixels)


@small
@pytest.mark.parametrize(
    "extra", [COMMENT, (b"gAMA", struct.pack(">I", 100_000)), (b"pHYs", bytes(9))], ids=lambda extra: extra[0].decode()
)
def test_what_else_a_file_says_does_not_change_its_pixels(pixels: Pixels, extra: tuple[bytes, bytes]) -> None:
    header, *rest = chunks_of(encode_png(pixels))
    assert np.array_equal(decode(png_of([header, extra, *rest])), pixels)


@small
def test_a_file_cut_off_anywhere_fares_as_with_pillow(pixels: Pixels) -> None:
    data = encode_png(pixels)
    for length in range(1, len(data)):
        assert same(decoded(data[:length]), through_pillow(data[:length])), length


@small
@pytest.mark.parametrize("bits", [0x01, 0x20, 0x80, 0xFF], ids=hex)
def test_a_file_with_any_byte_flipped_fares_as_with_pillow(pixels: Pixels, bits: int) -> None:
    data = encode_png(pixels)
    for at in range(len(data)):
        damaged = data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]
        assert same(decoded(damaged), through_pillow(damaged)), at


@small
@pytest.mark.parametrize("bits", [0x01, 0x20, 0x80, 0xFF], ids=hex)
def test_a_fault_under_a_right_checksum_fares_as_with_pillow(pixels: Pixels, bits: int) -> None:
    chunks = chunks_of(encode_png(pixels))
    for i, (kind, content) in enumerate(chunks):
        flipped = [content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :] for at in range(len(content))]
        for damaged in flipped + [content[:at] for at in range(len(content))]:
            changed = [*chunks[:i], (kind, damaged), *chunks[i + 1 :]]
            commented = [changed[0], COMMENT, *changed[1:]]
            assert same(decoded(png_of(changed)), decoded(png_of(commented))), (kind, damaged)


@small
def test_chunks_that_are_missing_doubled_or_too_many_fare_as_with_pillow(pixels: Pixels) -> None:
    chunks = chunks_of(encode_png(pixels))
    missing = [chunks[:i] + chunks[i + 1 :] for i in range(len(chunks))]
    doubled = [chunks[: i + 1] + chunks[i:] for i in range(len(chunks))]
    for changed in [*missing, *doubled, [*chunks, COMMENT]]:
        assert same(decoded(png_of(changed)), decoded(png_of([changed[0], COMMENT, *changed[1:]])))
    assert np.array_equal(decode(encode_png(pixels) + b"more"), pixels)
