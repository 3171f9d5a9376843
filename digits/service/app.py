"""The application: how it starts and stops, and what it is made of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from digits import __version__
from digits.service import responses
from digits.service.middleware.final_slash import FinalSlash
from digits.service.process.startup import StartupErrors
from digits.service.routes import documentation, inference, operation, recognition
from digits.service.routes.direct import DirectRoutes
from digits.service.settings import Settings, read_settings
from digits.service.state import ConfiguredMiddleware, running


def create_app(settings: Settings | None = None) -> FastAPI:
    """Returns the application. It reads and loads nothing before it starts.

    Args:
        settings: the operator's; if None, read from the environment at start-up.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings or read_settings()) as state:
            app.state.service = state
            try:
                yield
            finally:
                app.state.service = None

    # Swagger UI is served from the installation: /docs works on a closed network.
    app: FastAPI = FastAPIOffline(
        title="Digits",
        version=__version__,
        description="Recognizes handwritten digits. Errors are problem details (RFC 9457) with a stable `type`.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[
            {"name": "recognition", "description": "Images in, digits out."},
            {"name": "operation", "description": "For those who run the service."},
            {"name": inference.TAG, "description": "Normalized images in, probabilities out, for platforms."},
        ],
    )
    responses.install(app)
    app.add_middleware(DirectRoutes, endpoints=recognition.ENDPOINTS)
    app.add_middleware(ConfiguredMiddleware)
    # Around all that looks at the path.
    app.add_middleware(FinalSlash, kept=recognition.ENDPOINTS)
    app.add_middleware(StartupErrors)
    recognition.install(app)
    operation.install(app)
    inference.install(app)
    documentation.install(app)
    return app
