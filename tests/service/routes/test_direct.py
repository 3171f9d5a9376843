import asyncio
import errno
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import numpy.typing as npt
import pytest
from fastapi import FastAPI
from starlette.types import Message

from benchmarks.hostile.pdf_files import many_pages
from digits.errors import ComputationStoppedError, ProcessStartError
from digits.recognizer import shipped_model
from digits.service.app import create_app
from digits.service.problems import MEDIA_TYPE
from digits.service.routes import inference, recognition
from digits.service.schemas import BatchResponse
from digits.service.settings import Settings
from digits.service.state import state_of
from digits.vision.views.table import GLANCE
from tests.conftest import encode_png
from tests.processes import open_no_more, start_no_more

Ask = Callable[[httpx.AsyncClient], Coroutine[Any, Any, httpx.Response]]


def application() -> FastAPI:
    return create_app(Settings(model=shipped_model()))


async def ask_of(served: FastAPI, ask: Ask) -> httpx.Response:
    transport = httpx.ASGITransport(app=served, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://digits") as client:
        return await ask(client)


def answer(app: FastAPI, ask: Ask, served: FastAPI | None = None) -> httpx.Response:
    """The answer of an application that has started; `served` is what it is a part of."""

    async def run() -> httpx.Response:
        async with app.router.lifespan_context(app):
            return await ask_of(served or app, ask)

    return asyncio.run(run())


@pytest.mark.parametrize("path", ["/predict/", "/predict", "/predict/batch/", "/predict/batch"])
def test_mounted_under_another_path_it_answers_as_at_the_root(sample: Path, path: str) -> None:
    app, outer = application(), FastAPI()
    outer.mount("/digits", app)
    field = "files" if "batch" in path else "file"

    def post(prefix: str) -> Ask:
        return lambda client: client.post(prefix + path, files={field: sample.read_bytes()})

    mounted, plain = answer(app, post("/digits"), outer), answer(app, post(""))
    assert mounted.status_code == plain.status_code == 200
    found = [a.json()["results"][0]["prediction"] if "batch" in path else a.json() for a in (mounted, plain)]
    assert {(a["predicted_digit"], a["confidence"]) for a in found} == {(7, found[0]["confidence"])}


@pytest.mark.parametrize("prefix", ["", "/digits"])
@pytest.mark.parametrize("path", ["/predict/", "/predict/batch/", "/read/"])
def test_a_bad_request_gets_the_same_problem_mounted_or_not(prefix: str, path: str) -> None:
    app, outer = application(), FastAPI()
    outer.mount("/digits", app)
    headers = {"content-type": "text/csv"}
    response = answer(
        app, lambda client: client.post(prefix + path, content=b"7", headers=headers), outer if prefix else app
    )
    assert response.status_code == 415
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["type"] == "urn:digits:problem:unsupported-media-type"


@pytest.mark.parametrize("path", ["/predict/", "/predict", "/predict/batch/", "/predict/batch", "/read/", "/read"])
def test_other_methods_are_not_allowed_and_told_which_one_is(path: str) -> None:
    response = answer(application(), lambda client: client.get(path))
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize("path", ["/predict/", "/predict/batch/", "/read/"])
def test_before_the_model_is_loaded_nothing_is_predicted(path: str, sample: Path) -> None:
    files = {"file": sample.read_bytes(), "files": sample.read_bytes()}
    response = asyncio.run(ask_of(application(), lambda client: client.post(path, files=files)))
    assert response.status_code == 503
    assert response.json()["type"] == "urn:digits:problem:not-ready"


def test_a_fault_of_the_server_is_a_problem_that_tells_nothing_of_it(sample: Path) -> None:
    app = application()

    async def fail(client: httpx.AsyncClient) -> httpx.Response:
        app.state.service.concurrency = None
        return await client.post("/predict/batch/", files={"files": sample.read_bytes()})

    response = answer(app, fail)
    assert response.status_code == 500
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["type"] == "about:blank"
    assert "NoneType" not in response.text


def test_a_client_that_goes_away_while_it_sends_is_no_fault_of_the_server() -> None:
    app = application()
    sent: list[Message] = []
    received: list[Message] = [
        {"type": "http.request", "body": b"half of an im", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict/",
        "raw_path": b"/predict/",
        "query_string": b"",
        "headers": [(b"content-type", b"image/png")],
    }

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        async with app.router.lifespan_context(app):
            await app(scope, receive, send)

    asyncio.run(run())
    assert sent[0]["status"] == 400


def test_a_canvas_is_read_at_a_glance_and_a_doubtful_one_whole() -> None:
    app = application()
    canvas, small, blank = (np.full((280, 280, 4), 255, np.uint8) for _ in range(3))
    cv2.line(canvas, (150, 40), (130, 240), (0, 0, 0, 255), 20)
    cv2.line(small, (150, 120), (145, 160), (0, 0, 0, 255), 5)

    def predict(picture: npt.NDArray[np.uint8]) -> dict[str, Any]:
        content = encode_png(picture)
        response = answer(
            app, lambda client: client.post("/predict/", content=content, headers={"Content-Type": "image/png"})
        )
        body: dict[str, Any] = response.json()
        return body

    seen = predict(canvas)
    assert (seen["predicted_digit"], seen["accepted"], seen["view"]) == (1, True, GLANCE)
    assert predict(small)["view"] != GLANCE
    assert predict(blank)["status"] == 422


@pytest.mark.parametrize("path", ["/predict/batch/", "/model", "/metrics"])
def test_without_a_file_to_open_the_answer_is_to_come_again(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more_files(_request: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    app = application()

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        # Of the direct routes and of FastAPI's.
        monkeypatch.setattr(recognition, "state_of", no_more_files)
        app.dependency_overrides[state_of] = lambda: no_more_files(None)
        return await client.request("POST" if "batch" in path else "GET", path)

    response = answer(app, ask)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["type"] == "urn:digits:problem:overloaded"


@pytest.mark.parametrize("lack", [start_no_more, open_no_more])
def test_a_file_of_a_batch_for_which_no_process_can_be_started_alone_has_the_problem(
    lack: Callable[[pytest.MonkeyPatch], None], sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, pdf = create_app(Settings(model=shipped_model(), compute_processes=False)), many_pages(1)
    files = [("files", (f"{i}", file)) for i, file in enumerate((sample.read_bytes(), pdf, sample.read_bytes()))]

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        lack(monkeypatch)
        return await client.post("/predict/batch/", files=files)

    response = answer(app, ask)
    assert response.status_code == 200
    first, lacking, last = BatchResponse.model_validate(response.json(), strict=True).results
    assert [result.prediction and result.prediction.predicted_digit for result in (first, last)] == [7, 7]
    assert lacking.prediction is None
    assert lacking.problem is not None
    assert (lacking.problem.type, lacking.problem.status) == ("urn:digits:problem:overloaded", 503)
    assert lacking.problem.detail.endswith("Try again in a moment.")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ProcessStartError("No process."), 503, "start no more processes"),
        (RuntimeError("can't start new thread"), 503, "start no more threads"),
        (OSError(errno.EMFILE, "Too many open files"), 503, "open no more files"),
        # Nobody gets the answer.
        (ComputationStoppedError("Nobody waits."), 400, None),
    ],
)
def test_what_lacks_for_a_moment_has_the_form_of_the_inference_protocol(
    error: Exception, status: int, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_request: object) -> None:
        raise error

    app = application()

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        monkeypatch.setattr(inference, "state_of", fail)
        return await client.post("/v2/models/digits/infer", json={})

    response = answer(app, ask)
    assert response.status_code == status
    if said:
        assert response.headers["retry-after"] == "1"
        assert list(response.json()) == ["error"]
        assert said in response.json()["error"]
    else:
        assert response.content == b""
