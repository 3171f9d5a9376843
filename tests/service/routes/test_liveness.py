"""Health that tells the truth while the service computes."""

import asyncio

import httpx
import numpy as np
import pytest

from digits.budget import work
from digits.service.app import create_app
from digits.service.settings import Settings
from tests.pictures import encode


def test_live_fails_while_nothing_is_answered_for_longer_than_any_request_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # By the clock on the wall an image has ten seconds at the least, and no picture takes as long in one call.
    monkeypatch.setattr(work, "_LEAST_WALL_SECONDS", 0.0)
    # Decoding it takes some ten times as long as the bound of liveness, in one call that nothing can end.
    pixels = np.full((6000, 6000), 255, np.uint8)
    pixels[2000:4000, 2900:3100] = 0
    large = encode(pixels, "TIFF", compression="tiff_lzw")
    settings = Settings(compute_seconds=0.001, max_pixels=50_000_000, compute_processes=False)
    app, statuses = create_app(settings), set[int]()

    async def ask() -> None:
        api = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://digits", timeout=120)
        async with app.router.lifespan_context(app), api:
            assert (await api.get("/health/live")).status_code == 200
            picture = asyncio.ensure_future(api.post("/predict/", files={"file": large}))
            while not picture.done():
                statuses.add((await api.get("/health/live")).status_code)
                await asyncio.sleep(0.001)
            assert (await picture).status_code == 413
            assert (await api.get("/health/live")).status_code == 200

    asyncio.run(ask())
    assert 503 in statuses
