"""How general text readers read the same numbers: python -m benchmarks.accuracy.ocr

Writes the kinds of pictures in digits/synthetic/pages.py from MNIST test digits. Digits, Tesseract and RapidOCR read
the same files. Tesseract is told to look for digits alone, and of what each reader answers, only the digits count:
signs and letters are left out, which is to the good of the others. Tesseract is taken from this machine; RapidOCR gets
an environment of its own, with its networks. `--easyocr` adds EasyOCR, whose environment takes several gigabytes.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import cv2

from benchmarks.support.servers import Server, interpreter
from digits.cli.arguments import whole_number
from digits.data.mnist import Mnist, load
from digits.errors import ImageError
from digits.evaluation.numbers import edit_distance
from digits.evaluation.statistics import ErrorRate, Share, describe_intervals
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.pages import KINDS, write_numbers

# Reads a file and returns the digits of each line; raises RuntimeError if the reader cannot be used.
Read = Callable[[Path, int], list[str]]


def digits_of(text: str) -> str:
    """The digits of a text, without anything else."""
    return "".join(character for character in text if character in "0123456789")


@contextmanager
def tesseract() -> Iterator[Read]:
    """Tesseract's reading of a file, limited to digits.

    Raises:
        RuntimeError: it is not installed.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise RuntimeError("not installed (the package tesseract-ocr)")

    def read(file: Path, lines: int) -> list[str]:
        # 7 is one line of text, 6 a block of lines.
        layout = "7" if lines == 1 else "6"
        command = [program, str(file), "-", "--psm", layout, "-c", "tessedit_char_whitelist=0123456789"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [digits_of(line) for line in done.stdout.splitlines() if digits_of(line)]

    yield read


@contextmanager
def peer(name: str) -> Iterator[Read]:
    """A reader in a process of its own: benchmarks/peers/NAME_reader.py.

    Raises:
        RuntimeError: it cannot be set up.
    """
    try:
        python = interpreter(Server(name, (), f"bench-{name}.txt"))
    except subprocess.CalledProcessError as error:
        raise RuntimeError("its environment cannot be made") from error
    script = Path(__file__).parents[1] / "peers" / f"{name}_reader.py"
    with subprocess.Popen(
        [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        if process.stdin is None or process.stdout is None or process.stdout.readline() != "ready\n":
            process.kill()
            raise RuntimeError("it did not start")
        asked, answered = process.stdin, process.stdout

        def read(file: Path, _lines: int) -> list[str]:
            print(file, file=asked, flush=True)
            return [digits_of(line) for line in json.loads(answered.readline()) if digits_of(line)]

        try:
            yield read
        finally:
            process.kill()


@contextmanager
def ourselves() -> Iterator[Read]:
    """Digits with the model that ships."""
    recognizer = Recognizer.load(shipped_model())

    def read(file: Path, _lines: int) -> list[str]:
        try:
            return [line for line in read_picture(recognizer, file.read_bytes()).lines if line]
        except ImageError:
            return []

    yield read


def compare(read: Read, data: Mnist, count: int, folder: Path, seed: int = 0) -> Iterator[tuple[str, Share, ErrorRate]]:
    """Reads `count` pictures of each kind.

    Args:
        read: the reader.
        data: whose test digits the numbers are written with.
        count: pictures of each kind.
        folder: for the files.
        seed: the same seed gives the same pictures.

    Yields:
        For each kind its name, the share of the pictures read exactly, and the errors per digit.
    """
    for kind, page in KINDS.items():
        exact, errors, lengths = 0, [], []
        for i, written in enumerate(write_numbers(page, data.x_test, data.y_test, count, seed)):
            file = folder / f"{kind.replace(' ', '_')}_{i}.png"
            if not file.exists():
                cv2.imwrite(str(file), written.picture)
            lines = read(file, page.lines)
            exact += lines == written.text.split("\n")
            errors.append(edit_distance("".join(lines), digits_of(written.text)))
            lengths.append(len(digits_of(written.text)))
        yield kind, Share(exact, count), ErrorRate(tuple(errors), tuple(lengths))


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=whole_number(1, 10_000), default=100, help="of each kind (default: 100)")
    parser.add_argument("--easyocr", action="store_true", help="measure EasyOCR, too")
    options = parser.parse_args(argv)
    data = load()
    readers: dict[str, Callable[[], AbstractContextManager[Read]]] = {
        "Digits": ourselves,
        "Tesseract": tesseract,
        "RapidOCR": partial(peer, "rapidocr"),
    }
    if options.easyocr:
        readers["EasyOCR"] = partial(peer, "easyocr")
    print(f"{options.pictures} pictures of each kind; read exactly, and errors per digit\n")
    print("| | " + " | ".join(KINDS) + " |")
    print("| --- |" + " --- |" * len(KINDS))
    with tempfile.TemporaryDirectory() as folder:
        for name, reader in readers.items():
            with ExitStack() as stack:
                try:
                    read = stack.enter_context(reader())
                except RuntimeError as error:
                    print(f"{name} was not measured: {error}.", file=sys.stderr)
                    print(f"| {name} |" + " not measured |" * len(KINDS), flush=True)
                    continue
                rows = list(compare(read, data, options.pictures, Path(folder)))
            cells = [f"{exact.value:.0%}, {errors.value:.0%}" for _, exact, errors in rows]
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nRead exactly: {describe_intervals(options.pictures)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
