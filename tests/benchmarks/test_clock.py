"""A short run of `python -m benchmarks.faults.clock`."""

import pytest

from benchmarks.faults.clock import failures, library


@pytest.mark.skipif(library() is None, reason="libfaketime is not installed")
def test_a_clock_that_jumps_locks_nobody_out() -> None:
    assert failures(3) == []
