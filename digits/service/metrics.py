"""Metrics in Prometheus' format."""

import os
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from digits.numbers.reading import Reading
from digits.recognizer import Prediction, Recognizer
from digits.service.process.heap import resident_bytes
from digits.service.process.reserved import reserve_metrics, trim_metrics
from digits.service.process.runtime import Runtime
from digits.service.schemas import Outcome

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BYTES = (256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864)
_CONFIDENCES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)

# Clients can invent other paths and methods without end; they share one series.
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS"})
OTHER = "other"


# What a shadow model would have answered to a picture: the same, another digit, the same digit that is accepted by one
# model alone, or nothing. It may have had no time for it, or failed.
ShadowOutcome = Literal["same", "other_digit", "other_acceptance", "not_read", "skipped", "failed"]


class Metrics:
    """The metrics of this process, or of all workers of its server.

    Each of several workers writes its numbers into the server's folder, and any of them can add them all up.

    Args:
        runtime: the server's folder; if None, a worker reports itself alone.
        routes: the paths that get series of their own.
        has_shadow: whether there is a shadow model.

    Attributes:
        other_memory: returns the memory of processes that work for this one, in bytes.

    Raises:
        OSError: the folder has no space for them.
    """

    other_memory: Callable[[], int] = staticmethod(lambda: 0)

    def __init__(self, runtime: Runtime | None, routes: Iterable[str], *, has_shadow: bool = False) -> None:
        self._runtime = runtime
        shared = runtime is not None and runtime.has_siblings
        if runtime is not None and shared:
            reserve_metrics(runtime.metrics_folder, os.getpid())
            # The client reads this variable once, when it is first imported.
            os.environ.setdefault(_MULTIPROCESS, str(runtime.metrics_folder))
        import prometheus_client as prometheus
        from prometheus_client import multiprocess

        self._client, self._multiprocess = prometheus, multiprocess
        self._is_shared = _MULTIPROCESS in os.environ
        self._registry = registry = prometheus.CollectorRegistry()
        if not self._is_shared:
            prometheus.ProcessCollector(registry=registry)
            prometheus.PlatformCollector(registry=registry)
        self._routes = frozenset(routes)
        counter = partial(prometheus.Counter, registry=registry)
        histogram = partial(prometheus.Histogram, registry=registry)
        gauge = partial(prometheus.Gauge, registry=registry, multiprocess_mode="livesum")
        self._requests = counter("digits_requests", "Requests that were answered.", ["method", "route", "status"])
        self._seconds = histogram(
            "digits_request_duration_seconds",
            "From the head of a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
        )
        self._sizes = histogram("digits_request_size_bytes", "Bodies that came in.", ["route"], buckets=_BYTES)
        self._predictions = counter("digits_predictions", "Digits that were read.", ["digit", "accepted"])
        self._confidence = histogram("digits_confidence", "Of the digits that were read.", buckets=_CONFIDENCES)
        self._readings = counter("digits_readings", "Images that were read as numbers.")
        self._read_digits = counter(
            "digits_read_digits",
            "Digits that were read in numbers, and signs that were not accepted.",
            ["digit", "accepted"],
        )
        self._problems = counter("digits_problems", "Problems that were answered.", ["type"])
        self.in_flight = gauge("digits_requests_in_flight", "Requests that are being answered.")
        self._workers = gauge("digits_workers", "Worker processes that live.")
        self._ready = gauge("digits_workers_ready", "Workers that can answer.")
        self._model = gauge(
            "digits_model_info",
            "Workers that use a model; 0 once it was replaced.",
            ["name", "recipe", "digest", "precision"],
        )
        self._reloads = counter("digits_model_reloads", "Reloads of the model.", ["outcome"])
        self._reload_failed = gauge(
            "digits_model_reload_failed",
            "Workers whose last reload failed: they use a model that is not in the file any more.",
        )
        self._shadow = counter(
            "digits_shadow_pictures",
            "Pictures that the shadow model saw after they were answered, by what it would have answered.",
            ["outcome"],
        )
        self._deaths = counter("digits_worker_deaths", "Workers that were killed, or crashed.")
        self._memory = gauge("digits_resident_memory_bytes", "Memory of all workers, and of their compute processes.")
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram, str]] = {}
        self._problem_children: dict[str, Counter] = {}
        self._digits = {
            (digit, accepted): self._predictions.labels(str(digit), str(accepted).lower())
            for digit in range(10)
            for accepted in (True, False)
        }
        # A series that begins at 0 shows its first event as a rise.
        for shadow_outcome in get_args(ShadowOutcome) if has_shadow else ():
            self._shadow.labels(shadow_outcome)
        for outcome in get_args(Outcome):
            self._reloads.labels(outcome)
        self._workers.set(1)

    def request(self, method: str, path: str, status: int, seconds: float, size: int | None) -> None:
        """Counts an answered request.

        Args:
            method: HTTP method.
            path: path of the request, which may not exist.
            status: HTTP status code.
            seconds: time from the head of the request to the end of the answer.
            size: bytes of its body; None if nobody read it.
        """
        key = (method, path, status)
        children = self._children.get(key)
        if children is None:
            # A path with and without its final slash is one route. Series of unknown paths are not cached.
            known = next((spelling for spelling in (path, path + "/") if spelling in self._routes), None)
            route = known or OTHER
            children = (
                self._requests.labels(method if method in _METHODS else OTHER, route, str(status)),
                self._seconds.labels(route),
                route,
            )
            if known and method in _METHODS:
                self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)
        if size is not None:
            self._sizes.labels(children[2]).observe(size)

    def prediction(self, prediction: Prediction) -> None:
        """Counts a digit that was read."""
        self._digits[prediction.digit, prediction.accepted].inc()
        self._confidence.observe(prediction.confidence)

    def reading(self, reading: Reading) -> None:
        """Counts a number that was read, and its digits."""
        self._readings.inc()
        for (digit, accepted), count in Counts((digit.digit, digit.accepted) for digit in reading.digits).items():
            self._read_digits.labels(str(digit), str(accepted).lower()).inc(count)

    def shadow(self, outcome: ShadowOutcome) -> None:
        """Counts a picture for the shadow model."""
        self._shadow.labels(outcome).inc()

    def problem(self, name: str) -> None:
        """Counts a problem under the last part of its type."""
        child = self._problem_children.get(name)
        if child is None:
            child = self._problem_children[name] = self._problems.labels(name)
        child.inc()

    def readiness(self, *, ready: bool) -> None:
        """Records whether this worker can answer."""
        self._ready.set(int(ready))

    def model(self, recognizer: Recognizer, before: Recognizer | None = None) -> None:
        """Records which model is used, and which was used before."""
        if before is not None:
            self._labels(before, 0)
        self._labels(recognizer, 1)

    def _labels(self, recognizer: Recognizer, value: int) -> None:
        labels = recognizer.name, recognizer.card.recipe, recognizer.digest[:12], recognizer.precision
        self._model.labels(*labels).set(value)

    def reload(self, outcome: Outcome) -> None:
        """Counts a reload of the model."""
        self._reloads.labels(outcome).inc()
        self._reload_failed.set(int(outcome == "failed"))

    def measure_memory(self) -> None:
        """Records how much memory this process takes, with what others take for it."""
        self._memory.set(resident_bytes() + self.other_memory())

    def render(self) -> tuple[bytes, str]:
        """Returns all metrics as text, and the media type of the text."""
        self.measure_memory()
        registry = self._registry
        if self._is_shared:
            for pid in self._dead_workers():
                self._multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
                self._deaths.inc()
            registry = self._client.CollectorRegistry()
            self._multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return self._client.generate_latest(registry), self._client.CONTENT_TYPE_LATEST

    def _dead_workers(self) -> list[int]:
        if self._runtime is None:
            return []
        dead = self._runtime.dead_workers()
        for pid in dead:
            trim_metrics(self._runtime.metrics_folder, pid)
        return dead

    def close(self) -> None:
        """Takes this worker out of the sums over workers."""
        if self._is_shared:
            self._multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
