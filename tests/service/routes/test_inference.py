"""The Open Inference Protocol: what its REST specification asks for, and errors in its own form."""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from benchmarks.support.client import Connection, address_of
from digits.data.mnist import Mnist
from digits.recognizer import Recognizer
from tests.conftest import serve

INFER = "/v2/models/digits/infer"

# What the specification says of each answer, in this test's words: compared with inference_rest.md and
# open_inference_rest.yaml of kserve/open-inference-protocol, whose only difference is that the former requires the
# inputs and outputs of a model's metadata.
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {"name": TEXT, "datatype": TEXT, "shape": {"type": "array", "items": WHOLE}},
}
SERVER = {
    "required": ["name", "version", "extensions"],
    "properties": {"name": TEXT, "version": TEXT, "extensions": {"type": "array", "items": TEXT}},
}
MODEL = {
    "required": ["name", "platform", "inputs", "outputs"],
    "properties": {
        "name": TEXT,
        "platform": TEXT,
        "versions": {"type": "array", "items": TEXT},
        "inputs": {"type": "array", "items": TENSOR},
        "outputs": {"type": "array", "items": TENSOR},
    },
}
ANSWER = {
    "required": ["model_name", "outputs"],
    "properties": {
        "model_name": TEXT,
        "model_version": TEXT,
        "id": TEXT,
        "outputs": {
            "type": "array",
            "items": {"allOf": [TENSOR, {"required": ["data"], "properties": {"data": {"type": "array"}}}]},
        },
    },
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = serve(tmp_path_factory.mktemp("inference"), DIGITS_API_KEYS="", DIGITS_ACCESS_LOG="false")
    yield server.url
    server.stop()


def tensor(data: Any, datatype: str = "UINT8", shape: list[int] | None = None, name: str = "images") -> dict[str, Any]:
    array = np.asarray(data)
    shape = list(array.shape) if shape is None else shape
    return {"name": name, "datatype": datatype, "shape": shape, "data": array.tolist()}


def infer(url: str, *inputs: Any, path: str = INFER, **members: Any) -> httpx.Response:
    return httpx.post(url + path, json={"inputs": list(inputs), **members}, timeout=30)


def check(schema: dict[str, Any], response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    answer = response.json()
    Draft202012Validator({"type": "object", **schema}).validate(answer)
    return answer


def test_health_and_metadata_are_as_the_specification_says(url: str) -> None:
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert httpx.get(url + path).json() == {"live": True}
    for path in ("/v2", "/v2/"):
        check(SERVER, httpx.get(url + path))
    model = check(MODEL, httpx.get(url + "/v2/models/digits"))
    assert model["inputs"] == [{"name": "images", "datatype": "FP32", "shape": [-1, 28, 28]}]
    (version,) = model["versions"]
    for path in ("/v2/models/digits", f"/v2/models/digits/versions/{version}"):
        assert httpx.get(url + path).json() == model
        assert httpx.get(f"{url}{path}/ready").json() == {"name": "digits", "ready": True}


@pytest.mark.parametrize("shape", [[28, 28], [28, 28, 1], [1, 28, 28], [784]])
@pytest.mark.parametrize("datatype", ["UINT8", "FP32", "FP64"])
@pytest.mark.parametrize("flat", [True, False])
def test_images_in_every_form_get_the_probabilities_of_the_network(
    url: str, mnist: Mnist, shape: list[int], datatype: str, flat: bool
) -> None:
    images = mnist.x_test[:3]
    values = images if datatype == "UINT8" else images / 255.0
    whole = [3, *shape]
    data = values.ravel() if flat else values.reshape(whole)
    answer = check(ANSWER, infer(url, tensor(data, datatype, whole), id="42"))
    assert answer["id"] == "42"
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("probabilities", "FP32", [3, 10])
    assert np.allclose(
        np.reshape(output["data"], (3, 10)), Recognizer.load(precision="auto").classify(images), atol=1e-6
    )


def test_an_answer_without_an_id_has_none_and_the_output_may_be_named(url: str, mnist: Mnist) -> None:
    answer = infer(url, tensor(mnist.x_test[:1]), outputs=[{"name": "probabilities"}]).json()
    assert "id" not in answer
    assert len(answer["outputs"]) == 1


BLANK = np.zeros((1, 28, 28), int)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "list of one tensor"),
        ([tensor(BLANK), tensor(BLANK)], "list of one tensor"),
        ([5], "list of one tensor"),
        ([tensor(BLANK, name="input_0")], "name is not 'images'"),
        ([tensor(BLANK, "BYTES")], "datatype is not one of FP32, FP64, UINT8"),
        ([tensor(BLANK) | {"datatype": ["FP32"]}], "datatype is not one of"),
        ([tensor(BLANK) | {"shape": "1,28,28"}], "not a list of whole numbers"),
        ([tensor(BLANK) | {"shape": [True, 28, 28]}], "not a list of whole numbers"),
        ([tensor(BLANK) | {"shape": [1, 32, 32]}], r"is not [n, 28, 28]"),
        ([tensor(BLANK) | {"shape": []}], r"is not [n, 28, 28]"),
        ([tensor(BLANK) | {"shape": [0, 28, 28], "data": []}], "n from 1 to 256"),
        ([tensor(BLANK) | {"shape": [10**30, 28, 28]}], "n from 1 to 256"),
        ([tensor(BLANK) | {"data": [0] * 783}], "not the 784 numbers"),
        ([tensor(BLANK) | {"data": [[0], [0, 0]]}], "not the 784 numbers"),
        ([tensor(BLANK) | {"data": ["0"] * 784}], "not the 784 numbers"),
        ([tensor(BLANK) | {"data": [False] * 784}], "not the 784 numbers"),
        ([tensor(BLANK) | {"data": None}], "not the 784 numbers"),
        ([tensor(BLANK) | {"data": [10**400] * 784}], "numbers"),
        ([tensor(BLANK + 256)], "not whole numbers from 0 to 255"),
        ([tensor(BLANK - 1)], "not whole numbers from 0 to 255"),
        ([tensor(BLANK + 0.5)], "not whole numbers from 0 to 255"),
        ([tensor(BLANK + 255, "FP32")], "not numbers from 0 to 1"),
    ],
    ids=range(22),
)
def test_another_tensor_is_refused_in_the_protocols_form(url: str, inputs: list[Any], said: str) -> None:
    response = infer(url, *inputs)
    assert response.status_code == 400, response.text
    assert list(response.json()) == ["error"]
    assert said in response.json()["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 50_000, 400),
        (b'{"inputs": {}}', 400),
        (b'{"inputs": [], "id": 5}', 400),
        (b'{"inputs": [{"name": "images", "datatype": "FP32", "shape": [1, 784], "data": [NaN]}]}', 400),
        (b"[" + b"0," * 600_000 + b"0]", 413),
        (bytes(21 * 1024 * 1024), 413),
    ],
    ids=range(9),
)
def test_another_body_is_refused_in_the_protocols_form(url: str, body: bytes, status: int) -> None:
    response = httpx.post(url + INFER, content=body, headers={"content-type": "application/json"}, timeout=30)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]


def test_not_a_number_is_refused(url: str) -> None:
    body = json.dumps({"inputs": [tensor(np.full((1, 784), np.nan), "FP32")]})
    assert httpx.post(url + INFER, content=body).status_code == 400


@pytest.mark.parametrize(
    "path", ["/v2/models/other", "/v2/models/other/ready", "/v2/models/digits/versions/1", "/v2/models/%ff/ready"]
)
def test_an_unknown_model_or_version_is_not_found(url: str, path: str) -> None:
    response = httpx.get(url + path)
    assert response.status_code == 404
    assert list(response.json()) == ["error"]


def test_each_route_documents_the_errors_that_it_can_answer_and_no_others(url: str) -> None:
    paths = httpx.get(url + "/openapi.json").json()["paths"]
    model = "/v2/models/{name}"
    own = {
        ("/v2", "get"): [],
        ("/v2/health/live", "get"): ["503"],
        (model, "get"): ["404", "503"],
        (f"{model}/infer", "post"): ["400", "404", "408", "413", "415", "503"],
    }
    for (path, method), statuses in own.items():
        responses = paths[path][method]["responses"]
        found = [status for status, response in responses.items() if "application/json" in response["content"]]
        assert found == ["200", *statuses]
        # No key, another host, or too often: refused as everywhere, and health checks not at all.
        others = [] if "health" in path else ["401", "421", "429"]
        assert [status for status in responses if status not in found] == others


def test_an_unknown_output_and_binary_tensors_are_refused(url: str) -> None:
    assert "has one output, 'probabilities'" in infer(url, tensor(BLANK), outputs=[{"name": "logits"}]).json()["error"]
    headers = {"inference-header-content-length": "5"}
    assert "Binary tensors" in httpx.post(url + INFER, content=b"{}", headers=headers).json()["error"]


def test_probes_need_no_key_and_the_model_does(tmp_path: Any) -> None:
    server = serve(tmp_path, DIGITS_API_KEYS="me 0123456789abcdef")
    try:
        assert httpx.get(server.url + "/v2/health/ready").status_code == 200
        assert httpx.post(server.url + INFER, content=b"{}").status_code == 401
    finally:
        server.stop()


@pytest.mark.parametrize("data", [["x" * 2_000_000, *[""] * 783], [*[""] * 783, "1"]])
def test_texts_among_the_data_are_refused_before_they_cost_memory(url: str, data: list[Any]) -> None:
    response = infer(url, tensor(BLANK) | {"data": data})
    assert response.status_code == 400
    assert "are not the 784 numbers" in response.json()["error"] or "are not numbers" in response.json()["error"]


def test_a_refusal_says_when_to_ask_again_and_is_counted(tmp_path: Path) -> None:
    body = b'{"inputs": []}'
    size = len(body)
    limits = {"BYTES": size, "BATCH_BYTES": size, "BUFFERED_BYTES": 7 * size}
    server = serve(tmp_path, **{f"DIGITS_MAX_{name}": str(value) for name, value in limits.items()})
    head = f"POST {INFER} HTTP/1.1\r\nHost: digits\r\nContent-Length: {size}\r\n\r\n"
    try:
        with contextlib.ExitStack() as stack:
            # They have sent all but the end of their bodies.
            for _ in range(7):
                client = stack.enter_context(Connection(address_of(server.url))).connect()
                client.sendall(head.encode() + body[:-1])
            time.sleep(0.3)
            refused = httpx.post(server.url + INFER, content=body)
        unknown = httpx.post(server.url + "/v2/models/other/infer", json={})
        metrics = httpx.get(server.url + "/metrics").text
    finally:
        server.stop()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert list(refused.json()) == list(unknown.json()) == ["error"]
    assert (unknown.status_code, "retry-after" in unknown.headers) == (404, False)
    assert re.search(r'^digits_problems_total\{.*"buffers-full".*\} 1.0$', metrics, re.M)
    assert re.search(r'^digits_problems_total\{.*"http-404".*\} 1.0$', metrics, re.M)
