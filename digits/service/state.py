"""What the application holds while it runs: the model, the bounds, the watchers."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator

import anyio
from fastapi import Request
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from digits.service import logs
from digits.service.batching import MicroBatcher
from digits.service.errors import NotReadyError
from digits.service.limits.concurrency import Buffers, ConcurrencyLimit
from digits.service.limits.rate import RateLimiter
from digits.service.metrics import Metrics
from digits.service.middleware.access import AccessLog
from digits.service.middleware.guard import Guard, TrustedHosts
from digits.service.middleware.keys import Keyring
from digits.service.middleware.tracing import Tracing
from digits.service.models import Models
from digits.service.process import signals
from digits.service.process.heap import keep_heap_small
from digits.service.process.runtime import Runtime
from digits.service.request_context import REQUEST_ID_HEADER
from digits.service.settings import Settings

_log = logging.getLogger("digits")

_MEMORY_SECONDS = 5.0

# The paths that the metrics tell apart.
ROUTES = ("/predict/", "/predict/batch/", "/read/", "/model", "/health/live", "/health/ready", "/metrics")


class Service:
    """Everything that requests have in common, made when the application starts.

    Args:
        settings: what the operator chose.

    Raises:
        ModelError: there is no usable model.
        SettingError: a setting has a wrong value.
        MissingInstallError: a setting needs what is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        keep_heap_small()
        self.settings = settings
        self.draining = False
        self.runtime = _make_runtime()
        self.metrics = Metrics(self.runtime, ROUTES) if settings.metrics else None
        self.models = Models(settings, self.metrics, self.runtime)
        self.batcher = MicroBatcher()
        self.places = ConcurrencyLimit(settings.max_in_flight)
        self.buffers = Buffers(settings.max_buffered_bytes)
        # Images beyond the cores' number wait: more at a time would only take more memory. Batches, which take long,
        # wait for one another, apart from them.
        self.slots = anyio.CapacityLimiter(os.cpu_count() or 1)
        self.batch_slot = anyio.CapacityLimiter(1)
        if settings.max_buffered_bytes < settings.max_bytes:
            _log.warning(
                "DIGITS_MAX_BUFFERED_BYTES (%d) is less than one image may have (DIGITS_MAX_BYTES, %d): larger images "
                "are answered with 503 however often they are sent",
                settings.max_buffered_bytes,
                settings.max_bytes,
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
    def needs_key(self) -> bool:
        """Whether requests need an API key."""
        return self._keys is not None

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application with the layers that the settings ask for."""
        settings = self.settings
        if self._keys or self._rate:
            app = Guard(app, self._keys, self._rate)
        if settings.cors_origins:
            app = CORSMiddleware(
                app,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "X-API-Key", REQUEST_ID_HEADER],
                expose_headers=[REQUEST_ID_HEADER, "Retry-After"],
            )
        if settings.trusted_hosts:
            app = TrustedHosts(app, settings.trusted_hosts)
        app = AccessLog(app, self)
        return self._tracing.around(app) if self._tracing else app

    def drain(self) -> None:
        """Takes no part in the balancing of load any more; requests that come all the same are answered."""
        self.draining = True
        if self.metrics:
            self.metrics.readiness(ready=False)

    def close(self) -> None:
        """Lets go of everything."""
        if self._tracing:
            self._tracing.close()
        if self._rate:
            self._rate.close()
        if self.metrics:
            self.metrics.close()
        if self.runtime:
            self.runtime.close()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """A service from its start to its end, with its log set up and its signals handled."""
    logs.configure(settings)
    service = Service(settings)
    try:
        _log.info("Serving %s", service.models.recognizer.description)
        with signals.handled(settings.drain_seconds, service.drain, service.models.reload):
            # From now on a signal is heeded, and whoever looks for a worker may send one.
            service.models.tell()
            async with _measuring(service.metrics):
                yield service
    finally:
        service.close()


@contextlib.asynccontextmanager
async def _measuring(metrics: Metrics | None) -> AsyncIterator[None]:
    """Notes how much memory this worker takes, again and again: whichever worker is asked knows it of all."""

    async def measure(metrics: Metrics) -> None:
        while True:
            metrics.measure_memory()
            await asyncio.sleep(_MEMORY_SECONDS)

    task = asyncio.create_task(measure(metrics)) if metrics else None
    try:
        yield
    finally:
        if task:
            task.cancel()


class Layers:
    """ASGI middleware: puts the layers around the application that its service asks for once it has started.

    Args:
        app: the application; it is handed requests as they come until then.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._service: Service | None = None
        self._layered = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on through the layers."""
        service = getattr(scope["app"].state, "service", None)
        if service is not self._service:
            self._service, self._layered = service, self.app if service is None else service.around(self.app)
        await self._layered(scope, receive, send)


def service_of(request: Request) -> Service:
    """The service behind a request.

    Raises:
        NotReadyError: it has not started.
    """
    service: Service | None = getattr(request.app.state, "service", None)
    if service is None:
        raise NotReadyError("The model is not loaded. Try again in a moment.")
    return service


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
