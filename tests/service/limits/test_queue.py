"""The queue is short: who would wait for too long is refused at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from digits.service.errors import OverloadedError
from digits.service.limits.queue import ComputeQueue


def run(act: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await act()

    asyncio.run(main())


async def compute(queue: ComputeQueue, seconds: float, done: list[float] | None = None) -> None:
    async with queue.turn():
        await asyncio.sleep(seconds)
        if done is not None:
            done.append(seconds)


def test_no_more_are_computed_at_a_time_than_there_are_slots() -> None:
    now, most = 0, 0

    async def one(queue: ComputeQueue) -> None:
        nonlocal now, most
        async with queue.turn():
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1

    async def act() -> None:
        queue = ComputeQueue(3, 60.0)
        await asyncio.gather(*(one(queue) for _ in range(20)))
        assert queue.expected_wait == 0.0

    run(act)
    assert (now, most) == (0, 3)


def test_they_come_to_their_turn_in_the_order_in_which_they_came() -> None:
    order: list[int] = []

    async def one(queue: ComputeQueue, number: int) -> None:
        async with queue.turn():
            order.append(number)
            await asyncio.sleep(0)

    async def act() -> None:
        queue = ComputeQueue(1, 60.0)
        await asyncio.gather(*(one(queue, number) for number in range(10)))

    run(act)
    assert order == list(range(10))


def test_beyond_the_wait_that_is_allowed_a_refusal_comes_at_once() -> None:
    async def act() -> None:
        queue, done = ComputeQueue(1, 0.05), list[float]()
        for _ in range(30):
            await compute(queue, 0.02)
        waiting = [asyncio.ensure_future(compute(queue, 0.02, done)) for _ in range(9)]
        await asyncio.sleep(0)
        start = time.monotonic()
        with pytest.raises(OverloadedError, match="Try again"):
            await compute(queue, 0.02)
        assert time.monotonic() - start < 0.02
        await asyncio.gather(*waiting)
        assert len(done) == 9

    run(act)


def test_a_burst_may_always_wait() -> None:
    async def act() -> None:
        queue, done = ComputeQueue(1, 0.001), list[float]()
        await compute(queue, 0.05)
        await asyncio.gather(*(compute(queue, 0.01, done) for _ in range(9)))
        assert len(done) == 9

    run(act)


def test_who_leaves_while_waiting_leaves_its_turn_to_the_next() -> None:
    async def act() -> None:
        queue, done = ComputeQueue(1, 60.0), list[float]()
        tasks = [asyncio.ensure_future(compute(queue, 0.01, done)) for _ in range(6)]
        await asyncio.sleep(0)
        for task in tasks[1:4]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(done) == 3
        await asyncio.wait_for(compute(queue, 0.0), 5.0)

    run(act)


def test_a_turn_handed_to_somebody_who_leaves_in_that_moment_is_not_lost() -> None:
    async def act() -> None:
        queue = ComputeQueue(1, 60.0)
        first = asyncio.ensure_future(compute(queue, 0.01))
        second = asyncio.ensure_future(compute(queue, 60.0))
        await first
        # The slot is the second one's, which has not run yet.
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        await asyncio.wait_for(compute(queue, 0.0), 5.0)

    run(act)


def test_a_queue_is_stuck_when_nothing_has_ended_for_too_long() -> None:
    async def act() -> None:
        queue = ComputeQueue(1, 60.0)
        assert not queue.is_stuck(0.0)
        hung = asyncio.ensure_future(compute(queue, 60.0))
        await asyncio.sleep(0.1)
        assert queue.is_stuck(0.05)
        assert not queue.is_stuck(30.0)
        hung.cancel()
        await asyncio.gather(hung, return_exceptions=True)
        assert not queue.is_stuck(0.0)

    run(act)


def test_whoever_leaves_in_the_moment_in_which_a_slot_becomes_free_is_cancelled_and_no_more() -> None:
    async def act() -> None:
        queue = ComputeQueue(1, 60.0)
        holder = asyncio.create_task(compute(queue, 0.05))
        await asyncio.sleep(0)
        waiter = asyncio.create_task(compute(queue, 0.0))
        await asyncio.sleep(0.01)
        waiter.cancel()
        await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await waiter
        await holder
        await compute(queue, 0.0)

    run(act)


def test_a_turn_that_was_passed_over_when_its_client_left_is_no_fault() -> None:
    async def act() -> None:
        queue = ComputeQueue(1, 60.0)
        async with queue.turn():
            waiter = asyncio.create_task(compute(queue, 0.0))
            await asyncio.sleep(0.01)
            queue._waiting[0].cancel()
            queue._waiting.clear()
            with pytest.raises(asyncio.CancelledError):
                await waiter

    run(act)


def test_images_that_were_let_in_count_before_their_bodies_are_there() -> None:
    async def act() -> None:
        queue = ComputeQueue(1, 0.001)
        await compute(queue, 0.01)
        tasks = [asyncio.create_task(compute(queue, 60.0))]
        await asyncio.sleep(0)
        let_in = 0
        while not queue.is_full:
            queue.expect()
            let_in += 1
        # All that were let in get their turn, and no other does.
        tasks += [asyncio.create_task(compute(queue, 60.0)) for _ in range(let_in)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        with pytest.raises(OverloadedError):
            await compute(queue, 0.0)
        for task in tasks:
            task.cancel()

    run(act)


def test_whoever_never_sends_the_body_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act() -> None:
        queue = ComputeQueue(1, 0.001)
        await compute(queue, 0.01)
        task = asyncio.create_task(compute(queue, 60.0))
        await asyncio.sleep(0)
        while not queue.is_full:
            queue.expect()
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 1.0)
        assert not queue.is_full
        monkeypatch.undo()
        task.cancel()

    run(act)
