import time

import pytest

from digits import budget
from digits.budget import Budget, limited
from digits.errors import ComputationStoppedError, ComputeTimeError


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
    shared = Budget(0.05, total_seconds=0.12)
    with limited(shared):
        for _ in range(2):
            time.sleep(0.04)
            budget.check()
            shared.start()
        time.sleep(0.06)
        with pytest.raises(ComputeTimeError):
            budget.check()
        shared.start()
        with pytest.raises(ComputeTimeError):
            budget.check()
