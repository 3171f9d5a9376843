"""PDF files sent to the API."""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from benchmarks.hostile.pdf_files import HOSTILE
from digits.data.mnist import Mnist
from tests.conftest import serve
from tests.pictures import handwritten


def pdf_of(*pages: npt.NDArray[np.uint8]) -> bytes:
    """A scan of these pages at 200 dots per inch."""
    first, *others = map(Image.fromarray, pages)
    file = io.BytesIO()
    first.save(file, "PDF", resolution=200, save_all=True, append_images=others)
    return file.getvalue()


def post(service: str, file: bytes) -> httpx.Response:
    return httpx.post(service, files={"file": ("scan.pdf", file, "application/pdf")}, timeout=60)


def test_all_pages_of_a_scan_are_read_with_boxes_in_pixels_of_the_drawn_page(service: str, mnist: Mnist) -> None:
    pages = [handwritten(mnist, "2024"), handwritten(mnist, "39", "715")]
    answer = post(service + "/read/", pdf_of(*(page for page, _ in pages))).json()
    assert answer["text"] == "2024\n39\n715"
    assert (answer["page_count"], len(answer["pages"])) == (2, 2)
    for answered, (page, boxes) in zip(answer["pages"], pages, strict=True):
        assert (answered["height"], answered["width"]) == pytest.approx(page.shape, abs=1)
        for digit, box in zip(answered["digits"], boxes, strict=True):
            assert digit["box"] == pytest.approx(box, abs=6)


def test_a_page_is_chosen_and_predict_says_how_many_there_are(service: str, mnist: Mnist) -> None:
    data = pdf_of(*(handwritten(mnist, text)[0] for text in "27"))
    assert post(service + "/read/?page=2", data).json()["text"] == "7"
    answer = post(service + "/predict/?page=2", data).json()
    assert (answer["predicted_digit"], answer["page"], answer["page_count"]) == (7, 2, 2)
    assert post(service + "/predict/", data).json()["predicted_digit"] == 2
    batch = httpx.post(service + "/predict/batch/", files=[("files", data)], timeout=60).json()
    assert batch["results"][0]["prediction"]["page_count"] == 2


def test_the_memory_that_drawing_a_page_takes_does_not_keep_its_own_page_from_being_read(
    tmp_path: Path, mnist: Mnist
) -> None:
    page = np.full((2600, 2500), 255, np.uint8)
    written, _ = handwritten(mnist, "2024")
    page[200 : 200 + written.shape[0], 300 : 300 + written.shape[1]] = written
    server = serve(tmp_path, DIGITS_MAX_DECODING_BYTES=str(160 * 2**20))
    try:
        answer = post(server.url + "/read/", pdf_of(page))
    finally:
        server.stop()
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == "2024"


def test_a_pdf_file_may_be_the_body(service: str, mnist: Mnist) -> None:
    data = pdf_of(handwritten(mnist, "39")[0])
    answer = httpx.post(service + "/read", content=data, headers={"content-type": "application/pdf"}, timeout=60).json()
    assert answer["text"] == "39"
    assert "pages" not in answer
    openapi = httpx.get(service + "/openapi.json").json()
    assert "application/pdf" in openapi["paths"]["/read/"]["post"]["requestBody"]["content"]


@pytest.mark.parametrize(
    ("name", "status", "problem"),
    [
        ("10,000 pages", 413, "too-many-frames"),
        ("encrypted", 422, "encrypted-file"),
        ("cut off", 422, "broken-image"),
        ("noise", 422, "broken-image"),
        ("pages in a circle", 422, "broken-image"),
        ("a stream that unpacks to a gigabyte", 422, "broken-image"),
    ],
)
@pytest.mark.parametrize("path", ["/read/", "/predict/"])
def test_a_hostile_file_is_a_problem_and_holds_up_nobody(
    service: str, path: str, name: str, status: int, problem: str
) -> None:
    data = HOSTILE[name]()
    with ThreadPoolExecutor(1) as client:
        answer, longest = client.submit(post, service + path, data), 0.0
        while not answer.done():
            start = time.monotonic()
            assert httpx.get(service + "/health/live").status_code == 200
            longest = max(longest, time.monotonic() - start)
            time.sleep(0.02)
    assert (answer.result().status_code, answer.result().json()["type"]) == (status, f"urn:digits:problem:{problem}")
    assert longest < 2.0


def test_one_time_holds_for_all_that_is_drawn_and_read(tmp_path: Path) -> None:
    data = HOSTILE["an image of a gigapixel"]()
    server = serve(tmp_path, DIGITS_COMPUTE_SECONDS="0.4")
    try:
        start = time.monotonic()
        answer = post(server.url + "/read/", data)
        assert answer.json()["type"] == "urn:digits:problem:compute-time-exceeded"
        assert time.monotonic() - start < 10.0
    finally:
        server.stop()
