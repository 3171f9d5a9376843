"""Bulk jobs with Ray or without: their speed, their memory, and the cost of a kill halfway."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.faults.ray_nodes import resident_bytes, short_folder
from digits.data.mnist import load
from digits.recognizer import shipped_model

_FILE_ROWS = 500_000
_AT_A_TIME = 10_000
# Time between two measurements of memory, in seconds. Each takes some milliseconds of a core.
_PAUSE = 0.5


@dataclass(frozen=True)
class Bulk:
    """The result of a job.

    Args:
        images: the number of images.
        rate: images per second from the start of the command to its end; if the job was killed, over both runs.
        peak: the most memory that all its processes held together, in bytes.
        lost: the number of images without a row.
        doubled: the number of rows beyond the first for an image.
        kept: the number of rows that had been written when the job was killed; None if it was not killed.
    """

    images: int
    rate: float
    peak: int
    lost: int
    doubled: int
    kept: int | None


def write_images(folder: Path, count: int) -> None:
    """Writes npz files with `count` images: MNIST's training images again and again, each time a little brighter."""
    images = load(say=lambda _line: None).x_train
    for first in range(0, count, _FILE_ROWS):
        end = min(count, first + _FILE_ROWS)
        header = {"descr": "|u1", "fortran_order": False, "shape": (end - first, *images.shape[1:])}
        # The same file as np.savez writes, which would need all images in memory.
        with (
            zipfile.ZipFile(folder / f"{first:09}.npz", "w") as archive,
            archive.open("images.npy", "w", force_zip64=True) as member,
        ):
            np.lib.format.write_array_header_1_0(member, header)
            for start in range(first, end, _AT_A_TIME):
                numbers = np.arange(start, min(end, start + _AT_A_TIME))
                again = (numbers // len(images))[:, None, None]
                brighter = np.minimum(images[numbers % len(images)].astype(np.int32) + again, 255)
                member.write(brighter.astype(np.uint8).tobytes())


def run(engine: str, images: Path, count: int, *, killed: bool) -> Bulk:
    """Runs `digits predict` on a folder of images.

    Args:
        engine: `local` or `ray`.
        images: the folder.
        count: the number of images in it.
        killed: whether to kill the job with SIGKILL when half of the rows are written, and to start it again.

    Raises:
        RuntimeError: the job failed, or ended before it could be killed.
    """
    with short_folder() as ray_folder, tempfile.TemporaryDirectory() as name:
        out, kept = Path(name) / "out", None
        began, peak = time.monotonic(), 0
        if killed:
            job = _start(engine, images, out, ray_folder)
            while _rows(out) < count / 2:
                if job.poll() is not None:
                    raise RuntimeError("The job ended before it could be killed.")
                peak = max(peak, resident_bytes(f"RAY_TMPDIR={ray_folder}"))
                time.sleep(_PAUSE)
            job.send_signal(signal.SIGKILL)
            job.wait()
            kept = _rows(out)
        job = _start(engine, images, out, ray_folder)
        while job.poll() is None:
            peak = max(peak, resident_bytes(f"RAY_TMPDIR={ray_folder}"))
            time.sleep(_PAUSE)
        seconds = time.monotonic() - began
        if job.returncode:
            raise RuntimeError(f"The job failed with exit code {job.returncode}.")
        paths = pq.read_table(out, columns=["path"])["path"].to_pylist()
        return Bulk(count, count / seconds, peak, count - len(set(paths)), len(paths) - len(set(paths)), kept)


def _start(engine: str, images: Path, out: Path, ray_folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "digits", "predict", str(images), "--out", str(out), "--engine", engine]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DIGITS_", "RAY_"))}
    environment |= {"RAY_TMPDIR": str(ray_folder), "DIGITS_MODEL": str(shipped_model())}
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def _rows(out: Path) -> int:
    return sum(pq.read_metadata(file).num_rows for file in out.glob("part-*.parquet"))
