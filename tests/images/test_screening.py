import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin

from benchmarks.hostile.specimens import chunk, encode, specimens
from digits.errors import BrokenImageError, TooManyFramesError
from digits.images.decode import decode
from digits.images.limits import ImageLimits
from digits.images.screening.bmp import MAX_RUN_BYTES, MAX_RUN_PIXELS
from digits.images.screening.gif import GIF_BLOCK_BYTES
from digits.images.screening.jpeg import MAX_FILLING, MAX_SCANS, MAX_TABLE_BYTES
from digits.images.screening.screen import screen
from digits.images.screening.screened import MAX_PIECES, Screened
from digits.images.screening.tiff import MAX_NUMBERS, MAX_STRIPS, MAX_TAGS

FILES = specimens()
SEVERAL = {"avif animated": 3, "png animated": 3, "gif animated": 3, "webp animated": 3, "tiff pages": 3}


# Without a palette, which might look like a block, and of one.
GIF = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def between(file: bytes, at: int, piece: bytes, count: int) -> bytes:
    return file[:at] + piece * count + file[at:]


def tiff(entries: list[tuple[int, int, int, int]]) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + bytes(4)


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(("heif", "pdf"))])
def test_an_ordinary_file_looks_the_same_and_its_frames_are_counted(name: str) -> None:
    file = FILES[name]
    screened = screen(file)
    assert screened.is_whole
    assert screened.frames == SEVERAL.get(name, 1)
    before, after = (ImageOps.exif_transpose(Image.open(io.BytesIO(data))) for data in (file, screened.data))
    assert np.array_equal(np.asarray(before), np.asarray(after))


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("heif")])
def test_a_heif_file_passes_as_it_is(name: str) -> None:
    screened = screen(FILES[name])
    assert screened.data == FILES[name]
    # The coded image is filled up to a multiple of 64.
    assert 96 * 80 <= screened.coded_pixels <= 128 * 128


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("pdf")])
def test_a_pdf_file_passes_as_it_is_unless_its_end_is_missing(name: str) -> None:
    assert screen(FILES[name]).data == FILES[name]
    with pytest.raises(BrokenImageError, match="table of its parts"):
        screen(FILES[name][: len(FILES[name]) // 2])


@pytest.mark.parametrize("name", ["avif", "avif alpha", "avif animated"])
def test_the_size_of_a_coded_image_is_found_whatever_the_boxes_around_it_say(name: str) -> None:
    file = FILES[name].replace(struct.pack(">II", 96, 80), struct.pack(">II", 3, 2))
    assert screen(file).coded_pixels == 96 * 80


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
    "tables": (MAX_TABLE_BYTES, lambda count: b"\xff\xd8" + tables(30_000) + tables(count - 30_000)),
    "tags": (MAX_TAGS, lambda count: tiff([(40_000, 3, 1, 0)] * count)),
    "strips": (MAX_STRIPS, lambda count: tiff([(273, 4, count, 0)])),
    "numbers": (MAX_NUMBERS, lambda count: tiff([(40_000, 3, count - 100, 0), (40_001, 5, 5, 0)])),
    "directories": (MAX_PIECES // 10, lambda count: chain(count)),
    "runs": (MAX_RUN_BYTES, lambda count: runs(1, 1).ljust(count, b"\0")),
    "pixels of runs": (MAX_RUN_PIXELS, lambda count: runs(count, -1)),
}


def tables(size: int) -> bytes:
    """A segment of tables of so many bytes in all."""
    return b"\xff\xdb" + struct.pack(">H", size - 2) + bytes(size - 4)


def chain(count: int) -> bytes:
    """A TIFF file of so many directories of one tag."""
    links = (8 + 18 * (number + 1) if number + 1 < count else 0 for number in range(count))
    parts = (struct.pack("<HHHIII", 1, 256, 3, 1, 1, following) for following in links)
    return b"II*\0\x08\0\0\0" + b"".join(parts)


def runs(width: int, height: int) -> bytes:
    """The header of a bitmap of run lengths."""
    return b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, width, height, 1, 8, 1)


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
    stated = MAX_PIECES if kind == "directories" else most
    with pytest.raises(BrokenImageError, match=f"more than {stated:,} .* Save it anew"):
        screen(build(most + 1))


def test_a_frame_may_have_as_many_short_blocks_as_full_ones_would_fill_the_file_and_some_more() -> None:
    start = GIF.index(b"\x02D\x01")

    def of_blocks(count: int) -> bytes:
        return between(GIF, start, b"\1D", count - 1).ljust(GIF_BLOCK_BYTES * 1_000, b"\0")

    screen(of_blocks(MAX_PIECES + 1_000))
    with pytest.raises(BrokenImageError, match="more than 11,000 blocks of pixels"):
        screen(of_blocks(MAX_PIECES + 1_001))


def test_filling_among_the_pixels_of_a_jpeg_is_broken_and_behind_its_end_is_none_of_its_business() -> None:
    file = FILES["jpeg 28x28"]
    # Wherever it begins, twice the limit is found.
    for shift in range(0, MAX_FILLING, 777):
        filling = b"\xff" * (2 * MAX_FILLING - 1)
        assert screen(file + bytes(shift) + filling).data == file + bytes(shift) + filling
        with pytest.raises(BrokenImageError, match=f"more than {MAX_FILLING:,} bytes of filling"):
            screen(file[:-2] + bytes(shift) + filling + file[-2:])


@pytest.mark.parametrize("piece", [b"junk", b"\xff\0", b"\xff\xff\xff"], ids=["junk", "zeros", "filling"])
def test_what_stands_between_the_segments_of_a_jpeg_is_read_past(piece: bytes) -> None:
    file = FILES["jpeg 28x28"]
    assert np.array_equal(decode(between(file, 20, piece, 9)), decode(file))


def test_of_what_programs_add_to_a_jpeg_only_colors_and_the_way_up_are_kept() -> None:
    file = FILES["jpeg turned 6"]
    added = (b"\xff\xe2\0\x08MPF\0II", b"\xff\xed\0\x02", b"\xff\xfe\0\x05abc", file[20 : file.index(b"\xff\xdb")])
    assert screen(file[:20] + b"".join(added) + file[20:]).data == screen(file).data
    assert screen(FILES["jpeg 28x28"]).data == FILES["jpeg 28x28"]
    assert b"Adobe" in screen(FILES["jpeg cmyk"]).data


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


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg", "group4"])
@pytest.mark.parametrize("is_big", [False, True])
def test_long_values_of_a_tiff_file_are_passed_over_and_its_picture_stays(compression: str, is_big: bool) -> None:
    picture = Image.fromarray(np.arange(600, dtype=np.uint8).reshape(20, 30))
    picture = picture.convert("1") if compression == "group4" else picture
    orientation, note, layers, xmp = 274, 270, 37_724, 700
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[orientation], tags[note], tags[layers], tags[xmp] = 6, "note " * 2_000, bytes(100_000), b"<x/>" * 2_000
    tags.tagtype[layers] = tags.tagtype[xmp] = 7
    plain = encode(picture, "TIFF", compression=compression, big_tiff=is_big)
    screened = screen(encode(picture, "TIFF", compression=compression, big_tiff=is_big, tiffinfo=tags)).data
    assert np.array_equal(decode(screened), np.rot90(decode(plain), -1))
    image = Image.open(io.BytesIO(screened))
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    assert {note, layers}.isdisjoint(image.tag_v2)
    assert {orientation, xmp} <= set(image.tag_v2)


def turned_jpeg(exif: bytes) -> bytes:
    """A JPEG file with EXIF data."""
    file = FILES["jpeg 28x28"]
    return file[:20] + b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif + file[20:]


def turned_webp(exif: bytes) -> bytes:
    """A WebP file with EXIF data before what it had."""
    file = FILES["webp turned"]
    extra = b"EXIF" + struct.pack("<I", len(exif)) + exif + bytes(len(exif) % 2)
    return b"RIFF" + struct.pack("<I", len(file) - 8 + len(extra)) + file[8:] + extra


@pytest.mark.parametrize("tags", [1, MAX_TAGS, MAX_TAGS + 1])
def test_exif_data_say_which_way_is_up_and_are_left_out_if_of_very_many_tags(tags: int) -> None:
    exif = tiff([(0x0112, 3, 1, 6), *((40_000 + number, 3, 1, 0) for number in range(tags - 1))])
    for plain, turned in (
        (FILES["jpeg 28x28"], turned_jpeg(exif)),
        (FILES["png 28x28"], between(FILES["png 28x28"], 33, chunk(b"eXIf", exif), 1)),
    ):
        assert np.array_equal(decode(turned), np.rot90(decode(plain), 0 if tags > MAX_TAGS else -1))
        assert len(screen(turned).data) <= len(plain) + 40
        if tags > MAX_TAGS:
            assert screen(turned).data == plain


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("turn", [0, 1, 6, 8, 9])
def test_which_way_is_up_is_read_from_either_order_of_bytes(order: str, kind: int, turn: int) -> None:
    value = struct.pack(order + ("H2x" if kind == 3 else "I"), turn)
    start = b"II*\0" if order == "<" else b"MM\0*"
    exif = start + struct.pack(order + "IHHHI", 8, 1, 0x0112, kind, 1) + value + bytes(4)
    turned = decode(turned_jpeg(exif))
    assert np.array_equal(turned, np.rot90(decode(FILES["jpeg 28x28"]), {6: -1, 8: 1}.get(turn, 0)))


def test_only_the_first_exif_data_of_a_file_count_and_a_small_part_of_them_is_kept() -> None:
    plain, other = FILES["webp turned"], tiff([(0x0112, 3, 1, 3)]) + bytes(100_000)
    assert np.array_equal(decode(turned_webp(other)), decode(plain))
    assert len(screen(turned_webp(other)).data) <= len(plain)
    exif = tiff([(0x0112, 3, 1, 6)])
    file = turned_jpeg(exif)
    assert screen(file[:20] + turned_jpeg(tiff([(0x0112, 3, 1, 6)]))[20 : 20 + len(exif) + 10] + file[20:]).data == (
        screen(file).data
    )


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
