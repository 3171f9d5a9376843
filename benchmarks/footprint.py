"""What the serving install takes on disk and to start: python -m benchmarks.footprint

Makes a new environment from requirements/serve.txt, measures it, then starts the API in it several times and
waits for the first answer to a real image.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe_machine, spread
from digits.arguments import whole_number
from digits.recognizer import shipped_model

ROOT = Path(__file__).resolve().parent.parent
BOUNDARY = "digits-benchmark"


def install(folder: Path) -> Path:
    """Makes the serving environment in a folder; returns its Python."""
    subprocess.run(["sh", "scripts/make_venv.sh", str(folder), sys.executable], cwd=ROOT, check=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    locks = ["--require-hashes", "-r", "requirements/build.txt", "-r", "requirements/serve.txt"]
    subprocess.run([*pip, *locks], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "."], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return python


def size_on_disk(folder: Path) -> int:
    """Bytes in the files of a folder; links are not followed."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def sizes_of_packages(python: Path) -> list[tuple[str, int]]:
    """The largest things in the environment's site-packages, in bytes."""
    site = next((python.parent.parent / "lib").glob("python*/site-packages"))
    return sorted(((entry.name, size_on_disk(entry)) for entry in site.iterdir()), key=lambda item: -item[1])[:6]


def form(image: bytes) -> bytes:
    """A multipart body with the image in field `file`."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\n\r\n'
    return head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode()


def seconds_to_first_answer(python: Path, body: bytes) -> tuple[float, float]:
    """Starts the API; returns the seconds until a real image is answered, and its peak memory then in MB."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGITS_")}
    environment["DIGITS_MODEL"] = str(shipped_model())
    command = [str(python), "-m", "fastapi", "run", "api", "--host", "127.0.0.1", "--port", str(port)]
    start = time.perf_counter()
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/predict/",
            body,
            {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10):
                    seconds = time.perf_counter() - start
                    break
            except (urllib.error.URLError, ConnectionError):
                if server.poll() is not None:
                    raise RuntimeError("the server ended before it answered") from None
                time.sleep(0.005)
        status = Path(f"/proc/{server.pid}/status")
        peak = status.read_text().partition("VmHWM:")[2].split()[0] if status.exists() else "nan"
        return seconds, float(peak) / 1024.0
    finally:
        server.terminate()
        server.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=whole_number(1, 100), default=10, help="default: 10")
    options = parser.parse_args(argv)
    print(f"Serving install. {describe_machine()}")
    body = form((ROOT / "digits" / "samples" / "7_stylus.png").read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        python = install(environment)
        print(f"size on disk: {size_on_disk(environment) / 1e6:.0f} MB, of which")
        for name, size in sizes_of_packages(python):
            print(f"  {name}: {size / 1e6:.0f} MB")
        runs = [seconds_to_first_answer(python, body) for _ in range(options.starts)]
    print(f"process start to first answer: {spread([seconds for seconds, _ in runs], 's')}")
    print(f"peak memory at the first answer: {spread([memory for _, memory in runs], 'MB', 0)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
