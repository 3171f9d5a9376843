"""`POST /read/`: pictures of any count of digits."""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.hostile.bomb_files import BOMBS
from benchmarks.hostile.crowded_pages import CROWDED
from digits.answers import ReadResponse
from digits.data.mnist import Mnist
from digits.images.limits import ImageLimits
from digits.service.problems import MEDIA_TYPE
from digits.service.schemas import READ_EXAMPLE
from tests.conftest import encode_png, serve
from tests.pictures import handwritten

FEW = 40


def post(service: str, image: bytes, path: str = "/read/") -> httpx.Response:
    return httpx.post(service + path, files={"file": image}, timeout=60)


def test_two_lines_are_answered_with_the_contract_and_boxes_of_the_picture(service: str, mnist: Mnist) -> None:
    paper, boxes = handwritten(mnist, "2024", "715")
    response = post(service, encode_png(paper))
    assert response.status_code == 200
    answer = response.json()
    assert list(answer) == [
        "text",
        "lines",
        "transcript",
        "transcript_lines",
        "confidence",
        "accepted",
        "reason",
        "line_answers",
        "view",
        "digits",
        "reading_time_ms",
    ]
    assert (answer["transcript"], answer["transcript_lines"]) == ("2024\n715", ["2024", "715"])
    assert (answer["accepted"], answer["reason"]) == (True, None)
    assert [line["accepted"] for line in answer["line_answers"]] == [True, True]
    assert 0.5 < answer["confidence"] < 1.0
    assert (answer["text"], answer["lines"]) == ("2024\n715", ["2024", "715"])
    assert [one["digit"] for one in answer["digits"]] == [2, 0, 2, 4, 7, 1, 5]
    assert [one["line"] for one in answer["digits"]] == [0, 0, 0, 0, 1, 1, 1]
    for one, box in zip(answer["digits"], boxes, strict=True):
        assert list(one) == [
            *("digit", "confidence", "accepted", "box", "line"),
            *("sign", "sign_confidence", "alternatives"),
        ]
        assert (one["sign"], one["sign_confidence"]) == (None, None)
        assert [set(other) for other in one["alternatives"]] == [{"digit", "probability"}] * 3
        assert one["alternatives"][0] == {"digit": one["digit"], "probability": one["confidence"]}
        assert one["accepted"] is True
        assert 0.5 < one["confidence"] < 1.0
        assert one["box"] == pytest.approx(box, abs=5)
    assert answer["reading_time_ms"] > 0


def test_the_image_may_be_the_body_and_the_path_may_lack_its_slash(service: str, mnist: Mnist) -> None:
    image = encode_png(handwritten(mnist, "39")[0])
    raw = httpx.post(service + "/read", content=image, headers={"Content-Type": "image/png"})
    assert (
        raw.json()["text"]
        == post(service, image, "/read").json()["text"]
        == post(service, image).json()["text"]
        == "39"
    )


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_large_photo_that_lies_on_its_side_has_boxes_in_pixels_of_the_upright_original(
    service: str, mnist: Mnist, orientation: int
) -> None:
    paper, boxes = handwritten(mnist, "2024", "715")
    upright = Image.fromarray(paper).convert("RGB").resize((paper.shape[1] * 8, paper.shape[0] * 8))
    # As a camera stores it that says in Exif how to turn it.
    turned = {1: 0, 3: 180, 6: 90, 8: 270}[orientation]
    stored = upright.rotate(turned, expand=True)
    exif = stored.getexif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    stored.save(file, "JPEG", exif=exif)
    assert ImageOps.exif_transpose(Image.open(file)).size == upright.size
    answer = post(service, file.getvalue()).json()
    assert answer["text"] == "2024\n715"
    for one, box in zip(answer["digits"], boxes, strict=True):
        assert one["box"] == pytest.approx([8 * value for value in box], abs=40)


def test_a_sign_that_is_no_digit_is_not_in_the_text(service: str, mnist: Mnist) -> None:
    paper, _ = handwritten(mnist, "24", "7")
    # A minus behind the first line.
    paper = np.pad(paper, ((0, 0), (0, 100)), constant_values=255)
    paper[80:90, 225:275] = 0
    answer = post(service, encode_png(paper)).json()
    assert answer["lines"] == ["24", "7"]
    assert [one["accepted"] for one in answer["digits"]] == [True, True, False, True]


def test_a_picture_without_a_digit_is_the_problem_that_predict_gives(service: str) -> None:
    blank = encode_png(np.full((60, 60), 255, np.uint8))
    answers = [post(service, blank, path) for path in ("/read/", "/predict/")]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert {answer.json()["type"] for answer in answers} == {"urn:digits:problem:no-ink"}
    assert answers[0].headers["content-type"] == MEDIA_TYPE
    # There may be ink in a picture that is too small for a digit, so the title does not speak of ink.
    answers.append(post(service, encode_png(np.full((60, 1), 255, np.uint8)), "/predict/"))
    assert "too small to hold a digit" in answers[-1].json()["detail"]
    assert {answer.json()["title"] for answer in answers} == {"No digit was found"}


def test_the_documented_answer_is_what_is_answered(service: str, mnist: Mnist) -> None:
    openapi: dict[str, Any] = httpx.get(service + "/openapi.json").json()
    content = openapi["paths"]["/read/"]["post"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/ReadResponse"}
    answer = post(service, encode_png(handwritten(mnist, "24", "7")[0])).json()
    jsonschema.validate(answer, content["schema"] | {"components": openapi["components"]})
    assert ReadResponse.model_validate(answer, strict=True).model_dump(exclude_unset=True) == answer
    assert (
        content["example"] == READ_EXAMPLE == ReadResponse.model_validate(READ_EXAMPLE).model_dump(exclude_unset=True)
    )
    assert list(READ_EXAMPLE) == list(answer)
    assert list(READ_EXAMPLE["digits"][0]) == list(answer["digits"][0])


def test_digits_that_were_read_are_counted(service: str, mnist: Mnist) -> None:
    def count(name: str) -> float:
        lines = httpx.get(service + "/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    names = ('digits_read_digits_total{accepted="true",digit="8"}', "digits_readings_total")
    before = [count(name) for name in names]
    post(service, encode_png(handwritten(mnist, "88", "81")[0]))
    assert [count(name) - was for name, was in zip(names, before, strict=True)] == [3, 1]
    assert 'digits_requests_total{method="POST",route="/read/",status="200"}' in httpx.get(service + "/metrics").text


def test_a_page_full_of_strokes_is_refused_and_holds_up_nobody(service: str) -> None:
    image = CROWDED["bars"]()
    with ThreadPoolExecutor(1) as client:
        answer, longest = client.submit(post, service, image), 0.0
        while not answer.done():
            start = time.monotonic()
            assert httpx.get(service + "/health/live").status_code == 200
            longest = max(longest, time.monotonic() - start)
            time.sleep(0.02)
    assert answer.result().status_code == 413
    assert answer.result().json()["type"] == "urn:digits:problem:crowded-image"
    assert f"More than the {ImageLimits.max_candidates:,} things allowed" in answer.result().json()["detail"]
    assert longest < 2.0


def test_how_much_a_page_may_show_can_be_set(tmp_path: Path, mnist: Mnist) -> None:
    server = serve(tmp_path, DIGITS_MAX_CANDIDATES=str(FEW))
    try:
        assert post(server.url, encode_png(handwritten(mnist, "2024")[0])).status_code == 200
        many = post(server.url, encode_png(handwritten(mnist, *["0123456789"] * 5)[0]))
    finally:
        server.stop()
    assert many.status_code == 413
    assert f"More than the {FEW} things allowed" in many.json()["detail"]


def test_beyond_the_requests_at_a_time_the_answer_is_to_come_again(tmp_path: Path, mnist: Mnist) -> None:
    server = serve(tmp_path, DIGITS_MAX_IN_FLIGHT="1")
    image = encode_png(handwritten(mnist, *["0123456789"] * 5)[0])
    try:
        with ThreadPoolExecutor(6) as clients:
            answers = list(clients.map(lambda _: post(server.url, image), range(6)))
    finally:
        server.stop()
    assert {answer.status_code for answer in answers} == {200, 503}
    assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 503} == {"1"}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_made_to_do_harm_is_refused_or_read(service: str, name: str) -> None:
    answer = post(service, BOMBS[name]())
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert answer.headers["content-type"] == MEDIA_TYPE


def test_what_is_expected_is_said_in_the_query_or_in_the_form(service: str, mnist: Mnist) -> None:
    image = encode_png(handwritten(mnist, "2024")[0])
    assert post(service, image, "/read/?expect=%23%23%23%23").json()["text"] == "2024"
    form = httpx.post(f"{service}/read/", files={"file": image}, data={"expect": "4-6"}, timeout=60)
    assert form.json()["text"] == "2024"
    # The form says more precisely what its sender wants than the address does.
    both = httpx.post(f"{service}/read/?expect=9", files={"file": image}, data={"expect": "4"}, timeout=60)
    assert both.status_code == 200
    raw = httpx.post(f"{service}/read/?expect=4", content=image, headers={"Content-Type": "image/png"}, timeout=60)
    assert raw.json()["text"] == "2024"
    assert httpx.post(f"{service}/read/", files={"file": image}, data={"expect": ""}, timeout=60).status_code == 200


def test_what_does_not_match_is_a_problem_that_says_what_was_read(service: str, mnist: Mnist) -> None:
    image = encode_png(handwritten(mnist, "2024")[0])
    response = httpx.post(f"{service}/read/", files={"file": image}, data={"expect": "##/##"}, timeout=60)
    assert response.status_code == 422
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["type"].endswith("unexpected-number")
    assert "'2024' was read" in response.json()["detail"]


def test_a_pattern_that_is_none_is_a_problem_that_shows_a_right_one(service: str, mnist: Mnist) -> None:
    response = post(service, encode_png(handwritten(mnist, "2024")[0]), "/read/?expect=abc")
    assert response.status_code == 422
    assert response.json()["type"].endswith("bad-pattern")
    assert "such as ##/##/####" in response.json()["detail"]
