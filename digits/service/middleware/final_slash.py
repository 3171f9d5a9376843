"""A path with a final slash is the same as without."""

from collections.abc import Container

from starlette.types import ASGIApp, Receive, Scope, Send

from digits.service.request_context import route_path


class FinalSlash:
    """ASGI middleware: takes the final slash off a path, as people and some HTTP clients add it.

    A redirect would take another request, which some clients do not send, or send without their key.

    Args:
        app: gets the requests.
        kept: paths that have a final slash themselves.
    """

    def __init__(self, app: ASGIApp, kept: Container[str]) -> None:
        self.app = app
        self.kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] == "http" and scope["path"].endswith("/"):
            path = route_path(scope)
            if path != "/" and path not in self.kept:
                scope = {**scope, "path": scope["path"][:-1]}
        await self.app(scope, receive, send)
