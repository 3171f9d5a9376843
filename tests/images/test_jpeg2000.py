import io
import struct
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile.box_bombs import box
from benchmarks.hostile.rare_bombs import codestream, jpeg2000_passes, segment, tile_part
from digits.errors import BrokenImageError, TooManyPixelsError
from digits.images.decode import decode, open_image
from digits.images.screening.jpeg2000.codestream import most_samples
from digits.images.screening.jpeg2000.demand import MAX_BLOCKS, MAX_LEVELS, MAX_PACKETS, MAX_TILES
from digits.images.screening.screen import screen
from digits.images.screening.screened import MAX_PIECES
from tests.pictures import PICTURE, encode

GRAY = Image.fromarray(PICTURE).convert("L")
NOISE = Image.effect_noise((96, 80), 60.0)
STYLE = b"\0\0\0\1\0\5\4\4\0\1"


def sheet(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Soft spots of color."""
    spots = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


@pytest.mark.parametrize(("width", "height"), [(1440, 1440), (1445, 1001), (2163, 720), (3001, 2005), (4001, 300)])
@pytest.mark.parametrize("options", [{}, {"tile_size": (256, 256)}, {"no_jp2": True}], ids=["boxes", "tiles", "stream"])
def test_a_large_picture_is_decoded_smaller_and_looks_the_same(
    width: int, height: int, options: dict[str, object]
) -> None:
    picture = sheet(width, height)
    opened = open_image(encode(picture, "JPEG2000", **options))
    pixels = opened.decode()
    assert (opened.width, opened.height) == (width, height)
    assert 360 <= max(pixels.shape) < 1440
    expected = picture.resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.BOX)
    assert np.abs(pixels.astype(int) - np.asarray(expected)).mean() < 4


def test_a_picture_that_begins_beside_the_origin_is_decoded_whole_and_reduced_afterwards() -> None:
    picture = sheet(1500, 1100)
    file = encode(picture, "JPEG2000", offset=(101, 63), tile_offset=(50, 50), tile_size=(500, 500))
    assert screen(file).halvings == 0
    assert np.array_equal(decode(file), np.asarray(picture.reduce(2)))


def test_memory_is_that_of_the_size_in_which_a_file_is_decoded() -> None:
    large, whole = (
        open_image(encode(Image.effect_noise((1500, 1000), 99.0), "JPEG2000", num_resolutions=count)).decoding_bytes()
        for count in (6, 1)
    )
    # Samples of four bytes and of one, and pixels, of which a quarter is decoded.
    assert whole - large == pytest.approx(6 * 1500 * 1000 * 3 / 4, rel=0.1)


@pytest.mark.parametrize("depth", [9, 12, 16])
def test_deep_samples_are_stretched(depth: int) -> None:
    deep = np.asarray(GRAY, np.uint16) << depth - 8
    pixels = decode(encode(Image.fromarray(deep), "JPEG2000"))
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_comments_lengths_profiles_and_other_boxes_are_left_out() -> None:
    plain = encode(GRAY, "JPEG2000", comment="a comment")
    at = plain.index(b"jp2h") - 4
    more = plain[:at] + box(b"xml ", b"<x/>") + plain[at:] + box(b"uuid", bytes(16))
    assert b"a comment" not in screen(plain).data
    assert screen(more).data == screen(plain).data
    profile = box(b"colr", b"\2\0\0" + bytes(500))
    length = int.from_bytes(plain[at : at + 4])
    with_profile = plain[:at] + struct.pack(">I", length + len(profile)) + plain[at + 4 : at + length] + profile
    assert screen(with_profile + plain[at + length :]).data == screen(plain).data
    assert np.array_equal(decode(more), np.asarray(GRAY))


def test_the_last_tile_part_may_go_on_to_the_end() -> None:
    stream = encode(NOISE, "JPEG2000", no_jp2=True)
    at = stream.index(b"\xff\x90\0\x0a") + 6
    assert np.array_equal(decode(stream[:at] + bytes(4) + stream[at + 4 :]), np.asarray(NOISE))


def _without_a_tile() -> bytes:
    stream = encode(NOISE, "JPEG2000", no_jp2=True, tile_size=(64, 64))
    at = stream.rindex(b"\xff\x90\0\x0a")
    return stream[:at] + b"\xff\xd9"


def _of_another_size() -> bytes:
    file = encode(NOISE, "JPEG2000")
    at = file.index(b"ihdr") + 4
    return file[:at] + struct.pack(">II", 80, 95) + file[at + 8 :]


BROKEN: dict[str, tuple[str, Callable[[], bytes]]] = {
    "missing tile": ("parts of its pixels are missing", _without_a_tile),
    "another size": ("two sizes", _of_another_size),
    "no codestream": ("pixels are missing", lambda: encode(NOISE, "JPEG2000").replace(b"jp2c", b"none")),
    "no header": ("pixels are missing", lambda: encode(NOISE, "JPEG2000").replace(b"jp2h", b"none")),
    "wide header": ("bytes of header", lambda: encode(NOISE, "JPEG2000")[:32] + box(b"jp2h", bytes(70_000))),
    "progression changes": ("FF5F", lambda: codestream(64, 64, more=segment(0xFF5F, bytes(7)))),
    "packed headers": ("FF60", lambda: codestream(64, 64, more=segment(0xFF60, bytes(7)))),
    "high throughput": ("FF50", lambda: codestream(64, 64, more=segment(0xFF50, bytes(6)))),
    "high throughput blocks": ("blocks are of a kind", lambda: codestream(64, 64, style=b"\0\0\0\1\0\5\4\4\x40\1")),
    "large blocks": ("blocks are of a kind", lambda: codestream(64, 64, style=b"\0\0\0\1\0\5\5\4\0\1")),
    "no style": ("how it is coded", lambda: codestream(64, 64).replace(b"\xff\x52", b"\xff\x64")),
    "five components": ("5 components", lambda: codestream(64, 64, components=5)),
    "17 bits": ("1 components", lambda: codestream(64, 64).replace(b"\0\1\7\1\1", b"\0\1\x10\1\1")),
    "halved brightness": ("fewer samples", lambda: codestream(64, 64).replace(b"\0\1\7\1\1", b"\0\1\7\2\2")),
    "no tiles": ("tiles lie beside", lambda: codestream(64, 64, 0)),
    "precincts": ("precincts", lambda: codestream(64, 64, style=b"\1\0\0\1\0\1\4\4\0\1\x11")),
    "precincts of nothing": ("precincts", lambda: codestream(64, 64, style=b"\1\0\0\1\0\1\4\4\0\1\x11\x10")),
    "style of no component": ("no component", lambda: codestream(64, 64, more=segment(0xFF53, b"\1\0\5\4\4\0\1"))),
    "long part": ("cut off", lambda: codestream(64, 64, parts=tile_part(0, bytes(99))[:-9])[:-2]),
    "short sizes": ("cut off", lambda: b"\xff\x4f" + segment(0xFF51, bytes(10))),
    "nothing": ("cut off", lambda: b"\xff\x4f\xff\x51"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_or_unusual_file_is_refused_before_it_is_decoded(name: str) -> None:
    why, make = BROKEN[name]
    with pytest.raises(BrokenImageError, match=rf"{why}.*\.$"):
        screen(make())


def parts(count: int) -> bytes:
    return tile_part(0, b"") * count


# A file with so many of them.
BUILT: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "tiles": (MAX_TILES, lambda count: codestream(64 * count, 64, 64, parts=_all_parts(count))),
    "halvings": (MAX_LEVELS, lambda count: codestream(64, 64, style=b"\0\0\0\1\0" + bytes([count]) + b"\4\4\0\1")),
    "packets": (
        MAX_PACKETS // 6,
        lambda count: codestream(64, 64, style=b"\0\0" + struct.pack(">H", count) + b"\0\5\4\4\0\1"),
    ),
    "blocks": (MAX_BLOCKS // 60, lambda count: codestream(4 * count, 240, style=b"\0\0\0\1\0\0\0\0\0\1")),
    # Three segments of its own, and two for each tile-part.
    "segments": (MAX_PIECES - 2, lambda count: codestream(64, 64, parts=parts(count - 1))),
}


def _all_parts(count: int) -> bytes:
    return b"".join(tile_part(number, b"") for number in range(count))


@pytest.mark.parametrize("kind", BUILT)
def test_a_file_may_ask_for_as_much_as_the_limit_and_no_more(kind: str) -> None:
    most, build = BUILT[kind]
    screen(build(most))
    with pytest.raises(BrokenImageError, match=r"more than [\d,]+ .*far more than an image needs"):
        screen(build(most + 1))


def test_a_picture_without_a_smaller_copy_may_have_as_many_samples_as_are_decoded() -> None:
    assert most_samples(bytes(10**7)) == 8 * most_samples(b"") == 8_000_000
    style = b"\0\0\0\1\0\0\4\4\0\1"
    screen(codestream(1_000, 1_000, style=style))
    with pytest.raises(TooManyPixelsError, match="1,000 x 1,010 pixels and no smaller copy"):
        screen(codestream(1_000, 1_010, style=style))
    with pytest.raises(TooManyPixelsError, match="more than can be read"):
        screen(codestream(20_000, 20_000))


def test_as_many_passes_as_there_may_be_are_decoded_within_a_second() -> None:
    file = jpeg2000_passes(8)
    assert len(file) < 2_500
    start = time.process_time()
    assert decode(file).std() > 50
    assert time.process_time() - start < 1.0


def test_a_file_that_pillow_wrote_is_whole_after_screening() -> None:
    for options in ({}, {"irreversible": True}, {"progression": "CPRL", "precinct_size": (128, 128)}, {"mct": 0}):
        file = encode(sheet(300, 200), "JPEG2000", **options)
        before, after = (Image.open(io.BytesIO(data)) for data in (file, screen(file).data))
        assert np.array_equal(np.asarray(before), np.asarray(after))
