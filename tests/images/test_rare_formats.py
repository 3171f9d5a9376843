"""PNM, ICO, TGA and PCX files: every form of each, and what is refused."""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from benchmarks.hostile.specimens import pnm
from digits.errors import BrokenImageError, ImageError, UnsupportedFormatError
from digits.images.decode import decode, open_image
from digits.images.formats import format_of
from digits.images.screening.rare.ico import MAX_ENTRIES
from digits.images.screening.screen import screen
from tests.pictures import PICTURE, encode

GRAY: npt.NDArray[np.uint8] = np.asarray(Image.fromarray(PICTURE).convert("L"))
RAMP = np.arange(16, dtype=np.uint8).reshape(2, 8)


@pytest.mark.parametrize("kind", [2, 5])
@pytest.mark.parametrize("maximum", [15, 100, 200, 255])
def test_samples_of_any_maximum_are_scaled_to_255(kind: int, maximum: int) -> None:
    samples = (GRAY.astype(int) * maximum // 255).astype(np.uint8)
    assert np.array_equal(
        decode(pnm(samples, kind, maximum)), np.rint(samples.astype(int) * 255 / maximum).astype(np.uint8)
    )


@pytest.mark.parametrize("kind", [3, 6])
@pytest.mark.parametrize("maximum", [300, 4_095, 65_535])
def test_colors_of_more_than_8_bits_are_scaled(kind: int, maximum: int) -> None:
    samples = PICTURE.astype(int) * maximum // 255
    pixels = decode(pnm(samples.astype(">u2"), kind, maximum))
    assert np.abs(pixels.astype(int) - PICTURE).max() <= 1


@pytest.mark.parametrize("kind", [2, 5])
@pytest.mark.parametrize("maximum", [1_023, 40_000, 65_535])
def test_gray_of_more_than_8_bits_is_stretched(kind: int, maximum: int) -> None:
    samples = (GRAY.astype(int) * maximum // 255).astype(">u2")
    pixels = decode(pnm(samples, kind, maximum))
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert np.corrcoef(pixels.ravel(), GRAY.ravel())[0, 1] > 0.999


@pytest.mark.parametrize(
    "text",
    [
        b"P1\n3 2\n0 1 0\n1 0 1\n",
        b"P1 3 2 010101",
        b"P1#c\n3#c\r2\n0#1\n1 0\t1 0 1",
        b"P1\n3 2\n010\n101\nP1 1 1 0",
        b"P4\n3 2\n\x40\xa0",
        b"P4\n3 2\n\x5f\xbf and more",
        b"P2 3 2 1 1 0 1 0 1 0",
        b"P2 3 2 9 9 0 9 0 9 0#end",
        b"P2 3 2 9\n# of rows\n9 0 9\n0 9 0 x",
        b"P3 3 2 1 1 1 1 0 0 0 1 1 1 0 0 0 1 1 1 0 0 0",
    ],
)
def test_every_way_to_write_the_same_bits_is_read(text: bytes) -> None:
    assert decode(text).tolist() == [[255, 0, 255], [0, 255, 0]]


@pytest.mark.parametrize(
    "text",
    [
        b"P5 0 9 255 ",
        b"P5 9 9 0 " + bytes(81),
        b"P5 9 9 65536 " + bytes(200),
        b"P5 9 9 255",
        b"P5 9 9 255 " + bytes(80),
        b"P6 9 9 300 " + bytes(400),
        b"P2 2 2 9 1 2 3",
        b"P2 2 2 9 1 2 3 10",
        b"P2 2 2 9 1 2 3 -1",
        b"P2 2 2 9 1 2 x 4 5 6",
        b"P2 2 2 9 99999999999999999999 1 2 3",
        b"P3 1 2 255 1 2 3 4 5",
        b"P1 2 2 0 1 2 1",
        b"P1 2 2 0 1 1",
        b"P5 2 2 7 \1\2\3\x08",
        b"P5 1234567890123 2 255 ",
        b"P2 2",
    ],
)
def test_a_damaged_pnm_file_is_refused(text: bytes) -> None:
    with pytest.raises(ImageError, match=r"\.$"):
        decode(text)


def test_a_long_header_is_written_anew_and_one_of_more_than_65536_bytes_refused() -> None:
    for comment, is_read in ((60, True), (90, False)):
        file = b"P5\n" + (b"#" * comment + b"\n") * 900 + b"8 2 15\n" + RAMP.tobytes()
        if is_read:
            assert screen(file).data == b"P5\n8 2\n15\n" + RAMP.tobytes()
            assert np.array_equal(decode(file), RAMP * 17)
        else:
            with pytest.raises((BrokenImageError, UnsupportedFormatError)):
                decode(file)


def icon(picture: bytes, width: int = 0, height: int = 0, depth: int = 32) -> bytes:
    entry = struct.pack("<BBBBHHII", width, height, 0, 0, 1, depth, len(picture), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + picture


def bitmap(pixels: bytes, width: int, height: int, depth: int, **changed: int) -> bytes:
    """A bitmap in an icon, without its mask."""
    fields = {"header": 40, "packing": 0, "colors": 0, "rows": 2 * height} | changed
    return (
        struct.pack("<IiiHHI", fields["header"], width, fields["rows"], 1, depth, fields["packing"])
        + struct.pack("<IiiII", 0, 0, 0, fields["colors"], 0)
        + pixels
    )


def bgra(alpha: int) -> bytes:
    """The pixels of the picture, from the bottom, with a transparency."""
    flipped = PICTURE[::-1, :, ::-1]
    return np.dstack([flipped, np.full(flipped.shape[:2], alpha, np.uint8)]).tobytes()


MASK = bytes(4 * PICTURE.shape[0])


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "RGBA"])
def test_icons_of_bitmaps_of_every_depth_are_read(mode: str) -> None:
    picture = Image.fromarray(PICTURE).quantize(4) if mode == "P" else Image.fromarray(PICTURE).convert(mode)
    pixels = decode(encode(picture, "ICO", bitmap_format="bmp"))
    expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(pixels if pixels.ndim == 3 else np.dstack([pixels] * 3), expected)


def test_of_an_icon_the_largest_picture_with_the_most_colors_is_read() -> None:
    small, large, gray = (encode(Image.fromarray(pixels)) for pixels in (PICTURE[:9, :9], PICTURE, 255 - GRAY))
    entries: list[tuple[int, int, int, bytes]] = [
        (9, 9, 32, small), (30, 40, 8, gray), (30, 40, 32, large), (30, 40, 4, gray),
    ]  # fmt: skip
    head, start = struct.pack("<HHH", 0, 1, len(entries)), 6 + 16 * len(entries)
    for width, height, depth, picture in entries:
        head += struct.pack("<BBBBHHII", width, height, 0, 0, 1, depth, len(picture), start)
        start += len(picture)
    assert np.array_equal(decode(head + b"".join(picture for *_, picture in entries)), PICTURE)


def test_an_icon_of_more_than_256_pixels_is_a_png_file() -> None:
    large = Image.fromarray(PICTURE).resize((300, 400))
    assert decode(icon(encode(large))).shape == (400, 300, 3)


@pytest.mark.parametrize("mask", [b"", MASK])
def test_an_icon_of_32_bits_has_its_own_transparency_and_an_old_one_that_of_the_mask(mask: bytes) -> None:
    assert np.array_equal(decode(icon(bitmap(bgra(255) + mask, 30, 40, 32))), PICTURE)
    assert np.array_equal(decode(icon(bitmap(bgra(0) + mask, 30, 40, 32))), PICTURE)


def test_the_mask_of_an_icon_says_what_is_transparent_and_may_be_missing() -> None:
    rows = np.pad(PICTURE[::-1, :, ::-1].reshape(40, 90), ((0, 0), (0, 2))).tobytes()
    assert np.array_equal(decode(icon(bitmap(rows, 30, 40, 24))), PICTURE)
    assert np.array_equal(decode(icon(bitmap(rows + MASK, 30, 40, 24))), PICTURE)
    assert (decode(icon(bitmap(rows + b"\xff" * len(MASK), 30, 40, 24))) == 255).all()


BROKEN_ICONS = {
    "entries": struct.pack("<HHH", 0, 1, MAX_ENTRIES + 1) + encode(PICTURE, "ICO")[6:],
    "cut off list": struct.pack("<HHH", 0, 1, 99) + encode(PICTURE, "ICO")[6:60],
    "beyond the end": icon(encode(PICTURE))[:-9],
    "short": icon(b"abc"),
    "no bitmap": icon(bytes(500)),
    "run lengths": icon(bitmap(bytes(4_000), 30, 40, 8, packing=1)),
    "large bitmap": icon(bitmap(bytes(90_000), 257, 40, 32)),
    "upside down": icon(bitmap(bgra(255), 30, 40, 32, rows=-80)),
    "palette": icon(bitmap(bytes(9_000), 30, 40, 8, colors=257)),
    "header": icon(bitmap(bytes(9_000), 30, 40, 8, header=12)),
    "depth": icon(bitmap(bytes(9_000), 30, 40, 2)),
    "short bitmap": icon(bitmap(bgra(255)[:-1], 30, 40, 32)),
    "text": icon(b"a text of no meaning that is longer than a header"),
}


@pytest.mark.parametrize("name", BROKEN_ICONS)
def test_a_damaged_or_unusual_icon_is_refused_before_it_is_decoded(name: str) -> None:
    with pytest.raises(BrokenImageError, match=r"\.$"):
        screen(BROKEN_ICONS[name])


def test_an_icon_takes_no_more_than_its_picture() -> None:
    assert open_image(encode(PICTURE, "ICO", bitmap_format="bmp")).decoding_bytes() < 40 * PICTURE.size


def tga(pixels: bytes, kind: int, depth: int, corner: int = 0x20, **changed: Any) -> bytes:
    """A TGA file of the size of the picture."""
    fields: dict[str, Any] = {"comment": b"", "palette": 0, "first": 0, "colors": 0, "bits": 0}
    fields |= {"width": 30, "height": 40} | changed
    head = struct.pack(
        "<BBBHHBHHHHBB",
        len(fields["comment"]), fields["palette"], kind, fields["first"], fields["colors"], fields["bits"], 0, 0,
        fields["width"], fields["height"], depth, corner,
    )  # fmt: skip
    return head + fields["comment"] + pixels


COLORS = PICTURE[:, :, ::-1].tobytes()


@pytest.mark.parametrize("corner", [0x00, 0x10, 0x20, 0x30])
@pytest.mark.parametrize("runs", [False, True])
def test_a_tga_file_may_begin_in_any_corner(corner: int, runs: bool) -> None:
    turned = PICTURE[:: 1 if corner & 0x20 else -1, :: -1 if corner & 0x10 else 1, ::-1]
    data = turned.tobytes()
    if runs:
        rows = (b"\x1d" + row.tobytes() for row in turned)
        data = b"".join(rows)
    assert np.array_equal(decode(tga(data, 10 if runs else 2, 24, corner, comment=b"by hand")), PICTURE)


def test_spare_bits_are_no_transparency_unless_the_header_says_so() -> None:
    spare = np.dstack([PICTURE[:, :, ::-1], np.zeros(PICTURE.shape[:2], np.uint8)]).tobytes()
    assert np.array_equal(decode(tga(spare, 2, 32)), PICTURE)
    assert (decode(tga(spare, 2, 32, 0x28)) == 255).all()
    red, green, blue = (PICTURE[..., channel].astype("<u2") >> 3 for channel in range(3))
    few = red << 10 | green << 5 | blue
    assert np.abs(decode(tga(few.tobytes(), 2, 16)).astype(int) - PICTURE).max() <= 8


@pytest.mark.parametrize("bits", [16, 24, 32])
@pytest.mark.parametrize("kind", [1, 9])
def test_a_palette_of_every_depth_is_read(bits: int, kind: int) -> None:
    dark, light = {16: (b"\0\0", b"\xff\x7f"), 24: (bytes(3), b"\xff" * 3), 32: (b"\0\0\0\xff", b"\xff" * 4)}[bits]
    indices = (GRAY > 128).astype(np.uint8)
    data = indices.tobytes() if kind == 1 else b"".join(b"\x1d" + row.tobytes() for row in indices)
    file = tga(dark + light + data, kind, 8, palette=1, colors=2, bits=bits)
    assert np.array_equal(decode(file), indices * 255)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": 0},
        {"kind": 4},
        {"kind": 32},
        {"kind": 1},
        {"depth": 8},
        {"depth": 48},
        {"kind": 3, "depth": 24},
        {"corner": 0x60},
        {"corner": 0x03},
        {"palette": 1},
        {"palette": 2},
        {"colors": 2},
        {"bits": 24},
        {"first": 1},
        {"width": 0},
        {"height": 0},
        {"kind": 1, "depth": 8, "palette": 1, "colors": 257, "bits": 24},
        {"kind": 1, "depth": 8, "palette": 1, "colors": 0, "bits": 24},
        {"kind": 1, "depth": 8, "palette": 1, "colors": 9, "bits": 15},
    ],
    ids=str,
)
def test_a_header_that_contradicts_itself_is_of_no_tga_file(changed: dict[str, Any]) -> None:
    file = tga(COLORS, **({"kind": 2, "depth": 24} | changed))
    assert format_of(tga(COLORS, 2, 24))
    assert format_of(file) is None
    with pytest.raises(UnsupportedFormatError):
        decode(file)


def test_a_tga_file_is_long_enough_for_its_pixels_or_runs() -> None:
    assert screen(tga(COLORS, 2, 24)).is_whole
    assert not screen(tga(COLORS[:-1], 2, 24)).is_whole
    # 1,200 pixels in runs of 128.
    assert screen(tga(b"\xffabc" * 10, 10, 24)).is_whole
    assert not screen(tga(b"\xffabc" * 9, 10, 24)).is_whole


@pytest.mark.parametrize("start", [b"\0\0\2\0\1\0\x20\x20", b"\0\1\0\0\0\x0f\0\x80", b"\0\0\x08\3\0\0\x27\x10"])
def test_cursors_fonts_and_tables_are_no_tga_files(start: bytes) -> None:
    assert format_of(start + bytes(500)) is None
    assert format_of(start + b"\1\0\x20\0" * 500) is None


def pcx(planes: bytes, bits: int, count: int, **changed: int) -> bytes:
    """A PCX file of the size of the picture, whose rows of bytes are packed as single runs."""
    fields = {"version": 5, "packing": 1, "right": 29, "bottom": 39, "reserved": 0} | changed
    palette = bytes(3) + b"\xff" * 45
    return (
        struct.pack(
            "<BBBBHHHH4x", 10, fields["version"], fields["packing"], bits, 0, 0, fields["right"], fields["bottom"]
        )
        + palette
        + struct.pack("<BBH60x", fields["reserved"], count, -(-30 * bits // 8))
        + b"".join(b"\xc1" + bytes([value]) for value in planes)
    )


INK = np.packbits(GRAY > 128, axis=1)


@pytest.mark.parametrize("planes", [1, 2, 4])
def test_pcx_files_of_two_colors_are_read_in_any_number_of_planes(planes: int) -> None:
    rows = np.repeat(INK[:, None], planes, axis=1)
    assert np.array_equal(decode(pcx(rows.tobytes(), 1, planes)), (GRAY > 128) * 255)


def test_pcx_files_of_grays_and_colors_are_read() -> None:
    assert np.array_equal(decode(pcx(GRAY.tobytes(), 8, 1)), GRAY)
    assert np.array_equal(decode(pcx(PICTURE.transpose(0, 2, 1).tobytes(), 8, 3)), PICTURE)


@pytest.mark.parametrize(
    "changed", [{"version": 1}, {"packing": 0}, {"reserved": 1}, {"bits": 4}, {"count": 2}, {"count": 0}], ids=str
)
def test_a_header_that_pcx_files_do_not_have_is_of_another_format(changed: dict[str, Any]) -> None:
    assert format_of(pcx(GRAY.tobytes(), 8, 1))
    assert format_of(pcx(GRAY.tobytes(), **({"bits": 8, "count": 1} | changed))) is None


@pytest.mark.parametrize("edge", ["right", "bottom"])
def test_a_pcx_file_without_an_extent_is_broken(edge: str) -> None:
    file = bytearray(pcx(GRAY.tobytes(), 8, 1))
    # The left or the upper edge lies beyond the other one.
    file[4 if edge == "right" else 6] = 50
    with pytest.raises(BrokenImageError, match=r"\.$"):
        decode(bytes(file))


def test_a_pcx_file_is_long_enough_for_its_runs() -> None:
    whole = pcx(b"", 8, 1) + b"\xff\0" * 20
    assert screen(whole).is_whole
    assert not screen(whole[:-2]).is_whole
