import io
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel

from benchmarks.hostile.crowded_pages import CROWDED
from digits.answers import PredictionResponse
from digits.data.mnist import Mnist
from digits.images.limits import ImageLimits
from digits.model.calibration import apply_temperature
from digits.service.problems import MEDIA_TYPE, PROBLEMS
from digits.service.schemas import BatchResponse
from digits.vision.views.table import FIRST
from tests.conftest import ROOT, SAMPLES, encode_png, start_api
from tests.model_files import with_card
from tests.pictures import side_by_side
from tests.test_second_look import shaded

PREDICT, BATCH, READ = "/predict/", "/predict/batch/", "/read/"


def post(api: str, data: bytes, path: str = PREDICT) -> httpx.Response:
    return httpx.post(api + path, files={"file": ("digit.png", data, "image/png")})


@pytest.fixture(scope="module")
def openapi(api: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(api + "/openapi.json").json()
    return answer


@pytest.mark.parametrize("path", ["/predict/", "/predict"])
def test_an_image_is_answered_with_the_contract_with_and_without_the_slash(api: str, sample: Path, path: str) -> None:
    response = post(api, sample.read_bytes(), path)
    assert response.status_code == 200
    answer = response.json()
    assert list(answer) == [
        "predicted_digit",
        "confidence",
        "accepted",
        "reason",
        "probabilities",
        "view",
        "prediction_time_ms",
    ]
    assert answer["predicted_digit"] == 7
    assert answer["accepted"] is True
    assert answer["reason"] is None
    assert answer["confidence"] == max(answer["probabilities"]) == answer["probabilities"][7]
    assert len(answer["probabilities"]) == 10
    assert sum(answer["probabilities"]) == pytest.approx(1.0, abs=1e-5)
    assert answer["prediction_time_ms"] > 0


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_each_sample_is_read(api: str, file: Path) -> None:
    assert post(api, file.read_bytes()).json()["predicted_digit"] == int(file.stem[0])


def test_an_answer_that_is_not_accepted_is_given_with_its_reason(tmp_path: Path, sample: Path) -> None:
    # No network is as sure as this.
    model = with_card(tmp_path, thresholds={"confidence": 1.0, "digit": 0.0})
    (tmp_path / "api").symlink_to(ROOT / "api")
    server = start_api(tmp_path, DIGITS_MODEL=model.name, DIGITS_PRECISION="float32")
    try:
        server.wait_until("/health/ready")
        response = post(server.url, sample.read_bytes())
    finally:
        server.stop()
    assert response.status_code == 200
    answer = response.json()
    assert (answer["predicted_digit"], answer["accepted"], answer["reason"]) == (7, False, "low_confidence")


def truncated(sample: Path) -> bytes:
    data = sample.read_bytes()
    return data[: len(data) // 2]


def pages(count: int) -> bytes:
    """A TIFF document of so many pages."""
    file, page = io.BytesIO(), Image.new("1", (20, 20))
    page.save(file, "TIFF", save_all=True, append_images=[page] * (count - 1))
    return file.getvalue()


A_FORM = {"content-type": "multipart/form-data; boundary=X"}

# Every problem that a request can cause: how to cause it.
CAUSES: dict[str, Callable[[str, Path], httpx.Response]] = {
    "malformed-form": lambda api, _: httpx.post(
        api + PREDICT, content=b"abc", headers={"content-type": "multipart/form-data"}
    ),
    "malformed-body": lambda api, _: httpx.post(api + PREDICT, json={"image": "no base64!"}),
    "malformed-strokes": lambda api, _: httpx.post(api + PREDICT, json={"strokes": [{"x": [1, 2, 3], "y": [1, 2]}]}),
    "image-too-large": lambda api, _: post(api, bytes(ImageLimits.max_bytes + 1)),
    "too-many-pixels": lambda api, _: post(api, encode_png(np.zeros((8000, 8000), bool))),
    "too-many-frames": lambda api, _: post(api, pages(ImageLimits.max_frames + 1)),
    "batch-too-large": lambda api, _: httpx.post(api + BATCH, content=bytes(110_000_000), headers=A_FORM),
    "unsupported-format": lambda api, _: post(api, b"only text"),
    "unsupported-media-type": lambda api, _: httpx.post(
        api + PREDICT, content=b"7.png", headers={"content-type": "text/plain"}
    ),
    "too-many-files": lambda api, _: httpx.post(api + BATCH, files=[("files", b"x")] * 101),
    "missing-file": lambda api, _: httpx.post(api + PREDICT, files={"image": b"x"}),
    "empty-file": lambda api, _: post(api, b""),
    "broken-image": lambda api, sample: post(api, truncated(sample)),
    "no-ink": lambda api, _: post(api, encode_png(np.full((60, 60), 255, np.uint8))),
    "several-digits": lambda api, _: post(api, encode_png(side_by_side("5_marker", "2_blue_pen"))),
    "crowded-image": lambda api, _: post(api, CROWDED["bars"](), READ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_bad_request_gets_the_documented_problem(api: str, sample: Path, openapi: dict[str, Any], name: str) -> None:
    response = CAUSES[name](api, sample)
    problem = next(problem for problem in PROBLEMS.values() if problem.name == name)
    assert response.status_code == problem.status
    assert 400 <= problem.status < 500
    assert response.headers["content-type"] == MEDIA_TYPE
    answer = response.json()
    assert answer["type"] == f"urn:digits:problem:{name}"
    assert answer["title"] == problem.title
    assert answer["status"] == problem.status
    # The documented example is what is really said, but for the figures in it.
    blank = re.compile(r"\(.*\)|\d[\d,]*|'[^']*'")
    assert blank.sub("_", answer["detail"]) == blank.sub("_", problem.example)
    schemas = openapi["components"]["schemas"]
    jsonschema.validate(answer, schemas["ProblemDetails"])


@pytest.mark.parametrize("path", [PREDICT, BATCH])
def test_an_answer_is_what_its_schema_says(api: str, sample: Path, openapi: dict[str, Any], path: str) -> None:
    # The routes make their answers themselves, so that nothing else checks them.
    content = openapi["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]
    model: type[BaseModel] = PredictionResponse if path == PREDICT else BatchResponse
    assert content["schema"] == {"$ref": f"#/components/schemas/{model.__name__}"}
    for data in (sample.read_bytes(), encode_png(np.eye(60, dtype=np.uint8) * 255)):
        answer = httpx.post(api + path, files={"file": data, "files": data}).json()
        jsonschema.validate(answer, content["schema"] | {"components": openapi["components"]})
        assert model.model_validate(answer, strict=True).model_dump(exclude_unset=True) == answer


def test_optional_fields_are_empty_in_the_form_of_the_documentation(openapi: dict[str, Any]) -> None:
    for path, optional in ((PREDICT, {"page"}), ("/read/", {"page", "expect"})):
        call = openapi["paths"][path]["post"]
        form = call["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
        assert {name for name in form if name != "file"} == optional
        for described in (*(form[name] for name in optional), *(given["schema"] for given in call["parameters"])):
            assert not {"example", "examples", "default"} & described.keys()


def test_each_problem_is_documented_with_an_example_and_tested_here(openapi: dict[str, Any]) -> None:
    documented = {
        path: {
            example: body["content"][MEDIA_TYPE]["examples"][example]["value"]["status"] == int(status)
            for status, body in openapi["paths"][path]["post"]["responses"].items()
            if status != "200"
            for example in body["content"][MEDIA_TYPE]["examples"]
        }
        for path in (PREDICT, BATCH, READ)
    }
    everywhere = documented[PREDICT] | documented[BATCH] | documented[READ]
    assert everywhere == {problem.name: True for problem in PROBLEMS.values()}
    assert documented[PREDICT].keys() ^ documented[READ].keys() == {
        *("several-digits", "crowded-image", "bad-pattern", "unexpected-number", "too-many-pages")
    }
    assert documented[PREDICT].keys() ^ documented[BATCH].keys() == {
        *("too-many-files", "batch-too-large", "image-too-large", "too-many-pixels", "too-many-frames"),
        *("compute-time-exceeded", "unsupported-format", "empty-file", "broken-image", "no-ink", "several-digits"),
        *("no-such-page", "encrypted-file", "malformed-strokes"),
    }
    # What the service's state or settings cause, and files of pages, is tested where these can be made: test_direct.py,
    # test_read.py, test_pages.py, test_pdf.py, limits/test_computing.py, limits/test_concurrency.py and
    # middleware/test_guard.py.
    elsewhere = {
        *("not-ready", "overloaded", "body-too-slow", "buffers-full", "compute-time-exceeded", "processor-busy"),
        *("no-such-page", "too-many-pages", "encrypted-file"),
        *("unauthorized", "rate-limited", "untrusted-host", "bad-pattern", "unexpected-number"),
    }
    assert set(CAUSES) == {problem.name for problem in PROBLEMS.values()} - elsewhere


def test_the_documented_answer_has_the_form_of_a_real_one(api: str, sample: Path, openapi: dict[str, Any]) -> None:
    example = openapi["paths"][PREDICT]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    PredictionResponse.model_validate(example)
    assert list(example) == list(post(api, sample.read_bytes()).json())
    assert sum(example["probabilities"]) == pytest.approx(1.0, abs=1e-5)
    assert example["confidence"] == example["probabilities"][example["predicted_digit"]]


def test_photos_in_flight_do_not_hold_up_the_health_check(api: str) -> None:
    photo = encode_png(np.random.default_rng(0).integers(0, 255, (2000, 2500), dtype=np.uint8), compress_level=1)
    with ThreadPoolExecutor(16) as clients:
        photos = [clients.submit(httpx.post, api + PREDICT, files={"file": photo}, timeout=120) for _ in range(16)]
        time.sleep(0.5)
        start = time.monotonic()
        assert httpx.get(api + "/health/ready").status_code == 200
        waited = time.monotonic() - start
        answers = [photo.result().status_code for photo in photos]
    # Who would have to wait for too long is refused.
    assert set(answers) <= {200, 422, 503}
    assert waited < 2.0


def test_a_file_built_to_keep_a_decoder_busy_does_not_hold_up_the_health_check(api: str) -> None:
    # A JPEG of empty segments, which takes a decoder seconds before it comes to any pixel.
    data = b"\xff\xd8" + b"\xff\xe9\x00\x02" * 4_000_000
    with ThreadPoolExecutor(1) as client:
        file = client.submit(httpx.post, api + PREDICT, files={"file": data}, timeout=120)
        longest = 0.0
        while not file.done():
            start = time.monotonic()
            assert httpx.get(api + "/health/live", timeout=60).status_code == 200
            longest = max(longest, time.monotonic() - start)
            time.sleep(0.02)
        assert file.result().status_code == 422
    assert longest < 2.0


def test_a_body_over_the_limit_is_refused_while_it_comes_in(api: str) -> None:
    response = post(api, bytes(22 * 1024 * 1024))
    assert response.status_code == 413
    assert response.json()["type"] == "urn:digits:problem:image-too-large"


def test_unknown_paths_and_methods_are_problems_too(api: str) -> None:
    for response, status in ((httpx.get(api + "/nowhere"), 404), (httpx.get(api + PREDICT), 405)):
        assert response.status_code == status
        assert response.headers["content-type"] == MEDIA_TYPE
        assert response.json()["type"] == "about:blank"


@pytest.mark.parametrize("path", [PREDICT, READ])
def test_each_way_to_send_an_image_is_documented(openapi: dict[str, Any], path: str) -> None:
    content = openapi["paths"][path]["post"]["requestBody"]["content"]
    files = {"multipart/form-data", "image/*", "application/pdf", "application/octet-stream"}
    assert set(content) == files | {"application/json"}
    form = content["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    for schema in (form["properties"]["file"], content["image/*"]["schema"]):
        assert (schema["type"], schema["format"]) == ("string", "binary")


def test_the_form_of_a_batch_is_documented(openapi: dict[str, Any]) -> None:
    content = openapi["paths"][BATCH]["post"]["requestBody"]["content"]
    assert set(content) == {"multipart/form-data"}
    form = content["multipart/form-data"]["schema"]
    assert form["required"] == ["files"]
    assert form["properties"]["files"]["type"] == "array"
    assert form["properties"]["files"]["items"]["format"] == "binary"


def test_each_operation_is_documented_once_under_a_name_of_its_own(openapi: dict[str, Any]) -> None:
    protocol = {path for path in openapi["paths"] if path == "/v2" or path.startswith("/v2/")}
    assert len(protocol) == 9
    own = {PREDICT, BATCH, READ, "/model", "/health/live", "/health/ready", "/metrics"}
    assert set(openapi["paths"]) - protocol == own
    # Client generators name their functions after them.
    names = [operation["operationId"] for path in openapi["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(names)
    assert names[:7] == ["predict", "predict_batch", "read", "model", "health_live", "health_ready", "metrics"]
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in names)
    for path in (PREDICT, BATCH, READ):
        assert openapi["paths"][path]["post"]["description"]


def test_the_docs_page_needs_no_other_host(api: str) -> None:
    page = httpx.get(api + "/docs").text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any(link.endswith("swagger-ui-bundle.js") for link in links)
    for link in links:
        assert link.startswith("/"), link
        assert httpx.get(api + link).status_code == 200


def test_the_root_leads_to_the_docs(api: str) -> None:
    assert httpx.get(api + "/", follow_redirects=True).url.path == "/docs"


def test_the_model_in_use_is_told(api: str, repository: Path) -> None:
    answer = httpx.get(api + "/model").json()
    metrics = json.loads((repository / "reports" / "metrics.json").read_text())
    assert answer["name"] == "models/mnist_model.keras"
    assert answer["test_accuracy"] == metrics["metrics"]["test"]["accuracy"]
    assert answer["card"]["onnx_sha256"] == metrics["onnx_sha256"]


def test_health_checks_answer(api: str) -> None:
    assert httpx.get(api + "/health/live").json() == {"status": "live"}
    assert httpx.get(api + "/health/ready").json() == {"status": "ready"}


def test_posting_the_whole_test_set_gives_the_plain_test_accuracy(api: str, mnist: Mnist) -> None:
    card = httpx.get(api + "/model").json()["card"]
    correct = 0
    with httpx.Client() as client:
        for image, label in zip(mnist.x_test, mnist.y_test, strict=True):
            response = client.post(api + PREDICT, files={"file": encode_png(255 - image, compress_level=1)})
            correct += response.json()["predicted_digit"] == label
    assert correct / len(mnist.x_test) == pytest.approx(card["metrics"]["test"]["accuracy"], abs=0.001)


def test_keras_opens_the_served_file_and_gives_the_same_probabilities(api: str, repository: Path, mnist: Mnist) -> None:
    from digits.training.keras_install import require_keras

    require_keras()
    import keras

    model = keras.models.load_model(repository / "models" / "mnist_model.keras")
    temperature = httpx.get(api + "/model").json()["card"]["temperature"]
    images = mnist.x_test[:200]
    from_keras = model.predict(images / 255.0, verbose=0)
    answers = [post(api, encode_png(image)).json() for image in images]
    # An image that the network does not accept may be seen in another view.
    is_first = np.array([answer["view"] == FIRST for answer in answers])
    assert is_first.mean() > 0.97
    uncalibrated = apply_temperature(np.array([answer["probabilities"] for answer in answers]), 1.0 / temperature)
    assert np.abs(uncalibrated - from_keras)[is_first].max() < 1e-4


def test_a_small_picture_that_the_first_view_does_not_show_well_is_seen_again(strict_api: str) -> None:
    answer = httpx.post(
        f"{strict_api}/predict/", content=encode_png(shaded()), headers={"Content-Type": "image/png"}
    ).json()
    assert (answer["predicted_digit"], answer["accepted"]) == (3, True)
    assert answer["view"] != FIRST
