"""`POST /read/` and `POST /predict/`: files of several pages."""

from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest

from digits.answers import PredictionResponse, ReadResponse
from digits.data.mnist import Mnist
from tests.conftest import encode_png
from tests.pictures import handwritten, tiff_of


def post(service: str, image: bytes, **options: Any) -> httpx.Response:
    return httpx.post(service, files={"file": image}, timeout=60, **options)


def problem(response: httpx.Response) -> tuple[int, str, str]:
    answer = response.json()
    return response.status_code, answer["type"].removeprefix("urn:digits:problem:"), answer["detail"]


def test_all_pages_are_answered_together_and_one_by_one(service: str, mnist: Mnist) -> None:
    (first, first_boxes), (second, second_boxes) = handwritten(mnist, "2024"), handwritten(mnist, "39", "715")
    blank = np.full((50, 70), 255, np.uint8)
    answer = post(service + "/read/", tiff_of(first, blank, second)).json()
    assert (answer["text"], answer["lines"]) == ("2024\n39\n715", ["2024", "39", "715"])
    assert (answer["transcript"], answer["page_count"]) == ("2024\n39\n715", 3)
    assert [digit["page"] for digit in answer["digits"]] == [1] * 4 + [3] * 5
    assert [digit["line"] for digit in answer["digits"]] == [0] * 4 + [1] * 2 + [2] * 3
    pages = answer["pages"]
    assert [(page["page"], page["text"], page["transcript"]) for page in pages] == [
        (1, "2024", "2024"),
        (2, "", ""),
        (3, "39\n715", "39\n715"),
    ]
    assert [(page["width"], page["height"]) for page in pages] == [
        (first.shape[1], first.shape[0]),
        (70, 50),
        (second.shape[1], second.shape[0]),
    ]
    assert [page["problem"] is None for page in pages] == [True, False, True]
    assert [len(page["line_answers"]) for page in pages] == [1, 0, 2]
    assert [digit["line"] for digit in pages[2]["digits"]] == [0, 0, 1, 1, 1]
    for page, boxes in ((pages[0], first_boxes), (pages[2], second_boxes)):
        for digit, box in zip(page["digits"], boxes, strict=True):
            assert digit["box"] == pytest.approx(box, abs=5)


def test_a_page_is_chosen_in_the_query_or_in_the_form(service: str, mnist: Mnist) -> None:
    data = tiff_of(*(handwritten(mnist, text)[0] for text in ("24", "39", "86")))
    answers = [
        post(service + "/read/?page=2", data),
        post(service + "/read/", data, data={"page": "2"}),
        post(service + "/read?page=3", data, data={"page": "2"}),
        httpx.post(service + "/read/?page=2", content=data, headers={"content-type": "image/tiff"}),
    ]
    for answer in (answer.json() for answer in answers):
        assert (answer["text"], answer["page_count"]) == ("39", 3)
        assert [page["page"] for page in answer["pages"]] == [2]


def test_predict_says_how_many_pages_there_are_and_reads_the_chosen_one(service: str, mnist: Mnist) -> None:
    data = tiff_of(*(handwritten(mnist, text)[0] for text in "273"))
    for query, page, digit in (("", 1, 2), ("?page=2", 2, 7), ("?page=3", 3, 3)):
        answer = post(service + "/predict/" + query, data).json()
        assert (answer["predicted_digit"], answer["page"], answer["page_count"]) == (digit, page, 3)
    assert post(service + "/predict/", data, data={"page": "3"}).json()["predicted_digit"] == 3
    batch = httpx.post(
        service + "/predict/batch/", files=[("files", data), ("files", encode_png(handwritten(mnist, "7")[0]))]
    )
    first, second = (item["prediction"] for item in batch.json()["results"])
    assert (first["page"], first["page_count"]) == (1, 3)
    assert "page_count" not in second


def test_a_file_of_one_page_is_answered_without_a_word_of_pages(service: str, mnist: Mnist) -> None:
    image = encode_png(handwritten(mnist, "7")[0])
    for path in ("/read/", "/predict/"):
        plain, asked = (post(service + path + query, image).json() for query in ("", "?page=1"))
        assert not {"page", "page_count", "pages"} & {*plain, *plain.get("digits", [{}])[0]}
        assert [{key: value for key, value in answer.items() if "time" not in key} for answer in (plain, asked)] == [
            {key: value for key, value in plain.items() if "time" not in key}
        ] * 2


@pytest.mark.parametrize("path", ["/read/", "/predict/"])
@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "9" * 40, "\u0663"])
def test_what_is_no_page_number_is_a_problem_that_shows_a_right_one(
    service: str, mnist: Mnist, path: str, page: str
) -> None:
    image = encode_png(handwritten(mnist, "7")[0])
    status, name, detail = problem(post(service + path, image, params={"page": page}))
    assert (status, name) == (422, "no-such-page")
    assert "such as page=2" in detail


@pytest.mark.parametrize("path", ["/read/", "/predict/"])
def test_a_page_that_is_not_there_is_a_problem_that_says_how_many_there_are(
    service: str, mnist: Mnist, path: str
) -> None:
    one, two = (tiff_of(*[handwritten(mnist, "7")[0]] * count) for count in (1, 2))
    assert problem(post(service + path + "?page=3", two)) == (
        422,
        "no-such-page",
        "The file has 2 pages, and page 3 was asked for. Ask for a page from 1 to 2.",
    )
    assert problem(post(service + path + "?page=3", one))[1:] == (
        "no-such-page",
        "The file has one page, and page 3 was asked for. Leave out the page.",
    )


def test_pages_and_the_parameter_are_documented(service: str, mnist: Mnist) -> None:
    openapi: dict[str, Any] = httpx.get(service + "/openapi.json").json()
    data = tiff_of(*(handwritten(mnist, text)[0] for text in "27"))
    for path, model in (("/read/", ReadResponse), ("/predict/", PredictionResponse)):
        operation = openapi["paths"][path]["post"]
        assert "page" in [parameter["name"] for parameter in operation["parameters"]]
        form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert form["properties"]["page"]["type"] == "integer"
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        answer = post(service + path, data).json()
        jsonschema.validate(answer, schema | {"components": openapi["components"]})
        assert model.model_validate(answer, strict=True).model_dump(exclude_unset=True) == answer


def test_digits_of_all_pages_are_counted_and_one_reading(service: str, mnist: Mnist) -> None:
    def count(name: str) -> float:
        lines = httpx.get(service + "/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    names = ('digits_read_digits_total{accepted="true",digit="8"}', "digits_readings_total")
    before = [count(name) for name in names]
    post(service + "/read/", tiff_of(*(handwritten(mnist, text)[0] for text in ("88", "81"))))
    assert [count(name) - was for name, was in zip(names, before, strict=True)] == [3, 1]
