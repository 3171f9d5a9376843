"""The libraries that decode say nothing that a client could write into the log."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from tests.conftest import serve

PRINTED = "Corrupt JPEG data"


def damaged_jpeg() -> bytes:
    """A file with damage that libjpeg prints a line about and decodes nevertheless."""
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    data = bytearray(cv2.imencode(".jpg", noise)[1])
    middle = len(data) // 2
    data[middle : middle + 400] = b"\x55" * 400
    return bytes(data)


def errors_of(code: str, tmp_path: Path) -> tuple[int, str]:
    """Decodes the file in a process of its own that runs some code before; returns how it ended, and its errors."""
    file = tmp_path / "damaged.jpg"
    file.write_bytes(damaged_jpeg())
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom digits.images.decode import decode\n"
        "from digits.service.process.decoders import silence_decoders\n"
        f"{code}\n"
    )
    done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


DECODE = "assert decode(Path(sys.argv[1]).read_bytes()).shape == (300, 300, 3)"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc lets its standard error be set")
def test_what_a_decoder_prints_is_discarded_and_what_python_prints_is_not(tmp_path: Path) -> None:
    # Otherwise this test would prove nothing.
    assert PRINTED in errors_of(DECODE, tmp_path)[1]
    told = "print('told', file=sys.stderr); os.write(2, b'and written')"
    assert errors_of(f"assert silence_decoders()\n{DECODE}\n{told}", tmp_path) == (0, "told\nand written")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc lets its standard error be set")
def test_a_crash_is_still_told(tmp_path: Path) -> None:
    code, errors = errors_of("silence_decoders()\nimport ctypes; ctypes.pythonapi.Py_FatalError(b'why')", tmp_path)
    assert code < 0
    assert re.search(r"Fatal Python error.* why\n", errors)


def test_a_damaged_file_writes_nothing_into_the_log_of_the_service(tmp_path: Path) -> None:
    server = serve(tmp_path)
    try:
        for path in ("/predict/", "/read/"):
            answer = httpx.post(server.url + path, content=damaged_jpeg(), headers={"content-type": "image/jpeg"})
            assert answer.status_code in (200, 413, 422)
    finally:
        server.stop()
    assert "POST /read/" in server.output()
    assert PRINTED not in server.output()
