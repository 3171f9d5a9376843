import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.specimens import chunk, encode, specimens
from digits.errors import BrokenImageError, TooManyFramesError
from digits.image import ImageLimits, decode
from digits.screening import MAX_PIECES, MAX_RUN_BYTES, MAX_SCANS, MAX_STRIPS, Screened, screen

FILES = specimens()
SEVERAL = {"png animated": 3, "gif animated": 3, "webp animated": 3, "tiff pages": 3}


# Without a palette, which might look like a block, and of one.
GIF = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def between(file: bytes, at: int, piece: bytes, count: int) -> bytes:
    return file[:at] + piece * count + file[at:]


def tiff(entries: list[tuple[int, int, int, int]]) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + bytes(4)


@pytest.mark.parametrize("name", FILES)
def test_an_ordinary_file_looks_the_same_and_its_frames_are_counted(name: str) -> None:
    file = FILES[name]
    screened = screen(file)
    assert screened.is_whole
    assert screened.frames == SEVERAL.get(name, 1)
    before, after = (ImageOps.exif_transpose(Image.open(io.BytesIO(data))) for data in (file, screened.data))
    assert np.array_equal(np.asarray(before), np.asarray(after))


@pytest.mark.parametrize("name", SEVERAL)
def test_a_file_may_have_as_many_frames_as_the_limit_and_no_more(name: str) -> None:
    decode(FILES[name], ImageLimits(max_frames=3))
    with pytest.raises(TooManyFramesError, match="more than the 2 frames or pages allowed"):
        decode(FILES[name], ImageLimits(max_frames=2))


# A file with so many pieces of its kind, those that it needs among them.
BUILT: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "chunks": (MAX_PIECES, lambda count: between(FILES["png 28x28"], 33, chunk(b"teXt", b""), count - 3)),
    "segments": (MAX_PIECES, lambda count: between(FILES["jpeg 28x28"], 2, b"\xff\xfe\0\2", count - segments())),
    "filling": (MAX_PIECES, lambda count: between(FILES["jpeg 28x28"], 2, b"\xff", count - 1)),
    "scans": (MAX_SCANS, lambda count: scanned(count)),
    "blocks": (MAX_PIECES, lambda count: between(GIF, GIF.find(b","), b"!\xfe\0", count - 1)),
    "tags": (MAX_PIECES, lambda count: tiff([(40_000, 3, 1, 0)] * count)),
    "strips": (MAX_STRIPS, lambda count: tiff([(273, 4, count, 0)])),
    "runs": (
        MAX_RUN_BYTES,
        lambda count: (b"BM" + bytes(28) + struct.pack("<I", 1)).ljust(count, b"\0"),
    ),
}


def segments() -> int:
    """How many the JPEG file has by itself, up to its first scan."""
    file, at, count = FILES["jpeg 28x28"], 2, 1
    while file[at + 1] != 0xDA:
        at, count = at + 2 + int.from_bytes(file[at + 2 : at + 4]), count + 1
    return count


def scanned(count: int) -> bytes:
    file = FILES["jpeg progressive"]
    return file[:-2] + file[file.rfind(b"\xff\xda") : -2] * (count - file.count(b"\xff\xda")) + b"\xff\xd9"


@pytest.mark.parametrize("kind", BUILT)
def test_a_file_may_have_as_many_pieces_as_the_limit_and_no_more(kind: str) -> None:
    most, build = BUILT[kind]
    screen(build(most))
    with pytest.raises(BrokenImageError, match=f"more than {most:,} .* Save it anew"):
        screen(build(most + 1))


def test_texts_and_profiles_are_left_out_and_the_way_up_stays() -> None:
    image = Image.fromarray(np.arange(600, dtype=np.uint8).reshape(20, 30))
    upright = decode(encode(image, "PNG"))
    exif = Image.Exif()
    exif[0x0112] = 6
    xmp = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'
    plain = encode(image, "PNG")
    for file in (encode(image, "PNG", exif=exif), between(plain, 33, chunk(b"iTXt", xmp), 1)):
        assert np.array_equal(decode(file), np.rot90(upright, -1))
    for kind in (b"zTXt", b"iTXt", b"tEXt", b"iCCP"):
        assert screen(between(plain, 33, chunk(kind, b"Comment\0\0damaged"), 1)).data == plain


def test_exif_data_of_very_many_tags_is_left_out() -> None:
    exif = tiff([(40_000 + number, 3, 1, 0) for number in range(1_001)])
    file = FILES["jpeg 28x28"]
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif
    assert screen(file[:2] + segment + file[2:]).data == file
    assert screen(between(FILES["png 28x28"], 33, chunk(b"eXIf", exif), 1)).data == FILES["png 28x28"]


def test_a_file_too_short_for_its_pixels_is_broken_before_any_memory_is_taken() -> None:
    png, jpeg = bytearray(FILES["png gray"]), bytearray(FILES["jpeg gray"])
    png[16:24] = struct.pack(">II", 7_000, 7_000)
    png[29:33] = chunk(b"IHDR", bytes(png[16:29]))[-4:]
    at = jpeg.find(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 7_000, 7_000)
    for file in (png, jpeg):
        assert not screen(bytes(file)).is_whole
        with pytest.raises(BrokenImageError, match="too short to hold as many pixels"):
            decode(bytes(file))


@pytest.mark.parametrize("data", [b"", b"II", b"\xff\xd8", b"GIF8", b"RIFF", b"BM", b"\x89PNG\r\n\x1a\n", b"MM\0+\0\0"])
def test_the_beginning_of_a_file_passes_as_it_is(data: bytes) -> None:
    assert screen(data) == Screened(data)
