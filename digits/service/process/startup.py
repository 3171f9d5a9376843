"""Reports a failed start in one line."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digits.errors import DigitsError


class StartupErrors:
    """ASGI middleware: reports a `DigitsError` during start-up by its message alone.

    Starlette would give the server the whole traceback, in which the operator has to find the line that says what to
    do. Any other exception is a bug and keeps its traceback.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on, except the traceback of a start that failed for a known reason."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        failure: Message | None = None

        async def hold_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
            else:
                await send(message)

        try:
            await self.app(scope, receive, hold_failure)
        except DigitsError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        except BaseException:
            if failure:
                await send(failure)
            raise
