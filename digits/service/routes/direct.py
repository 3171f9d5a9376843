"""Routes that skip FastAPI's own dispatch."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from digits.errors import ComputationStoppedError, DigitsError
from digits.service.errors import as_unavailable
from digits.service.request_context import route_path
from digits.service.responses import client_gone_response, error_response

Endpoint = Callable[[Request], Awaitable[Response]]


class DirectRoutes:
    """ASGI middleware: passes some POST requests to their endpoints directly.

    FastAPI matches a request with one route after the other and sets up exit stacks for dependencies, which these
    endpoints do not have; that takes longer than reading a digit. The endpoints are FastAPI routes as well, for the
    documentation and for other methods.

    Args:
        app: gets all other requests.
        endpoints: endpoints by path.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Endpoint]) -> None:
        self.app = app
        self.endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request, or passes it on."""
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        endpoint = self.endpoints.get(route_path(scope)) if is_post else None
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        try:
            response = await endpoint(Request(scope, receive))
        except (ClientDisconnect, ComputationStoppedError):
            response = client_gone_response()
        except (DigitsError, OSError, RuntimeError, ImportError) as error:
            response = error_response(as_unavailable(error) or error)
        await response(scope, receive, send)
