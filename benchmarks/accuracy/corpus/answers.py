"""Whether a change of the code changes an answer: python -m benchmarks.accuracy.corpus

Draws several hundred pictures by code, in every way in which a picture gets in: single digits go to
`Recognizer.recognize` as files and to `Recognizer.recognize_pixels` as pixels, numbers to `read_picture`, all with the
shipped model. Compares what comes out with the digests in tests/data/corpus.jsonl, prints how many pictures differ
and in what, and exits with 1 if any does. `--write` writes the digests anew.

The first line of the digests names the version of the preprocessing that made the 28x28 images. If an image of the
first view changes, `--write` refuses until `PREPROCESSING_VERSION` in digits/vision/mnist_form.py is raised: the cards
of models name it.

Everything is compared exactly but probabilities, which may differ by one in the fourth decimal: networks are computed
in another order on other processors, and what lies between two decimals is rounded up there and down here. How many
pictures differ in no more than that is printed as well; on one machine there is none.
"""

import argparse
import functools
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.accuracy.corpus.files import file_pictures
from benchmarks.accuracy.corpus.numbers import number_pictures
from benchmarks.accuracy.corpus.singles import single_pictures
from digits.errors import ImageError, SettingError
from digits.model.engine import FLOAT32, Precision
from digits.numbers.reader import read_picture
from digits.recognizer import Prediction, Recognizer, shipped_model
from digits.vision.mnist_form import PREPROCESSING_VERSION
from digits.vision.views.table import FIRST

DIGESTS = Path(__file__).resolve().parents[3] / "tests" / "data" / "corpus.jsonl"

Record = dict[str, Any]
Content = bytes | npt.NDArray[np.uint8]

_DECIMALS = 4
# What is compared within one of the last decimal.
_ROUNDED = ("probabilities", "confidences")
_MOST_NAMED = 40


def records(precision: Precision = FLOAT32) -> Iterator[Record]:
    """What comes out for every picture, in no order."""
    recognizer = Recognizer.load(shipped_model(), precision=precision)
    for name, content in _of_one_digit():
        yield {"name": name, "picture": _digest_input(content)} | recognize(recognizer, content)
    for name, content in number_pictures():
        yield {"name": name, "picture": _digest_input(content)} | read_number(recognizer, content)


@functools.cache
def _of_one_digit() -> list[tuple[str, Content]]:
    return [*single_pictures(), *file_pictures()]


def recognize(recognizer: Recognizer, content: Content) -> Record:
    """What is compared of the answer to a picture of one digit."""
    try:
        answer = recognizer.recognize(content) if isinstance(content, bytes) else recognizer.recognize_pixels(content)
    except ImageError as error:
        return _describe(error)
    return _describe(answer)


def records_of_many() -> Iterator[Record]:
    """The records of single digits that `recognize_many` makes: it reads several at a time."""
    recognizer = Recognizer.load(shipped_model())
    pictures = _of_one_digit()
    answers = recognizer.recognize_many(content for _, content in pictures)
    for (name, content), answer in zip(pictures, answers, strict=True):
        yield {"name": name, "picture": _digest_input(content)} | _describe(answer)


def _describe(answer: Prediction | ImageError) -> Record:
    if isinstance(answer, ImageError):
        return {"error": type(answer).__name__}
    return {
        "image": _digest(answer.normalized.image),
        "digit": answer.digit,
        "probabilities": [round(value, _DECIMALS) for value in answer.probabilities.tolist()],
        "accepted": answer.accepted,
        "reason": answer.reason,
        "view": answer.view,
    }


def read_number(recognizer: Recognizer, content: Content) -> Record:
    """What is compared of the answer to a picture of numbers."""
    try:
        reading = read_picture(recognizer, content)
    except ImageError as error:
        return _describe(error)
    return {
        "text": reading.text,
        "size": [reading.width, reading.height],
        "digits": [item.digit for item in reading.digits],
        "confidences": [round(item.confidence, _DECIMALS) for item in reading.digits],
        "accepted": [item.accepted for item in reading.digits],
        "boxes": [list(item.box) for item in reading.digits],
        "lines": [item.line for item in reading.digits],
    }


def differences(before: Iterable[Record], after: Iterable[Record]) -> dict[str, list[str]]:
    """The pictures whose records differ, by name, and in what.

    Args:
        before: what is committed.
        after: what comes out now.
    """
    old, new = ({record["name"]: record for record in records} for records in (before, after))
    different: dict[str, list[str]] = {}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            different[name] = ["is drawn no more"]
        elif name not in old:
            different[name] = ["is not among the digests"]
        elif fields := _fields_that_differ(old[name], new[name]):
            different[name] = fields
    return different


def rounded_otherwise(before: Iterable[Record], after: Iterable[Record]) -> list[str]:
    """The pictures whose records differ by no more than one in the last decimal of a probability."""
    old, new = ({record["name"]: record for record in records} for records in (before, after))
    common = sorted(old.keys() & new.keys())
    return [name for name in common if old[name] != new[name] and not _fields_that_differ(old[name], new[name])]


def _fields_that_differ(old: Record, new: Record) -> list[str]:
    fields = sorted(old.keys() | new.keys())
    return [field for field in fields if not _alike(field, old.get(field), new.get(field))]


def _alike(field: str, old: Any, new: Any) -> bool:
    if field not in _ROUNDED or old is None or new is None:
        return bool(old == new)
    # One and a half of the last decimal: binary fractions are not exact.
    most = 1.5 * 10**-_DECIMALS
    return len(old) == len(new) and all(abs(a - b) < most for a, b in zip(old, new, strict=True))


def _digest_input(content: Content) -> str:
    """Of the pixels that are fed in.

    Files are decoded for it by Pillow alone: another release of a library may compress the same pixels otherwise.
    Those that Pillow cannot decode are taken as they are.
    """
    if not isinstance(content, bytes):
        return _digest(content)
    try:
        with Image.open(io.BytesIO(content)) as image:
            return _digest(np.asarray(image))
    except (OSError, SyntaxError):
        return hashlib.sha256(content).hexdigest()[:16]


def _digest(pixels: npt.NDArray[Any]) -> str:
    shape = f"{pixels.dtype} {pixels.shape} ".encode()
    return hashlib.sha256(shape + np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def read_digests(path: Path = DIGESTS) -> list[Record]:
    """Returns the committed records."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]


def read_preprocessing_version(path: Path = DIGESTS) -> int:
    """Returns the version of the preprocessing that made the images of the committed records."""
    with path.open(encoding="utf-8") as file:
        return int(json.loads(file.readline())["preprocessing"])


def changed_images(before: Iterable[Record], after: Iterable[Record]) -> list[str]:
    """Returns the names of the pictures, sorted, whose 28x28 image has changed while the picture has not.

    Images of other views do not count: which of them an answer shows is for the network to say.
    """
    old = {record["name"]: record for record in before}
    return sorted(
        record["name"]
        for record in after
        if record["name"] in old
        and record["picture"] == old[record["name"]]["picture"]
        and record.get("image") != old[record["name"]].get("image")
        and record.get("view") == old[record["name"]].get("view") == FIRST
    )


def write_digests(present: Sequence[Record], path: Path = DIGESTS, version: int = PREPROCESSING_VERSION) -> None:
    """Writes records sorted by name, one a line, after a line with the version of the preprocessing.

    Args:
        present: what comes out now.
        path: of the file.
        version: of the preprocessing that made the images.

    Raises:
        SettingError: an image has changed, and the version is the one in the file.
    """
    if path.exists() and version == read_preprocessing_version(path):
        changed = changed_images(read_digests(path), present)
        if changed:
            raise SettingError(
                f"The 28x28 images of {len(changed)} pictures have changed ({', '.join(changed[:3])}, ...), but "
                f"PREPROCESSING_VERSION in digits/vision/mnist_form.py is still {version}. Raise it, and try again."
            )
    lines = [json.dumps({"preprocessing": version}, separators=(",", ":"))]
    lines += [
        json.dumps(record, separators=(",", ":")) for record in sorted(present, key=lambda record: record["name"])
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Compares, or writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the digests anew")
    options = parser.parse_args(argv)
    present = list(records())
    if options.write:
        try:
            write_digests(present)
        except SettingError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{len(present)} pictures written to {DIGESTS}")
        return 0
    committed = read_digests()
    different, rounded = differences(committed, present), rounded_otherwise(committed, present)
    for name, fields in list(different.items())[:_MOST_NAMED]:
        print(f"{name}: {', '.join(fields)}")
    if len(different) > _MOST_NAMED:
        print(f"and {len(different) - _MOST_NAMED} more")
    print(f"{len(different)} of {len(present)} pictures differ; {len(rounded)} more in the last decimal alone")
    return 1 if different else 0
