"""No file costs the service more than its size says."""

from collections.abc import Iterator

import pytest

from benchmarks.bomb_files import BOMBS
from benchmarks.bombs import MEGABYTES, SECONDS, Meter
from benchmarks.large_files import LARGE
from digits.errors import ImageError

# The command holds the limit itself; a test also runs on machines that are busy with others.
PATIENCE = 6.0


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meter]:
    meter = Meter(tmp_path_factory.mktemp("bombs"))
    yield meter
    meter.stop()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_read_in_fifty_milliseconds_and_megabytes(name: str, meter: Meter) -> None:
    cost = meter.measure(BOMBS[name](), 2)
    refusals = {kind.__name__ for kind in ImageError.__subclasses__()} | {"TooManyPixelsError"}
    assert cost.outcome in refusals or cost.outcome.isdecimal()
    assert cost.seconds <= PATIENCE * SECONDS
    assert cost.megabytes <= MEGABYTES


def test_a_digit_with_texts_that_inflate_to_much_is_still_read(meter: Meter) -> None:
    for name in ("png texts", "png large text", "png profile", "png exif", "jpeg exif"):
        assert meter.measure(BOMBS[name](), 1).outcome == "7", name


def test_a_large_image_takes_no_more_memory_than_its_pixels(meter: Meter) -> None:
    # 50 million pixels of four bytes, and what the decoder needs.
    for name, make in LARGE.items():
        assert meter.measure(make(), 1).megabytes < 320.0, name
