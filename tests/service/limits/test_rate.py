import multiprocessing
from pathlib import Path

import pytest

from digits.service.errors import RateLimitedError
from digits.service.limits.rate import RateLimiter


def allowed(limiter: RateLimiter, client: str, attempts: int) -> int:
    count = 0
    for _ in range(attempts):
        try:
            limiter.check(client)
            count += 1
        except RateLimitedError:
            pass
    return count


def count_in_a_process(file: Path, results: "multiprocessing.Queue[int]") -> None:
    results.put(allowed(RateLimiter("20/day", file), "till", 15))


def test_a_client_may_use_its_allowance_and_then_has_to_wait(tmp_path: Path) -> None:
    limiter = RateLimiter("3/minute", tmp_path / "rate")
    assert allowed(limiter, "till", 10) == 3
    with pytest.raises(RateLimitedError, match="More than 3 requests a minute") as caught:
        limiter.check("till")
    assert 19 <= caught.value.retry_after <= 20
    assert allowed(limiter, "phone", 10) == 3
    limiter.close()


def test_the_allowance_comes_back_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("digits.service.limits.rate.time.monotonic", lambda: now)
    limiter = RateLimiter("6/minute", tmp_path / "rate")
    assert allowed(limiter, "till", 10) == 6
    now += 10.0
    assert allowed(limiter, "till", 10) == 1
    now += 3600.0
    assert allowed(limiter, "till", 10) == 6
    # As after a restart of the machine, whose clock then begins anew.
    now = 5.0
    assert allowed(limiter, "till", 10) == 6
    limiter.close()


def test_processes_count_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=count_in_a_process, args=(tmp_path / "rate", results)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert sum(results.get() for _ in processes) == 20


def test_any_number_of_clients_take_no_more_room(tmp_path: Path) -> None:
    limiter = RateLimiter("5/hour", tmp_path / "rate")
    before = (tmp_path / "rate").stat().st_size
    for client in range(100_000):
        limiter.check(str(client))
    assert (tmp_path / "rate").stat().st_size == before
    assert allowed(limiter, "99999", 10) == 4
    limiter.close()
