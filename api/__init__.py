"""The HTTP API: `fastapi dev api` while developing, `fastapi run api` in production."""

from api.main import create_app

app = create_app()
