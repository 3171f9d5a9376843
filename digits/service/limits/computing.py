"""Computations in threads, which end when their time is over or when their client has left."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio.to_thread
from starlette.requests import Request

from digits.budget import Budget, bounded_memory, limited
from digits.errors import DigitsError, MemoryBusyError, ProcessorBusyError
from digits.service.errors import BuffersFullError, ServerBusyError
from digits.service.limits.queue import ComputeQueue
from digits.service.process.heap import HeapTrimmer

# Of the process, as the heap is.
_TRIMMER = HeapTrimmer()

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Failure:
    """What a computation in a thread has raised.

    If it were raised there, the future that brings it here and its traceback would hold each other, and with them the
    body of the request, until garbage is collected.
    """

    error: Exception


async def compute(
    function: Callable[[], Result], request: Request, budget: Budget, queue: ComputeQueue, held_bytes: int = 0
) -> Result:
    """Calls a function in a thread, within a budget.

    Args:
        function: reads one image or several.
        request: request whose body has been read; when its client leaves, the computation ends.
        budget: time that the function may take once it is its turn. It is started in the thread.
        queue: gives the computation its turn.
        held_bytes: bytes that its body holds; its own images do not wait for them.

    Raises:
        OverloadedError: it would have to wait for too long.
        BuffersFullError: the images that are decoded leave too little memory for another one.
        ComputeTimeError: the processor time is over.
        ServerBusyError: the time is over because others take the processor.
        ComputationStoppedError: the client has left.
    """

    def within_budget() -> Result | _Failure:
        try:
            with limited(budget), bounded_memory(queue.memory, held_bytes):
                budget.check()
                return function()
        except Exception as error:  # noqa: BLE001 - it is raised below
            return _Failure(error.with_traceback(None) if isinstance(error, DigitsError) else error)
        finally:
            _TRIMMER.trim()

    watch = asyncio.ensure_future(_stop_when_client_leaves(request, budget))
    try:
        async with queue.turn():
            outcome = await anyio.to_thread.run_sync(within_budget, limiter=queue.threads)
            if not isinstance(outcome, _Failure):
                return outcome
            try:
                raise outcome.error
            finally:
                # Its traceback holds this frame: a circle, which would keep the body until garbage is collected.
                del outcome
    except MemoryBusyError as error:
        raise BuffersFullError(str(error)) from error
    except ProcessorBusyError as error:
        raise ServerBusyError(str(error)) from error
    finally:
        watch.cancel()


async def _stop_when_client_leaves(request: Request, budget: Budget) -> None:
    try:
        # After the body there is no other message.
        while (await request.receive())["type"] != "http.disconnect":
            pass
    finally:
        # Nobody waits for the answer any more, also when the server stops and has waited for long enough: the process
        # cannot end while a thread computes.
        budget.stop()
