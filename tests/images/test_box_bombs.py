"""What AVIF and HEIF files cost to look at that say much in few bytes."""

import contextlib
import struct
import time
import tracemalloc

import pytest
from PIL import Image

from benchmarks.hostile.box_bombs import BOX_BOMBS, box
from benchmarks.hostile.specimens import encode
from digits.errors import BrokenImageError
from digits.images.screening.boxes import MAX_PARTS
from digits.images.screening.screen import screen

SECONDS, BYTES = 0.050, 3_000_000


def tiles(count: int, boxes: int = 1) -> bytes:
    """An AVIF file of so many coded images in all, each stored for itself, as phones store the tiles of a photo."""
    avif = encode(Image.new("L", (64, 48), 255), "AVIF", speed=10, subsampling="4:0:0")
    tile = avif[avif.index(b"mdat") + 4 :]

    def head(start: int) -> bytes:
        items = [
            struct.pack(">HHHII", number + 1, 0, 1, start + number * len(tile), len(tile)) for number in range(count)
        ]
        locations = (items[first::boxes] for first in range(boxes))
        ilocs = (box(b"iloc", b"\0\0\0\0\x44\0" + struct.pack(">H", len(some)) + b"".join(some)) for some in locations)
        return box(b"ftyp", b"avif" + bytes(4) + b"avifmif1") + box(b"meta", bytes(4) + b"".join(ilocs))

    return head(len(head(0)) + 8) + box(b"mdat", tile * count)


@pytest.mark.parametrize("name", BOX_BOMBS)
def test_a_bomb_of_boxes_takes_fifty_milliseconds_and_few_megabytes_to_look_at(name: str) -> None:
    file, seconds = BOX_BOMBS[name](), []
    for _ in range(3):
        start = time.process_time()
        with contextlib.suppress(BrokenImageError):
            screen(file)
        seconds.append(time.process_time() - start)
    assert min(seconds) < SECONDS
    tracemalloc.start()
    try:
        with contextlib.suppress(BrokenImageError):
            screen(file)
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("avif empty parts", "800 parts of items"),
        ("avif many parts", "800 parts of items"),
        ("avif overlapping parts", "10,000 units"),
        ("avif headers", "100 different headers"),
        ("heif units", "10,000 units"),
    ],
)
def test_a_bomb_of_boxes_is_told_what_it_has_too_many_of(name: str, pieces: str) -> None:
    with pytest.raises(BrokenImageError, match=f"more than {pieces}"):
        screen(BOX_BOMBS[name]())


@pytest.mark.parametrize("boxes", [1, 8])
def test_a_photo_may_have_hundreds_of_tiles_and_all_boxes_count_together(boxes: int) -> None:
    for count in (300, MAX_PARTS):
        assert screen(tiles(count, boxes)).coded_pixels == 64 * 48
    with pytest.raises(BrokenImageError, match="more than 800 parts of items"):
        screen(tiles(MAX_PARTS + 1, boxes))


def test_a_header_is_found_however_far_behind_the_beginning_of_its_part_it_stands() -> None:
    avif = encode(Image.new("L", (64, 48), 255), "AVIF", speed=10, subsampling="4:0:0")
    units = b"\x12\0" + b"\x7a\x80\x80\x04" + bytes(65_536) + avif[avif.index(b"mdat") + 4 :]
    location = b"\0\0\0\0\x44\0" + struct.pack(">HHHHII", 1, 1, 0, 1, 100, len(units))
    head = box(b"ftyp", b"avif" + bytes(4) + b"avifmif1") + box(b"meta", bytes(4) + box(b"iloc", location))
    assert screen(head.ljust(100, b"\0") + units).coded_pixels == 64 * 48
