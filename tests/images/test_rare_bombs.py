"""What JPEG 2000, PNM, ICO, TGA and PCX files cost that say much in few bytes."""

import time

import pytest

from benchmarks.hostile.rare_bombs import RARE_BOMBS
from digits.errors import ImageError
from digits.images.decode import open_image

SECONDS, BYTES = 0.050, 3_000_000


@pytest.mark.parametrize("name", RARE_BOMBS)
def test_a_bomb_is_refused_in_fifty_milliseconds_or_is_small(name: str) -> None:
    file, seconds = RARE_BOMBS[name](), []
    for _ in range(3):
        start = time.process_time()
        try:
            opened = open_image(file)
            assert opened.decoding_bytes() < BYTES or name == "tga mirrored" or "claim" in name
            opened.decode()
        except ImageError:
            pass
        seconds.append(time.process_time() - start)
    assert min(seconds) < SECONDS
