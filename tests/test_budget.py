import time

import pytest

from benchmarks.hostile.costly_pictures import COSTLY, PAGE_SIDE
from digits import budget
from digits.budget import Budget, bounded_work, limited
from digits.errors import ComputationStoppedError, ComputeTimeError, CrowdedImageError
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model


def test_without_a_budget_a_check_lets_everything_pass() -> None:
    budget.check()


def test_when_the_time_is_over_the_next_check_says_what_to_do() -> None:
    with limited(Budget(0.02)):
        budget.check()
        time.sleep(0.03)
        with pytest.raises(ComputeTimeError, match=r"more than the 0\.02 seconds allowed\. Crop it"):
            budget.check()


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


def test_work_beyond_its_bound_is_refused_and_the_bound_ends_with_its_block() -> None:
    with bounded_work(10):
        budget.spend(6)
        budget.spend(4)
        with pytest.raises(CrowdedImageError, match="Crop it"):
            budget.spend(1)
    budget.spend(10**12)


@pytest.mark.parametrize("name", ["chevrons", "diagonals", "rings", "squares"])
def test_a_page_of_strokes_that_each_reach_over_all_of_it_is_refused_soon(name: str) -> None:
    recognizer = Recognizer.load(shipped_model())
    page = COSTLY[name](PAGE_SIDE)
    start = time.thread_time()
    with pytest.raises(CrowdedImageError):
        read_picture(recognizer, page)
    # Without a bound these take from 11 to 200 seconds.
    assert time.thread_time() - start < 6.0
