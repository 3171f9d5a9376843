from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest

from digits.errors import SettingError
from digits.service.schemas import BatchResponse
from digits.service.settings import read_settings
from tests.conftest import ROOT, STRICT_BATCH_BYTES, STRICT_BATCH_FILES, STRICT_BYTES, encode_png

BATCH = "/predict/batch/"
SEVEN, FIVE = ((ROOT / "digits" / "samples" / name).read_bytes() for name in ("7_stylus.png", "5_marker.png"))
BLANK = encode_png(np.full((60, 60), 255, np.uint8))


def post(api: str, *files: bytes, path: str = BATCH) -> httpx.Response:
    return httpx.post(api + path, files=[("files", (f"{i}.png", data)) for i, data in enumerate(files)])


def problem(answer: dict[str, Any]) -> str:
    return str(answer["type"]).removeprefix("urn:digits:problem:")


@pytest.fixture(scope="module")
def schema(strict_api: str) -> dict[str, Any]:
    """What the answer of a batch is documented to be."""
    document = httpx.get(strict_api + "/openapi.json").json()
    operation = document["paths"][BATCH]["post"]
    described: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return described | {"components": document["components"]}


@pytest.mark.parametrize("path", [BATCH, BATCH.rstrip("/")])
def test_files_are_answered_in_order_and_a_bad_one_gets_a_problem_in_its_place(
    strict_api: str, schema: dict[str, Any], path: str
) -> None:
    response = post(strict_api, SEVEN, b"no image", FIVE, path=path)
    assert response.status_code == 200
    answer = response.json()
    jsonschema.validate(answer, schema)
    BatchResponse.model_validate(answer, strict=True)
    first, bad, last = answer["results"]
    assert [result["file"] for result in answer["results"]] == ["0.png", "1.png", "2.png"]
    assert [result["prediction"]["predicted_digit"] for result in (first, last)] == [7, 5]
    assert [first["problem"], bad["prediction"], last["problem"]] == [None, None, None]
    assert (problem(bad["problem"]), bad["problem"]["status"]) == ("unsupported-format", 415)


def test_a_file_in_a_batch_is_answered_as_it_is_alone(strict_api: str) -> None:
    files = [SEVEN, b"", BLANK]
    batch = post(strict_api, *files).json()["results"]
    for data, together in zip(files, batch, strict=True):
        alone = httpx.post(strict_api + "/predict/", files={"file": data}).json()
        expected = together["prediction"] or together["problem"]
        alone.pop("prediction_time_ms", None)
        # A batch has one, not each of its files.
        alone.pop("request_id", None)
        assert alone.keys() == expected.keys()
        for name in alone:
            assert alone[name] == (pytest.approx(expected[name], abs=2e-6) if name != "reason" else expected[name])


def test_files_of_which_none_can_be_read_are_all_told_why(strict_api: str, schema: dict[str, Any]) -> None:
    large = SEVEN + bytes(STRICT_BYTES - len(SEVEN) + 1)
    response = post(strict_api, b"", BLANK, large)
    assert response.status_code == 200
    jsonschema.validate(response.json(), schema)
    results = response.json()["results"]
    assert [problem(result["problem"]) for result in results] == ["empty-file", "no-ink", "image-too-large"]


@pytest.mark.parametrize("name", ["", "7.png", "../7.png", "sieben ß 七.png"])
def test_a_files_name_comes_back_as_the_client_gave_it(strict_api: str, name: str) -> None:
    disposition = f'form-data; name="files"; filename="{name}"'.encode()
    body = b"--X\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + SEVEN + b"\r\n--X--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=X"}
    response = httpx.post(strict_api + BATCH, content=body, headers=headers)
    assert response.json()["results"][0]["file"] == name


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"file": ("7.png", SEVEN)}, "The form has no field 'files', but 'file'."),
        ({"files": (None, "7")}, "A field 'files' of the form is text, not a file."),
    ],
)
def test_a_form_without_files_is_told_the_fields_name(strict_api: str, fields: dict[str, Any], detail: str) -> None:
    response = httpx.post(strict_api + BATCH, files=fields)
    assert (response.status_code, problem(response.json())) == (422, "missing-file")
    assert response.json()["detail"].startswith(detail)


@pytest.mark.parametrize("more", [1, 5, 50])
def test_more_files_than_allowed_are_refused_however_many(strict_api: str, more: int) -> None:
    assert post(strict_api, *[SEVEN] * STRICT_BATCH_FILES).status_code == 200
    response = post(strict_api, *[b"x"] * (STRICT_BATCH_FILES + more))
    assert (response.status_code, problem(response.json())) == (413, "too-many-files")
    assert f"more than the {STRICT_BATCH_FILES} files allowed" in response.json()["detail"]


@pytest.mark.parametrize("over", [1, STRICT_BATCH_BYTES])
def test_files_may_have_as_many_bytes_together_as_the_limit_and_no_more(strict_api: str, over: int) -> None:
    files = [SEVEN, FIVE, bytes(STRICT_BATCH_BYTES - len(SEVEN) - len(FIVE))]
    assert post(strict_api, *files).status_code == 200
    response = post(strict_api, *files[:2], files[2] + bytes(over))
    assert (response.status_code, problem(response.json())) == (413, "batch-too-large")
    assert f"more than the {STRICT_BATCH_BYTES:,} bytes allowed together" in response.json()["detail"]


@pytest.mark.parametrize("media_type", ["image/png", "application/json"])
def test_a_body_that_is_no_form_is_told_how_to_send_many_files(strict_api: str, media_type: str) -> None:
    response = httpx.post(strict_api + BATCH, content=SEVEN, headers={"content-type": media_type})
    assert (response.status_code, problem(response.json())) == (415, "unsupported-media-type")
    detail = response.json()["detail"]
    assert detail.startswith(f"The request has Content-Type '{media_type}'. Send the images as multipart/form-data")
    assert "curl -F files=@7.png -F files=@2.png" in detail


def test_the_limits_of_a_batch_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (read_settings().max_batch_files, read_settings().max_batch_bytes) == (100, 100 * 1024 * 1024)
    monkeypatch.setenv("DIGITS_MAX_BATCH_FILES", "7")
    monkeypatch.setenv("DIGITS_MAX_BATCH_BYTES", "12345")
    assert (read_settings().max_batch_files, read_settings().max_batch_bytes) == (7, 12345)


@pytest.mark.parametrize("name", ["DIGITS_MAX_BATCH_FILES", "DIGITS_MAX_BATCH_BYTES"])
@pytest.mark.parametrize("value", ["0", "many", "99999999999"])
def test_a_limit_out_of_range_is_a_setting_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=f"{name} is '{value}'"):
        read_settings()
