"""The service in operation: what is seen of it, and how it changes its model and leaves."""

import io
import json
import os
import re
import shutil
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from digits.model.engine import has_int8_instructions
from digits.recognizer import shipped_model
from digits.service.process.runtime import running
from tests.cli.test_reload import reload
from tests.conftest import ROOT, Server, serve
from tests.model_files import with_card

SEVEN = (ROOT / "digits" / "samples" / "7_stylus.png").read_bytes()


def post(url: str, data: bytes = SEVEN, request_id: str | None = None) -> httpx.Response:
    headers = {} if request_id is None else {"X-Request-ID": request_id}
    return httpx.post(url + "/predict/", files={"file": data}, headers=headers)


def values(url: str) -> dict[str, float]:
    """The metrics by name and labels."""
    lines = httpx.get(url + "/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def workers_of(folder: Path) -> set[int]:
    return {pid for workers in running(folder / "digits").values() for pid in workers}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server of two workers that logs JSON, and the model file that it serves, of its own."""
    folder = tmp_path_factory.mktemp("pair")
    model = folder / "model.keras"
    shutil.copy(shipped_model(), model)
    settings = {"DIGITS_MODEL": str(model), "DIGITS_PRECISION": "float32", "DIGITS_LOG_FORMAT": "json"}
    server = serve(folder, "--workers", "2", **settings)
    try:
        yield server, model
    finally:
        server.stop()


def test_the_precision_that_answers_is_in_the_model_and_the_metrics(tmp_path: Path) -> None:
    server = serve(tmp_path)
    try:
        model = httpx.get(server.url + "/model").json()
        assert post(server.url).json()["predicted_digit"] == 7
        (labels,) = [name for name in values(server.url) if name.startswith("digits_model_info")]
    finally:
        server.stop()
    expected = "int8" if has_int8_instructions() else "float32"
    assert model["precision"] == expected
    assert f'precision="{expected}"' in labels
    assert model["notes"] == []
    form = model["card"]["int8"] if expected == "int8" else model["card"]["metrics"]
    assert model["test_accuracy"] == form["test"]["accuracy"]


def records(server: Server) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.output().splitlines()]


def logged(server: Server, count: int, **facts: object) -> list[dict[str, object]]:
    """The records with these facts, once there are so many: they are written after the answer was sent."""
    deadline = time.monotonic() + 20.0
    while True:
        found = [one for one in records(server) if facts.items() <= one.items()]
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


@pytest.mark.parametrize("given", ["abc-123", "550e8400-e29b-41d4-a716-446655440000", "a.b:c_d"])
def test_a_requests_id_is_taken_and_is_in_answer_problem_and_log(pair: tuple[Server, Path], given: str) -> None:
    server = pair[0]
    assert post(server.url, request_id=given).headers["x-request-id"] == given
    answer = post(server.url, b"only text", request_id=given)
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given
    both = logged(server, 2, request_id=given)
    assert sorted(str(one["status"]) for one in both) == ["200", "415"]
    (refused,) = (one for one in both if one["status"] == 415)
    assert refused["problem"] == "unsupported-format"
    assert refused["level"] == "info"
    assert isinstance(refused["size"], int)


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", "<script>"])
def test_an_id_that_could_forge_a_line_is_replaced(pair: tuple[Server, Path], given: str) -> None:
    made = post(pair[0].url, request_id=given).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", made)


def test_what_a_decoder_says_of_a_damaged_file_is_not_in_the_log(pair: tuple[Server, Path]) -> None:
    server = pair[0]
    plain = io.BytesIO()
    Image.open(io.BytesIO(SEVEN)).convert("L").save(plain, "TIFF")
    file = bytearray(plain.getvalue())
    # The directory once more, at the end, with a text that lies outside the file.
    (place,) = struct.unpack_from("<I", file, 4)
    (count,) = struct.unpack_from("<H", file, place)
    entries = file[place + 2 : place + 2 + 12 * count] + struct.pack("<HHII", 50_000, 2, 1_000, 10_000_000)
    struct.pack_into("<I", file, 4, len(file))
    file += struct.pack("<H", count + 1) + entries + bytes(4)
    with pytest.warns(UserWarning, match="Truncated"):
        Image.open(io.BytesIO(file)).load()
    assert post(server.url, bytes(file)).json()["predicted_digit"] == 7
    assert "Truncated" not in server.output()


def test_the_first_line_of_a_json_log_tells_the_settings(pair: tuple[Server, Path]) -> None:
    first = records(pair[0])[0]
    assert first["message"] == "Digits starts"
    assert first["workers"] == 2
    settings = first["settings"]
    assert isinstance(settings, dict)
    assert settings["DIGITS_MODEL"] == str(pair[1])


def test_every_line_of_the_log_is_json_whatever_is_asked_for(pair: tuple[Server, Path]) -> None:
    server = pair[0]
    httpx.get(server.url + "/no%0awhere%22/ü")
    (line,) = logged(server, 1, status=404)
    assert line["path"] == "/no%0awhere%22/%C3%BC"


def test_browsers_are_told_what_an_answer_is_and_is_not(pair: tuple[Server, Path]) -> None:
    answer = post(pair[0].url).headers
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["content-security-policy"].startswith("default-src 'none'")
    assert answer["cache-control"] == "no-store"
    assert "server" not in answer
    docs = httpx.get(pair[0].url + "/docs").headers["content-security-policy"]
    assert "'sha256-" in docs
    assert "unsafe-inline" not in docs.split("style-src")[0]


def test_metrics_add_up_over_the_workers(pair: tuple[Server, Path]) -> None:
    url = pair[0].url
    before = values(url)
    for _ in range(20):
        post(url)
    for _ in range(10):
        post(url, b"only text")
    httpx.get(url + "/somewhere")
    # What a request was is counted after its answer was sent.
    deadline, last = time.monotonic() + 20.0, 'digits_requests_total{method="GET",route="other",status="404"}'
    while (after := values(url)).get(last, 0.0) == before.get(last, 0.0):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert grown('digits_requests_total{method="POST",route="/predict/",status="200"}') == 20
    assert grown('digits_requests_total{method="POST",route="/predict/",status="415"}') == 10
    assert grown('digits_request_duration_seconds_count{route="/predict/"}') == 30
    assert grown('digits_request_size_bytes_count{route="/predict/"}') == 30
    assert grown('digits_predictions_total{accepted="true",digit="7"}') == 20
    assert grown("digits_confidence_count") == 20
    assert grown('digits_problems_total{type="unsupported-format"}') == 10
    assert grown('digits_requests_total{method="GET",route="other",status="404"}') == 1
    assert after["digits_workers"] == after["digits_workers_ready"] == 2
    assert after["digits_requests_in_flight"] == 1  # The one that asks.
    assert after["digits_resident_memory_bytes"] > 100e6


def test_a_new_model_is_taken_and_a_bad_one_is_not(pair: tuple[Server, Path], tmp_path: Path) -> None:
    server, model = pair
    old = httpx.get(server.url + "/model").json()
    shutil.move(with_card(tmp_path, temperature=3.0), model)
    done = reload(model.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": replaced. ") == 2
    assert f"server {server.process.pid} ({server.url}, started in {model.parent})" in done.stdout
    new = httpx.get(server.url + "/model").json()
    assert new["digest"] != old["digest"]
    assert new["previous"]["digest"] == old["digest"]
    assert new["last_reload"]["outcome"] == "replaced"
    assert new["card"]["temperature"] == 3.0
    assert new["notes"] == []
    confidence = post(server.url).json()["confidence"]
    model.write_bytes(b"nonsense")
    done = reload(model.parent)
    assert done.returncode == 1
    assert done.stdout.count(": failed. ") == 2
    assert "cannot be used" in done.stdout
    kept = httpx.get(server.url + "/model").json()
    assert (kept["digest"], kept["last_reload"]["outcome"]) == (new["digest"], "failed")
    assert post(server.url).json()["confidence"] == confidence
    counted = values(server.url)
    assert counted['digits_model_reloads_total{outcome="replaced"}'] == 2
    assert counted['digits_model_reloads_total{outcome="failed"}'] == 2
    using = {name: value for name, value in counted.items() if name.startswith("digits_model_info")}
    assert sorted(using.values()) == [0, 2]
    assert any("Reload failed" in str(one["message"]) and one["level"] == "error" for one in records(server))
    model.write_bytes(shipped_model().read_bytes())


def test_a_worker_that_is_killed_is_replaced_and_its_counts_stay(pair: tuple[Server, Path]) -> None:
    server, model = pair
    for _ in range(8):
        post(server.url)
    name = 'digits_predictions_total{accepted="true",digit="7"}'
    before = values(server.url)[name]
    # Even while the file cannot be used: the new worker takes the model of the others.
    model.write_bytes(b"nonsense")
    victim = min(workers_of(model.parent))
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 30.0
    now: dict[str, float] = {}
    while now.get("digits_workers_ready") != 2 or victim in workers_of(model.parent):
        assert time.monotonic() < deadline
        time.sleep(0.1)
        # A connection may have been the dead worker's.
        try:
            now = values(server.url)
        except httpx.TransportError:
            now = {}
    assert now[name] == before
    assert any("takes the model that the others use" in str(one["message"]) for one in records(server))
    for _ in range(8):
        assert post(server.url).json()["predicted_digit"] == 7


def test_before_it_stops_a_server_is_not_ready_and_still_answers(tmp_path: Path) -> None:
    server = serve(tmp_path, DIGITS_DRAIN_SECONDS="2")
    with httpx.Client() as client:
        assert "connection" not in client.get(server.url + "/health/ready").headers
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        ready = client.get(server.url + "/health/ready")
        assert ready.status_code == 503
        assert ready.json()["type"] == "urn:digits:problem:not-ready"
        assert ready.headers["connection"] == "close"
        assert client.get(server.url + "/health/live").status_code == 200
        assert post(server.url).json()["predicted_digit"] == 7
    assert server.process.wait(15) == 0
    assert time.monotonic() - start >= 2.0
    assert not any((tmp_path / "digits").iterdir())


def test_a_request_that_was_accepted_is_answered_before_the_end(tmp_path: Path) -> None:
    server = serve(tmp_path)
    body = b'--X\r\nContent-Disposition: form-data; name="file"; filename="7"\r\n\r\n' + SEVEN + b"\r\n--X--\r\n"

    def slowly() -> Iterator[bytes]:
        yield body[:100]
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        yield body[100:]

    headers = {"content-type": "multipart/form-data; boundary=X"}
    assert httpx.post(server.url + "/predict/", content=slowly(), headers=headers).json()["predicted_digit"] == 7
    assert server.process.wait(15) == 0


def test_traces_are_printed_if_asked_for_and_of_requests_alone(tmp_path: Path) -> None:
    server = serve(tmp_path, DIGITS_TRACES="console", DIGITS_ACCESS_LOG="false")
    post(server.url)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(15) == 0
    assert '"name": "POST /predict/"' in server.output()
    assert "/health/ready" not in server.output()


def test_a_format_that_is_not_allowed_is_refused_whatever_its_name(tmp_path: Path) -> None:
    server = serve(tmp_path, DIGITS_FORMATS="JPEG,GIF")
    try:
        refused = httpx.post(server.url + "/predict/", files={"file": ("7.jpg", SEVEN, "image/jpeg")})
    finally:
        server.stop()
    assert refused.status_code == 415
    assert "Use a JPEG or GIF file" in refused.json()["detail"]
