"""The state of the running application: model, limits, metrics, keys."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from digits.budget import MemoryBound, wall_seconds
from digits.service import logs
from digits.service.batching import MicroBatcher
from digits.service.compute.pool import ComputeProcesses
from digits.service.errors import NotReadyError
from digits.service.limits.concurrency import Buffers, ConcurrencyLimit
from digits.service.limits.queue import ComputeQueue
from digits.service.limits.rate import RateLimiter
from digits.service.limits.refusal import EarlyRefusal
from digits.service.limits.shadow import Shadow
from digits.service.metrics import Metrics
from digits.service.middleware.access import AccessLog
from digits.service.middleware.cors import Cors
from digits.service.middleware.guard import Guard, TrustedHosts
from digits.service.middleware.keys import Keyring
from digits.service.middleware.tracing import Tracing
from digits.service.models import Models
from digits.service.process import signals
from digits.service.process.container import (
    decoding_memory,
    decoding_slots,
    has_room,
    processors,
    workers_here,
)
from digits.service.process.decoders import one_thread_for_each_image, silence_decoders
from digits.service.process.heap import keep_heap_small
from digits.service.process.runtime import Runtime, is_digits_serve
from digits.service.request_context import REQUEST_ID_HEADER
from digits.service.settings import Settings

_log = logging.getLogger("digits")

_LOOK_SECONDS = 5.0
# Memory that decoding and reading the largest image takes; that a worker takes besides, and each compute process.
_IMAGE_BYTES, _WORKER_BYTES, _PROCESS_BYTES = 200 * 1024 * 1024, 180 * 1024 * 1024, 64 * 1024 * 1024
# A batch may take as long as this many single images.
BATCH_TIMES = 10
# By the clock on the wall, a computation ends at its limit or a little later: half as long again means that something
# is wrong.
_STUCK_TIMES = 1.5

# Bodies of no more bytes may be read on the event loop, without a turn.
READ_ON_THE_SPOT_BYTES = 16 * 1024
# Paths to which a single image is sent.
IMAGE_ROUTES = ("/predict/", "/predict", "/read/", "/read")
# Metrics keep a series for each of these paths.
ROUTES = ("/predict/", "/predict/batch/", "/read/", "/model", "/health/live", "/health/ready", "/metrics")


class ServiceState:
    """What all requests share. It is made when the application starts.

    Args:
        settings: the operator's.

    Raises:
        ModelError: there is no usable model.
        SettingError: a setting has a wrong value.
        MissingInstallError: a setting needs a package that is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        keep_heap_small()
        one_thread_for_each_image()
        silence_decoders()
        self.settings = settings
        self.draining = False
        self.runtime = _make_runtime()
        self.metrics = _make_metrics(self.runtime, settings) if settings.metrics else None
        self.models = Models(settings, self.metrics, self.runtime)
        self.batcher = MicroBatcher()
        self.concurrency = ConcurrencyLimit(settings.max_in_flight)
        slots, most, has_processes = _shares(settings)
        memory = MemoryBound(most, settings.queue_seconds, settings.max_image_memory)
        self.processes = ComputeProcesses(memory, _most_processes(slots), is_used=has_processes)
        place = "compute processes" if self.processes.is_used else "threads of the worker"
        _log.info("Images decoded at a time: %d, in %s, in %d MB of memory", slots, place, most // 1_000_000)
        if self.metrics:
            self.metrics.other_memory = self.processes.memory_bytes
        # No more bodies than processors are unpacked at a time: more would take more memory and no less time.
        self.buffers = Buffers(settings.max_buffered_bytes, processors(), memory)
        self.queue = ComputeQueue(slots, settings.queue_seconds, memory)
        # Batches take long: they wait for one another, and no single image waits for them.
        self.batch_queue = ComputeQueue(1, settings.queue_seconds, memory)
        # Pages of other origins and traces need headers and spans that only the whole way adds.
        self.early_refusal = None
        if not settings.cors_origins and settings.traces == "off":
            self.early_refusal = EarlyRefusal(self.queue, self.metrics, IMAGE_ROUTES, READ_ON_THE_SPOT_BYTES)
        self.shadow = None
        if settings.shadow_model and self.metrics:
            self.shadow = Shadow(
                settings.shadow_model,
                settings.limits,
                settings.compute_seconds,
                memory,
                lambda: self.concurrency.taken > 0,
                self.metrics.shadow,
            )
        self._keys = None
        if settings.api_keys or settings.api_keys_file:
            inline = settings.api_keys.get_secret_value() if settings.api_keys else ""
            self._keys = Keyring(inline, settings.api_keys_file)
        self._rate = None
        if settings.rate_limit:
            folder = self.runtime.folder if self.runtime else None
            self._rate = RateLimiter(settings.rate_limit, folder and folder / "rate")
        self._tracing = Tracing(settings.traces) if settings.traces != "off" else None
        if self.metrics:
            self.metrics.readiness(ready=True)

    @property
    def is_stuck(self) -> bool:
        """Whether requests wait and none was answered for much longer than a computation may take."""
        seconds = _STUCK_TIMES * wall_seconds(self.settings.compute_seconds)
        return self.queue.is_stuck(seconds) or self.batch_queue.is_stuck(BATCH_TIMES * seconds)

    def check_live(self) -> None:
        """Checks that requests are answered.

        Raises:
            NotReadyError: the process hangs.
        """
        if self.is_stuck:
            raise NotReadyError(
                "Requests wait, and none was answered for longer than any may take. Restart the process."
            )

    def check_ready(self) -> None:
        """Checks that requests may be sent.

        Raises:
            NotReadyError: the server stops.
        """
        if self.draining:
            raise NotReadyError("The server is about to stop. Send requests elsewhere.")

    @property
    def needs_key(self) -> bool:
        """Whether requests need an API key."""
        return self._keys is not None

    def with_middleware(self, app: ASGIApp) -> ASGIApp:
        """Returns the application inside the middleware that the settings ask for."""
        settings = self.settings
        if self._keys or self._rate:
            app = Guard(app, self._keys, self._rate)
        if settings.cors_origins:
            app = Cors(
                app,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "X-API-Key", REQUEST_ID_HEADER],
                expose_headers=[REQUEST_ID_HEADER, "Retry-After"],
            )
        if settings.trusted_hosts:
            app = TrustedHosts(app, settings.trusted_hosts)
        app = AccessLog(app, self.metrics, lambda: self.draining)
        return self._tracing.around(app) if self._tracing else app

    def drain(self) -> None:
        """Reports "not ready" from now on; requests are still answered."""
        self.draining = True
        if self.metrics:
            self.metrics.readiness(ready=False)

    def close(self) -> None:
        """Closes files and connections, and ends processes."""
        self.processes.close()
        if self.shadow:
            self.shadow.close()
        if self._tracing:
            self._tracing.close()
        if self._rate:
            self._rate.close()
        if self.metrics:
            self.metrics.close()
        if self.runtime:
            self.runtime.close()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[ServiceState]:
    """Holds the state while the application runs, with its log configured and its signals handled."""
    logs.configure(settings)
    state = ServiceState(settings)
    try:
        _log.info("Serving %s", state.models.recognizer.description)
        stop_seconds = settings.shutdown_seconds if is_digits_serve() else None
        with signals.handled(settings.drain_seconds, state.drain, state.models.reload, stop_seconds):
            # The process is announced only now: whoever finds it may send a signal at once.
            state.models.announce()
            async with _looking_after(state):
                yield state
    finally:
        state.close()


@contextlib.asynccontextmanager
async def _looking_after(state: ServiceState) -> AsyncIterator[None]:
    """Records this worker's memory every few seconds, so that any worker can report that of all.

    Also records its state if that could not be written, as on a full disk.
    """

    async def look() -> None:
        while True:
            if state.metrics:
                state.metrics.measure_memory()
            state.models.announce_again()
            await asyncio.sleep(_LOOK_SECONDS)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()


class ConfiguredMiddleware:
    """ASGI middleware: adds the middleware that the settings ask for, once the application has started.

    Args:
        app: the application, which gets requests unchanged before the start.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._state: ServiceState | None = None
        self._wrapped = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on through the middleware."""
        state = getattr(scope["app"].state, "service", None)
        if state is not self._state:
            self._state, self._wrapped = state, self.app if state is None else state.with_middleware(self.app)
        await self._wrapped(scope, receive, send)


def state_of(request: Request) -> ServiceState:
    """Returns the state of the application that a request reached.

    Raises:
        NotReadyError: the application has not started.
    """
    state: ServiceState | None = getattr(request.app.state, "service", None)
    if state is None:
        raise NotReadyError("The model is not loaded. Try again in a moment.")
    return state


def _most_processes(slots: int) -> int:
    """Returns how many compute processes a worker has at the most.

    A batch has one of them for long. It is never the only one, so that single images do not wait for the batch.

    Args:
        slots: images decoded at a time.
    """
    return max(2, slots)


def _shares(settings: Settings) -> tuple[int, int, bool]:
    """Returns how many images a worker decodes at a time, in how much memory, and whether in compute processes.

    More images at a time than processors take more memory and no less time.
    """
    # Bodies may take so much without leaving images less.
    each, kept, workers = _IMAGE_BYTES, _WORKER_BYTES + Buffers.FREE, workers_here()
    has_processes = settings.compute_processes and has_room(kept + each + _PROCESS_BYTES, workers)
    slots = decoding_slots(each + (_PROCESS_BYTES if has_processes else 0), kept, workers)
    taken = kept + (_most_processes(slots) * _PROCESS_BYTES if has_processes else 0)
    return slots, settings.max_decoding_bytes or decoding_memory(slots, taken, workers), has_processes


def _make_metrics(runtime: Runtime | None, settings: Settings) -> Metrics | None:
    try:
        return Metrics(runtime, ROUTES, has_shadow=settings.shadow_model is not None)
    except OSError as error:
        _log.error("This worker keeps no metrics: the folder for them has no space (%s). Free some and restart.", error)
        return None


def _make_runtime() -> Runtime | None:
    try:
        return Runtime()
    except OSError as error:
        _log.warning(
            "No folder for what the workers share (%s): digits reload does not find this server, and with several "
            "workers each counts for itself. Name a folder in XDG_RUNTIME_DIR.",
            error,
        )
        return None
