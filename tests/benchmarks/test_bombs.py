"""No file costs the service more than its size says."""

import contextlib
import sys
import time
from collections.abc import Iterator

import pytest

from benchmarks.hostile.bomb_files import BOMBS
from benchmarks.hostile.bombs import MEGABYTES, SECONDS, Meter
from benchmarks.hostile.crowded_pages import CROWDED
from benchmarks.hostile.large_files import LARGE
from benchmarks.hostile.piecemeal import LARGEST, PIECEMEAL
from digits.errors import ImageError
from digits.images.decode import open_image
from digits.images.screening.screen import screen

# The command holds the limit itself; a test also runs on machines that are busy with others.
PATIENCE = 6.0

HOSTILE = {**BOMBS, **PIECEMEAL}


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meter]:
    if sys.platform != "linux":
        pytest.skip("the memory is read in /proc")
    meter = Meter(tmp_path_factory.mktemp("bombs"))
    yield meter
    meter.stop()


def screening_seconds(file: bytes) -> float:
    """The time of the processor that it takes to look at a file."""
    seconds = []
    for _ in range(2):
        start = time.process_time()
        with contextlib.suppress(ImageError):
            screen(file)
        seconds.append(time.process_time() - start)
    return min(seconds)


def all_subclasses(error: type[ImageError]) -> Iterator[type[ImageError]]:
    for subclass in error.__subclasses__():
        yield subclass
        yield from all_subclasses(subclass)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bomb_is_refused_or_read_in_fifty_milliseconds_and_megabytes(name: str, meter: Meter) -> None:
    file = HOSTILE[name]()
    assert name in BOMBS or len(file) <= LARGEST
    assert screening_seconds(file) <= PATIENCE * SECONDS
    cost = meter.measure(file, 2)
    refusals = {kind.__name__ for kind in all_subclasses(ImageError)}
    assert cost.outcome in refusals or cost.outcome.isdecimal()
    assert cost.busy <= PATIENCE * SECONDS
    assert cost.megabytes <= MEGABYTES


def test_a_digit_with_texts_that_inflate_to_much_is_still_read(meter: Meter) -> None:
    for name in ("png texts", "png large text", "png profile", "png exif", "jpeg exif"):
        assert meter.measure(BOMBS[name](), 1).outcome == "7", name


@pytest.mark.parametrize("name", LARGE)
def test_a_large_image_takes_no_more_memory_than_its_header_tells(name: str, meter: Meter) -> None:
    file = LARGE[name]()
    megabytes = open_image(file).decoding_bytes() / 1e6
    assert megabytes < 480.0
    # Libraries keep some memory of their own at their first use.
    assert meter.measure(file, 1).megabytes < 1.05 * megabytes + 20.0


@pytest.mark.parametrize("name", ["hairlines", "dashes", "form"])
def test_a_page_of_thin_lines_costs_no_more_than_one_of_digits(name: str, meter: Meter) -> None:
    cost = meter.measure(CROWDED[name](), 1, whole=True)
    assert cost.outcome == "NoInkError"
    # Seconds of a core: it takes a tenth of that. A page of many digits takes more time, and more memory.
    assert cost.busy < 1.0
    assert cost.megabytes < 100.0
