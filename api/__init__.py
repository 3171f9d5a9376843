"""The HTTP API: `fastapi dev api` while developing, `fastapi run api` in production."""

from digits.service.app import create_app

app = create_app()
