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
from digits.service.responses import blank_response, error_response
from digits.service.settings import Settings, read_settings
from digits.service.state import ServiceState

# Variables that Ray reads when it starts, on every node; deploy/ray.env sets the same in a shell.
ENVIRONMENT: Mapping[str, str] = {
    # No usage reports to the makers of Ray.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Turns Ray's own error answers into problem details.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "digits.cluster:middleware",
    # HAProxy passes requests directly to replicas, several times as fast as Ray's proxy. If a replica dies, it sends
    # the request to another one: reading a digit twice does no harm.
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response",
}

# The longest that a request may take, in seconds, where the environment of the nodes does not name another.
REQUEST_SECONDS = 60.0
_REQUEST_SECONDS_NAME = "CLUSTER_REQUEST_SECONDS"
# With these headers a client could set a limit of its own, or none, and have its request go on after it has left.
_RAYS_HEADERS = frozenset({b"x-request-timeout-seconds", b"x-request-disconnect-disabled"})


def environment() -> dict[str, str]:
    """Returns `ENVIRONMENT` for this system: the package with HAProxy exists for Linux alone."""
    linux = sys.platform == "linux"
    return {name: value for name, value in ENVIRONMENT.items() if linux or name != "RAY_SERVE_ENABLE_HA_PROXY"}


class Digits:
    """A replica: a copy of the whole API, which starts and stops with it.

    Args:
        settings: of the API.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._api: FastAPI | None = None

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Returns the application; Ray calls this once, in the replica's own process."""
        self._api = create_app(self._settings)
        return self._api

    async def check_health(self) -> None:
        """Reads a picture. If that fails, Ray replaces this replica.

        Raises:
            NotReadyError: no model is loaded.
        """
        state: ServiceState | None = getattr(self._api and self._api.state, "service", None)
        if state is None:
            raise NotReadyError("The model is not loaded.")
        state.models.recognizer.warm_up()


def app(arguments: Mapping[str, str]) -> Application:
    """Returns the application that `serve run cluster:app` runs.

    Args:
        arguments: settings by name, such as `model`; they take precedence over the environment.

    Raises:
        SettingError: a setting has a wrong value.
    """
    settings = read_settings(arguments)
    for name, value in environment().items():
        # For a cluster that `serve run` starts; a running cluster has its own environment.
        os.environ.setdefault(name, value)
    deployment = serve.deployment(
        ray_actor_options={"num_cpus": 1},
        autoscaling_config=AutoscalingConfig(min_replicas=1, max_replicas=8, target_ongoing_requests=8),
        # One core answers no more at a time. Further requests wait in the queue; beyond it they are refused.
        max_ongoing_requests=64,
        max_queued_requests=256,
        backpressure_config=BackpressureConfig(status_code=503, retry_after_s=1),
        # A model that cannot be used stays unusable, however often it is loaded.
        max_constructor_retry_count=3,
        health_check_period_s=2,
        health_check_timeout_s=10,
        graceful_shutdown_wait_loop_s=1,
        graceful_shutdown_timeout_s=35,
        logging_config={"enable_access_log": settings.access_log},
    )(serve.ingress()(Digits))
    return deployment.bind(settings)


def middleware() -> list[Middleware]:
    """Returns the middleware that Ray puts around every application.

    Raises:
        SettingError: the longest time of a request is not a number above 0.
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
    """ASGI middleware: turns the plain-text errors of Ray into problem details.

    Ray answers by itself when its queue is full, the time of a request is over, a replica died, or no application has
    the path. The API's own problems pass unchanged: they already have their media type.

    Ray reads the longest time of a request from one of its headers. This middleware replaces what the client sent.

    Args:
        app: Ray's application.
        seconds: longest time of a request.
    """

    def __init__(self, app: ASGIApp, seconds: float = REQUEST_SECONDS) -> None:
        self.app = app
        self._limit = (b"x-request-timeout-seconds", str(seconds).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, and replaces the answer if it is Ray's."""
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
                    # The request's id is there twice: the API and Ray both add it.
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
        # The application answers its own faults itself: a replica died, or none runs.
        return error_response(NotReadyError("The replica that had this request is gone. Try again in a moment."))
    return blank_response(status, text)
