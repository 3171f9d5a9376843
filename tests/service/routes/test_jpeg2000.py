"""JPEG 2000 files sent to the API, which a process of its own decodes."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks.hostile.rare_bombs import jpeg2000_passes
from benchmarks.hostile.specimens import encode
from digits.data.mnist import Mnist
from tests.conftest import serve
from tests.pictures import handwritten


def post(url: str, file: bytes) -> httpx.Response:
    return httpx.post(url, files={"file": ("scan.jp2", file, "image/jp2")}, timeout=60)


def test_workers_read_scans_at_the_same_time(tmp_path: Path, mnist: Mnist) -> None:
    page, _ = handwritten(mnist, "2024", "715")
    data = encode(Image.fromarray(np.stack([page] * 3, axis=-1)), "JPEG2000")
    server = serve(tmp_path, "--workers", "2")
    try:
        with ThreadPoolExecutor(6) as clients:
            answers = list(clients.map(lambda _: post(server.url + "/read/", data), range(12)))
    finally:
        server.stop()
    assert [(answer.status_code, answer.json()["text"]) for answer in answers] == [(200, "2024\n715")] * 12
    assert "Traceback" not in server.output()


def test_the_time_of_a_request_holds_for_its_process_and_others_are_answered_meanwhile(tmp_path: Path) -> None:
    server = serve(tmp_path, DIGITS_COMPUTE_SECONDS="0.15")
    try:
        with ThreadPoolExecutor(1) as client:
            answer, count = client.submit(post, server.url + "/predict/", jpeg2000_passes()), 0
            start = time.monotonic()
            while not answer.done():
                assert httpx.get(server.url + "/health/live").status_code == 200
                count += 1
        assert time.monotonic() - start < 30.0
        assert answer.result().status_code == 413
        assert answer.result().json()["type"] == "urn:digits:problem:compute-time-exceeded"
        assert count > 1
    finally:
        server.stop()
