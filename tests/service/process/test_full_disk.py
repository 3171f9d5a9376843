"""Without space for what the workers share, the service goes on without metrics and says so."""

import os
import struct
import time
from pathlib import Path

import httpx
import pytest

from digits.recognizer import shipped_model
from digits.service.limits.rate import RateLimiter
from digits.service.process.reserved import METRICS_BYTES, reserve_metrics, trim_metrics
from tests.conftest import BIN, ROOT, SAMPLES, Server, free_port

PNG = {"content-type": "image/png"}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the limit on files is Linux's")
def test_workers_without_space_answer_without_metrics(tmp_path: Path) -> None:
    port = free_port()
    # No file may be longer than 32 kB: as on a full disk, what needs more space fails.
    command = f"ulimit -f 64; exec {BIN / 'digits'} serve --workers 2 --port {port}"
    settings = {
        "DIGITS_MODEL": str(shipped_model()),
        "DIGITS_RATE_LIMIT": "1000/minute",
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    server = Server(["sh", "-c", command], tmp_path, f"http://127.0.0.1:{port}", settings)
    try:
        server.wait_until("/health/ready")
        for _ in range(10):
            data = SAMPLES[0].read_bytes()
            answer = httpx.post(server.url + "/predict/", files={"file": data}, timeout=60)
            assert answer.status_code == 200
        assert httpx.get(server.url + "/metrics").status_code == 404
        time.sleep(1.0)
        output = server.output()
        assert "keeps no metrics" in output
        assert "took its place" not in output
        assert "Traceback" not in output
    finally:
        server.stop()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full is Linux's")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_whose_log_cannot_be_written_answers_and_stops_in_order(tmp_path: Path, workers: int) -> None:
    port = free_port()
    command = f"exec {BIN / 'digits'} serve --workers {workers} --port {port} > /dev/full"
    settings = {"DIGITS_MODEL": str(shipped_model()), "XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    server = Server(["sh", "-c", command], tmp_path, f"http://127.0.0.1:{port}", settings)
    try:
        server.wait_until("/health/ready")
        for _ in range(10):
            answer = httpx.post(server.url + "/predict/", content=SAMPLES[0].read_bytes(), headers=PNG, timeout=60)
            assert answer.status_code == 200
    finally:
        server.stop()
    assert server.process.returncode == 0
    # Not a line for each line that was lost.
    assert "Traceback" not in server.output()


def test_reserved_space_is_really_taken_and_given_back(tmp_path: Path) -> None:
    reserve_metrics(tmp_path, 7)
    files = list(tmp_path.iterdir())
    assert len(files) == 3
    for file in files:
        status = file.stat()
        assert status.st_size == METRICS_BYTES
        assert status.st_blocks * 512 >= METRICS_BYTES
        with file.open("r+b") as handle:
            handle.write(struct.pack("i", 100))
    trim_metrics(tmp_path, 7)
    assert {file.stat().st_size for file in files} == {100}
    trim_metrics(tmp_path, 8)


def test_the_metrics_of_a_worker_are_read_from_the_files_that_were_reserved(tmp_path: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    reserve_metrics(tmp_path, os.getpid())
    file = tmp_path / f"counter_{os.getpid()}.db"
    values = MmapedDict(str(file))  # type: ignore[no-untyped-call]
    values.write_value('["a", "a", {}, ""]', 3.0, 0.0)  # type: ignore[no-untyped-call]
    values.close()  # type: ignore[no-untyped-call]
    trim_metrics(tmp_path, os.getpid())
    read = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]
    assert [value for _, value, *_ in read] == [3.0]


def test_a_rate_limit_whose_file_cannot_be_written_counts_in_memory(tmp_path: Path) -> None:
    limiter = RateLimiter("2/minute", tmp_path / "missing" / "rate")
    limiter.check("a")
    limiter.check("a")
    with pytest.raises(Exception, match="Try again"):
        limiter.check("a")
    limiter.close()
