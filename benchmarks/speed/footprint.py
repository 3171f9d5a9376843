"""Measures the size of the serving install and the start of the API: python -m benchmarks.speed.footprint

Makes a new environment from requirements/serve.txt and measures its size. Then it starts the API in this environment
several times, and each time waits for the first answer to a real image.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.support.machine import describe_machine, spread
from benchmarks.support.servers import ROOT, Server, make_environment, running
from digits.cli.arguments import whole_number
from digits.recognizer import shipped_model

_SERVER = Server("Digits", ("-m", "fastapi", "run", "api", "--host", "127.0.0.1", "--port", "{port}"))


def install(folder: Path) -> Path:
    """Makes the serving environment in a folder; returns the path of its Python."""
    pip = make_environment(folder, ROOT / "requirements" / "build.txt", ROOT / "requirements" / "serve.txt")
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "."], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return folder / "bin" / "python"


def size_on_disk(folder: Path) -> int:
    """Returns the bytes in the files of a folder. Links are not followed."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def sizes_of_packages(python: Path) -> list[tuple[str, int]]:
    """Returns the six largest entries of the environment's site-packages, with their sizes in bytes."""
    site = next((python.parent.parent / "lib").glob("python*/site-packages"))
    return sorted(((entry.name, size_on_disk(entry)) for entry in site.iterdir()), key=lambda item: -item[1])[:6]


def start_once(python: Path, image: bytes) -> tuple[float, float]:
    """Starts the API; returns the seconds until it answers an image, and its memory at that time in MB."""
    with running(_SERVER, image, {"DIGITS_MODEL": str(shipped_model())}, python=str(python)) as server:
        return server.first_answer, server.memory()


def main(argv: Sequence[str] | None = None) -> int:
    """Prints sizes, times and memory; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=whole_number(1, 100), default=10, help="default: 10")
    options = parser.parse_args(argv)
    print(f"Serving install. {describe_machine()}")
    image = (ROOT / "digits" / "samples" / "7_stylus.png").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        python = install(environment)
        print(f"size on disk: {size_on_disk(environment) / 1e6:.0f} MB, of which")
        for name, size in sizes_of_packages(python):
            print(f"  {name}: {size / 1e6:.0f} MB")
        runs = [start_once(python, image) for _ in range(options.starts)]
    print(f"process start to first answer: {spread([seconds for seconds, _ in runs], 's')}")
    print(f"memory at the first answer: {spread([memory for _, memory in runs], 'MB', 0)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
