import contextlib
import hashlib
import threading
import time

import cv2
import numpy as np
import pytest

from benchmarks.hostile.costly_pictures import COSTLY
from digits import budget
from digits.budget import Budget, MemoryBound, bounded_memory, bounded_work, limited, memory, wall_seconds
from digits.errors import (
    ComputationStoppedError,
    ComputeTimeError,
    CrowdedImageError,
    MemoryBusyError,
    ProcessorBusyError,
    TooManyPixelsError,
)
from digits.images.decode import open_image
from digits.numbers.reader import PAGE_SIDE, read_picture
from digits.recognizer import Recognizer, shipped_model
from tests.memory import taken_by_another_thread


def test_without_a_budget_a_check_lets_everything_pass() -> None:
    budget.check()


def compute(seconds: float) -> None:
    """Keeps the processor busy for so many seconds of its time, in native code."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000)


def test_when_the_processor_time_is_over_the_next_check_says_what_to_do() -> None:
    # However long the test itself has to wait for the processor.
    with limited(Budget(0.02, wall_clock=lambda: 0.0)):
        budget.check()
        time.sleep(0.1)
        budget.check()
        compute(0.03)
        with pytest.raises(ComputeTimeError, match=r"more than the 0\.02 seconds of processor time allowed\. Crop it"):
            budget.check()


def test_what_waits_for_the_processor_may_take_longer_but_not_without_end() -> None:
    wall = 100.0
    with limited(Budget(2.0, clock=lambda: 1.9, wall_clock=lambda: wall)):
        wall += wall_seconds(2.0)
        budget.check()
        wall += 0.1
        told = rf"overloaded: in {wall_seconds(2.0):g} seconds, .* the 2 seconds of processor time .*Try again"
        with pytest.raises(ProcessorBusyError, match=told):
            budget.check()


def test_what_takes_too_much_of_the_processor_is_told_so_however_late_it_is() -> None:
    now = 0.0
    with limited(Budget(2.0, clock=lambda: now, wall_clock=lambda: 100.0 * now)):
        now = 2.1
        with pytest.raises(ComputeTimeError):
            budget.check()


def test_what_another_process_takes_of_the_processor_counts() -> None:
    shared = Budget(2.0, total_seconds=3.0, clock=lambda: 0.0)
    with limited(shared):
        budget.add_time(1.9)
        budget.check()
        shared.start()
        budget.add_time(1.0)
        budget.check()
        budget.add_time(0.2)
        # The time of all images is over, and that of this one is not.
        with pytest.raises(ComputeTimeError):
            budget.check()
    budget.add_time(100.0)


def test_after_the_block_its_budget_holds_no_longer() -> None:
    with limited(Budget(0.0)):
        pass
    budget.check()


def test_a_budget_that_is_stopped_ends_the_computation_even_in_time() -> None:
    mine = Budget(60.0)
    with limited(mine):
        mine.stop()
        with pytest.raises(ComputationStoppedError):
            budget.check()


def test_each_image_has_its_own_time_until_that_of_all_is_over() -> None:
    now = 100.0
    shared = Budget(5.0, total_seconds=12.0, clock=lambda: now)
    with limited(shared):
        for _ in range(2):
            now += 4.0
            budget.check()
            shared.start()
        now += 4.5
        with pytest.raises(ComputeTimeError):
            budget.check()
        shared.start()
        with pytest.raises(ComputeTimeError):
            budget.check()


def test_the_time_of_all_images_has_a_bound_by_the_clock_on_the_wall_too() -> None:
    wall = 0.0
    shared = Budget(5.0, total_seconds=10.0, clock=lambda: 0.0, wall_clock=lambda: wall)
    with limited(shared):
        wall += 0.9 * wall_seconds(5.0)
        shared.start()
        wall += 0.9 * wall_seconds(5.0)
        budget.check()
        shared.start()
        wall += 0.3 * wall_seconds(5.0)
        with pytest.raises(ProcessorBusyError):
            budget.check()


def test_work_beyond_its_bound_is_refused_and_the_bound_ends_with_its_block() -> None:
    with bounded_work(10):
        budget.spend(6)
        budget.spend(4)
        with pytest.raises(CrowdedImageError, match="Crop it"):
            budget.spend(1)
    budget.spend(10**12)


def test_what_is_refused_is_not_counted_as_done_and_nothing_is_allowed_after_it() -> None:
    with bounded_work(100):
        budget.spend(30)
        assert budget.is_work_left()
        with pytest.raises(CrowdedImageError):
            budget.spend(71)
        assert budget.work_left() == 70
        assert not budget.is_work_left()
        with pytest.raises(CrowdedImageError):
            budget.spend(1)


@pytest.mark.parametrize("name", ["chevrons", "diagonals", "rings", "squares"])
def test_a_page_of_strokes_that_each_reach_over_all_of_it_is_refused_soon(name: str) -> None:
    recognizer = Recognizer.load(shipped_model())
    page = COSTLY[name](PAGE_SIDE)
    start = time.thread_time()
    with pytest.raises(CrowdedImageError):
        read_picture(recognizer, page)
    # Without a bound these take from 11 to 200 seconds.
    assert time.thread_time() - start < 6.0


MEGABYTE = 2**20


def test_images_share_the_memory_and_give_it_back() -> None:
    bound = MemoryBound(10 * MEGABYTE, 0.0)
    with taken_by_another_thread(bound, 6 * MEGABYTE), bounded_memory(bound):
        with memory(lambda: 4 * MEGABYTE):
            assert bound.taken_bytes == 10 * MEGABYTE
        with pytest.raises(MemoryBusyError, match="Try again in a moment"), memory(lambda: 5 * MEGABYTE):
            pass
    assert bound.taken_bytes == 0


def test_what_a_thread_has_taken_does_not_keep_it_waiting() -> None:
    bound = MemoryBound(10 * MEGABYTE, 0.0)
    with bounded_memory(bound), memory(lambda: 6 * MEGABYTE), memory(lambda: 5 * MEGABYTE):
        assert bound.taken_bytes == 11 * MEGABYTE
        with taken_by_another_thread(MemoryBound(1, 0.0), MEGABYTE):
            pass
        with pytest.raises(MemoryBusyError), taken_by_another_thread(bound, 2 * MEGABYTE):
            pass
    assert bound.taken_bytes == 0


def test_what_other_requests_hold_leaves_an_image_less_memory_and_its_own_request_does_not() -> None:
    bound = MemoryBound(10 * MEGABYTE, 0.0)
    bound.held_bytes = 3 * MEGABYTE
    with taken_by_another_thread(bound, 2 * MEGABYTE):
        with bounded_memory(bound), memory(lambda: 5 * MEGABYTE):
            pass
        told = f"other images and requests take {5 * MEGABYTE:,} of the {10 * MEGABYTE:,}"
        with bounded_memory(bound), pytest.raises(MemoryBusyError, match=told), memory(lambda: 6 * MEGABYTE):
            pass
        with bounded_memory(bound, 3 * MEGABYTE), memory(lambda: 8 * MEGABYTE):
            pass
        with bounded_memory(bound, 2 * MEGABYTE), pytest.raises(MemoryBusyError), memory(lambda: 8 * MEGABYTE):
            pass
    assert bound.taken_bytes == 0


def test_requests_that_hold_nothing_but_their_bodies_do_not_keep_each_other_waiting() -> None:
    bound = MemoryBound(10 * MEGABYTE, 0.0)
    bound.held_bytes = 30 * MEGABYTE
    with bounded_memory(bound, 5 * MEGABYTE), memory(lambda: 8 * MEGABYTE):
        assert bound.taken_bytes == 8 * MEGABYTE


def test_a_large_image_waits_for_what_others_hold_also_if_no_image_is_decoded() -> None:
    bound, usual = MemoryBound(100 * MEGABYTE, 0.0), MemoryBound.USUAL_BYTES
    bound.held_bytes = 40 * MEGABYTE
    with bounded_memory(bound), memory(lambda: usual):
        assert bound.taken_bytes == usual
    with bounded_memory(bound), pytest.raises(MemoryBusyError), memory(lambda: usual + 1):
        pass
    with bounded_memory(bound, 5 * MEGABYTE), memory(lambda: usual + MEGABYTE):
        pass
    # What is held for its own request alone keeps no image waiting.
    with bounded_memory(bound, 40 * MEGABYTE), memory(lambda: 200 * MEGABYTE):
        pass
    assert bound.taken_bytes == 0


def test_an_image_that_needs_more_than_there_is_is_decoded_alone() -> None:
    bound = MemoryBound(1, 0.0)
    with taken_by_another_thread(bound, 50 * MEGABYTE), bounded_memory(bound):
        assert bound.taken_bytes == 50 * MEGABYTE
        with pytest.raises(MemoryBusyError), memory(lambda: 2 * MEGABYTE):
            pass
        # Small ones are not counted.
        with memory(lambda: 1_000):
            assert bound.taken_bytes == 50 * MEGABYTE


def test_an_image_that_needs_more_than_one_may_is_refused_at_once() -> None:
    bound = MemoryBound(50 * MEGABYTE, 60.0, 20 * MEGABYTE)
    with bound.taken(20 * MEGABYTE), bound.taken(20 * MEGABYTE):
        assert bound.taken_bytes == 40 * MEGABYTE
    told = f"{20 * MEGABYTE + 1:,} bytes of memory, more than the {20 * MEGABYTE:,}"
    with pytest.raises(TooManyPixelsError, match=told), bound.taken(20 * MEGABYTE + 1):
        pass
    assert bound.taken_bytes == 0


def test_an_image_waits_until_another_is_decoded() -> None:
    bound, order = MemoryBound(1, 60.0), list[str]()
    waits = threading.Event()

    def second() -> None:
        waits.set()
        with bound.taken(2 * MEGABYTE):
            order.append("second")

    thread = threading.Thread(target=second)
    with bound.taken(2 * MEGABYTE):
        thread.start()
        waits.wait()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_what_waits_for_memory_ends_with_its_time_by_the_clock_on_the_wall() -> None:
    bound, hasty = MemoryBound(1, 60.0), Budget(0.05, wall_clock=lambda: 100.0 * time.monotonic())
    taken = taken_by_another_thread(bound, 2 * MEGABYTE)
    with taken, limited(hasty), pytest.raises(ProcessorBusyError), bound.taken(MEGABYTE):
        pass


@pytest.mark.parametrize(("seconds", "by_the_wall"), [(0.1, 10.0), (5.0, 20.0)])
def test_by_the_clock_on_the_wall_a_moment_is_never_too_long(seconds: float, by_the_wall: float) -> None:
    assert wall_seconds(seconds) == by_the_wall


class Watched(MemoryBound):
    """A bound that notes what is taken of it."""

    def __init__(self) -> None:
        super().__init__(2**30, 0.0)
        self.sizes: list[int] = []

    def taken(self, size: int, wait_seconds: float = 0.0) -> contextlib._GeneratorContextManager[None]:
        self.sizes.append(size)
        return super().taken(size, wait_seconds)


def test_decoding_counts_what_the_header_tells() -> None:
    watched = Watched()
    picture = cv2.imencode(".png", np.full((2_000, 2_000), 255, np.uint8))[1].tobytes()
    opened = open_image(picture)
    told = opened.decoding_bytes()
    with bounded_memory(watched):
        opened.decode()
    assert watched.sizes == [told]


def test_who_waits_for_longer_gets_memory_that_is_given_back_later() -> None:
    shared, taken = MemoryBound(2**24, wait_seconds=0.0), threading.Event()

    def hold() -> None:
        with shared.taken(2**24):
            taken.set()
            time.sleep(0.3)

    other = threading.Thread(target=hold)
    other.start()
    taken.wait()
    with bounded_memory(shared):
        with pytest.raises(MemoryBusyError), memory(lambda: 2**23):
            pass
        with memory(lambda: 2**23, 60.0):
            assert shared.taken_bytes == 2**23
    other.join()


@pytest.mark.parametrize(("side", "read"), [(1200, 1200), (2400, 1600)])
def test_reading_a_page_counts_with_the_size_at_which_it_is_read(side: int, read: int) -> None:
    page = np.full((side, side), 240, np.uint8)
    cv2.line(page, (side // 2, side // 4), (side // 2, side // 2), 20, side // 30)
    watched = Watched()
    with bounded_memory(watched):
        read_picture(Recognizer.load(shipped_model()), cv2.imencode(".png", page)[1].tobytes())
    assert len(watched.sizes) == 2
    assert watched.sizes[1] == pytest.approx(25 * read**2, rel=0.01)
