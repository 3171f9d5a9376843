"""The shortest way from the server to an endpoint."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from digits.errors import DigitsError
from digits.service.problems import client_gone_response, error_response
from digits.service.request_context import route_path

Endpoint = Callable[[Request], Awaitable[Response]]


class DirectRoutes:
    """ASGI middleware: hands some POST requests to their endpoints at once.

    On FastAPI's own way a request passes the exit stacks of dependencies that these endpoints do not have, and every
    route before theirs, which takes longer than reading a digit. The same endpoints are FastAPI routes as well: for
    the documentation and for other methods.

    Args:
        app: takes all other requests.
        endpoints: by path.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Endpoint]) -> None:
        self.app = app
        self.endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or hands on."""
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        endpoint = self.endpoints.get(route_path(scope)) if is_post else None
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        try:
            response = await endpoint(Request(scope, receive))
        except DigitsError as error:
            response = error_response(error)
        except ClientDisconnect:
            response = client_gone_response()
        await response(scope, receive, send)
