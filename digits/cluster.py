"""The API on a Ray cluster: serve run cluster:app

`serve deploy serve.yaml` puts it on a cluster that runs already. docs/cluster.md says more.
"""

import math
import os
import sys
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig, BackpressureConfig
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digits.errors import SettingError
from digits.service.app import create_app
from digits.service.errors import NotReadyError, OverloadedError
from digits.service.problems import blank_response, error_response
from digits.service.settings import Settings, read_settings
from digits.service.state import Service

# What Ray is to be told before it starts, on every node; deploy/ray.env says the same to a shell.
ENVIRONMENT: Mapping[str, str] = {
    # It would report its use to its makers.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray's own answers become problem details, too.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "digits.cluster:middleware",
    # HAProxy hands requests straight to replicas, several times as fast as Ray's proxy, and again to another one if a
    # replica dies over them: reading a digit twice does no harm.
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response",
}

# The longest that a request may take, in seconds, where the environment of the nodes does not name another.
REQUEST_SECONDS = 60.0
_REQUEST_SECONDS_NAME = "CLUSTER_REQUEST_SECONDS"
# With these a client could set its own, or none, and go on being served when it has gone.
_RAYS_HEADERS = frozenset({b"x-request-timeout-seconds", b"x-request-disconnect-disabled"})


def environment() -> dict[str, str]:
    """The same for this system: the package with HAProxy is for Linux alone."""
    linux = sys.platform == "linux"
    return {name: value for name, value in ENVIRONMENT.items() if linux or name != "RAY_SERVE_ENABLE_HA_PROXY"}


class Digits:
    """A replica: a copy of the whole API, whose life starts and ends with the replica's.

    Args:
        settings: as for an API that runs alone.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._api: FastAPI | None = None

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Ray asks for the application once, in the replica's own process."""
        self._api = create_app(self._settings)
        return self._api

    async def check_health(self) -> None:
        """Reads a picture; where that fails, Ray puts another replica in this one's place.

        Raises:
            NotReadyError: no model is loaded.
        """
        service: Service | None = getattr(self._api and self._api.state, "service", None)
        if service is None:
            raise NotReadyError("The model is not loaded.")
        service.models.recognizer.warm_up()


def app(arguments: Mapping[str, str]) -> Application:
    """What `serve run cluster:app` runs.

    Args:
        arguments: settings by name, such as `model`, before those of the environment.

    Raises:
        SettingError: a setting has a wrong value.
    """
    settings = read_settings(arguments)
    for name, value in environment().items():
        # For the cluster that `serve run` starts where none runs; one that runs has its own.
        os.environ.setdefault(name, value)
    deployment = serve.deployment(
        ray_actor_options={"num_cpus": 1},
        autoscaling_config=AutoscalingConfig(min_replicas=1, max_replicas=8, target_ongoing_requests=8),
        # A core answers no more at a time; who comes then waits, and beyond the queue is told to come again.
        max_ongoing_requests=64,
        max_queued_requests=256,
        backpressure_config=BackpressureConfig(status_code=503, retry_after_s=1),
        # A model that cannot be used does not become usable by trying.
        max_constructor_retry_count=3,
        health_check_period_s=2,
        health_check_timeout_s=10,
        graceful_shutdown_wait_loop_s=1,
        graceful_shutdown_timeout_s=35,
        logging_config={"enable_access_log": settings.access_log},
    )(serve.ingress()(Digits))
    return deployment.bind(settings)


def middleware() -> list[Middleware]:
    """What Ray puts around every application that it serves.

    Raises:
        SettingError: the longest time of a request is no number above 0.
    """
    text = os.environ.get(_REQUEST_SECONDS_NAME, "") or REQUEST_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise SettingError(f"{_REQUEST_SECONDS_NAME} is {text!r}; it must be a number of seconds above 0.")
    return [Middleware(RayAnswers, seconds=seconds)]


class RayAnswers:
    """ASGI middleware: what Ray answers by itself, in plain text, becomes problem details.

    Those are a full queue, a time that is over, a replica that died, and paths of no application. The API's own
    problems are none of them: they have their media type already.

    Ray takes the longest time of a request from a header of it; this one's is the only one that it sees.

    Args:
        app: Ray's.
        seconds: the longest that a request may take.
    """

    def __init__(self, app: ASGIApp, seconds: float = REQUEST_SECONDS) -> None:
        self.app = app
        self._limit = (b"x-request-timeout-seconds", str(seconds).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, and replaces the answer if it is Ray's."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kept = [header for header in scope["headers"] if header[0].lower() not in _RAYS_HEADERS]
        scope = {**scope, "headers": [*kept, self._limit]}
        status, text = 0, b""

        async def send_on(message: Message) -> None:
            nonlocal status, text
            if message["type"] == "http.response.start" and _is_rays(message):
                status = message["status"]
            elif not status:
                if message["type"] == "http.response.start":
                    # The request's id is in it twice: the API's, and Ray's.
                    message["headers"] = list(dict.fromkeys(map(tuple, message.get("headers", ()))))
                await send(message)
            else:
                text += message.get("body", b"")
                if not message.get("more_body"):
                    await _problem(status, text.decode(errors="replace"))(scope, receive, send)

        await self.app(scope, receive, send_on)


def _is_rays(message: Message) -> bool:
    kinds = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
    return message["status"] >= 400 and bool(kinds) and kinds[0].startswith(b"text/plain")


def _problem(status: int, text: str) -> Any:
    if status in (429, 503) and "backpressure" in text:
        return error_response(OverloadedError("More requests wait than the cluster takes. Try again in a moment."))
    if status in (500, 503):
        # The application answers its own faults itself: here a replica died, or none runs.
        return error_response(NotReadyError("The replica that had this request is gone. Try again in a moment."))
    return blank_response(status, text)
