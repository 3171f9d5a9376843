"""Reads labeled pictures: from folders, tables, npz files and IDX files."""

import csv
import io
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.data import idx
from digits.data.image_arrays import are_transposed, as_images, as_labels, parts_of
from digits.errors import DataMismatchError, DataUnavailableError
from digits.images.formats import SUFFIXES
from digits.images.sources import read_npz

LABELS_FILE = "labels.csv"
_PARTS = ("train", "test")

_FILE_COLUMNS = ("file", "filename", "file_name", "image", "path")
_LABEL_COLUMNS = ("label", "digit", "class", "target")
_SEPARATOR_LINE = re.compile(r"\Asep=.\r?\n?", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"\A(\d+)\.0+\Z")
# A number with signs, such as -36, 12/08/1994 or 19.95.
_WITH_SIGNS = re.compile(r"(?=.*\d)(?=.*[^\d\s])[\d\W_]+")
_NAMES_SHOWN = 8
_FORMS = (
    f"a folder with a {LABELS_FILE} (columns file and label), a folder with a subfolder of pictures for each digit "
    "(0 to 9), an npz file (images and labels), or IDX files (...-images-idx3-ubyte)"
)


@dataclass(frozen=True)
class LabeledPicture:
    """One picture to score.

    Args:
        name: of the file, or of the npz with the index in it.
        label: the digit, "0" to "9"; several digits, such as "2024"; or a word for what else the picture shows, such
            as "letter" or "letter:pi", in which the part before the colon is the kind.
        source: where the picture comes from, for figures by source; "" if unknown.
        content: the file, or uint8 pixels of shape (height, width) or (height, width, 3).
        ambiguous: whether the picture shows no digit but could pass for one.
    """

    name: str
    label: str
    source: str
    content: Path | npt.NDArray[np.uint8]
    ambiguous: bool = False


def read_labeled(path: Path, say: Callable[[str], None] = lambda _: None) -> list[LabeledPicture]:
    """Reads labels, and pictures of npz and IDX files. Pictures in files of their own are opened later, one at a time.

    Args:
        path: a folder with a labels.csv, with a subfolder for each digit, or with IDX files; an npz; or an IDX file of
            images, beside which that of the labels lies. The columns of labels.csv are file, label and optionally
            source (or source_repo) and notes, in which the word AMBIGUOUS marks what could pass for a digit; commas,
            semicolons or tabs are between them. The arrays of an npz are images and labels, or others that
            `digits.data.image_arrays` knows; if it has a test part, that is read. A file in labels.csv may be an npz:
            the label of the row then holds for all its images.
        say: called with each line about how the data is understood.

    Raises:
        DataUnavailableError: there is no such folder or file, or nothing in it that is known.
        DataMismatchError: the folder or file has another form, or a label in labels.csv is a number with signs.
    """
    if path.is_dir():
        if (path / LABELS_FILE).is_file():
            return list(_from_table(path))
        if files := sorted(file for file in path.iterdir() if idx.is_images(file)):
            chosen = [file for file in files if idx.is_test(file)] or files
            return [picture for file in chosen for picture in _from_idx(file, say)]
        return list(_from_subfolders(path))
    if path.suffix.lower() == ".npz" and path.is_file():
        return list(_from_npz(path, say=say))
    if idx.is_images(path):
        return list(_from_idx(path, say))
    state = "is none of these" if path.exists() else "does not exist"
    raise DataUnavailableError(f"{path} {state}. Labeled pictures come as {_FORMS}.")


def read_parts(path: Path, say: Callable[[str], None] = lambda _: None) -> dict[str, list[LabeledPicture]]:
    """Reads labeled pictures by the part of the data set that they belong to: `train` and `test`, or `all`.

    A folder has parts if it has folders `train` and `test`, or IDX files of both; an npz file if the names of its
    arrays tell. The rest as for `read_labeled`.
    """
    if path.is_dir() and (path / "train").is_dir() and (path / "test").is_dir():
        if others := sorted(
            item.name for item in path.iterdir() if item.is_dir() and item.name not in _PARTS and item.name[0] != "."
        ):
            say(f"{path}: not used: {_few(others)}")
        return {part: read_labeled(path / part, say) for part in _PARTS}
    if path.is_dir() and not (path / LABELS_FILE).is_file():
        parts: dict[str, list[LabeledPicture]] = {}
        for file in sorted(file for file in path.iterdir() if idx.is_images(file)):
            parts.setdefault("test" if idx.is_test(file) else "train", []).extend(_from_idx(file, say))
        if parts:
            return parts if len(parts) > 1 else {"all": next(iter(parts.values()))}
    if path.suffix.lower() == ".npz" and path.is_file():
        whole = read_arrays(path)
        arrays = parts_of(whole, str(path))
        used = {id(array) for pair in arrays.values() for array in pair}
        if others := [name for name, array in whole.items() if id(array) not in used]:
            say(f"{path}: not used: {_few(others)}")
        if len(arrays) > 1:
            return {part: list(_of_arrays(path, *arrays[part], say)) for part in _PARTS}
    return {"all": read_labeled(path, say)}


def _from_subfolders(folder: Path) -> Iterator[LabeledPicture]:
    """Yields the pictures of a folder in which each subfolder's name is the label of its pictures."""
    subfolders = sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    if not any(re.fullmatch("[0-9]", child.name) for child in subfolders):
        inside = [child.name for child in subfolders if any((child / digit).is_dir() for digit in "0123456789")]
        hint = f" Name one of its folders: {', '.join(inside)}." if inside else ""
        raise DataUnavailableError(f"There is no {folder / LABELS_FILE}. Labeled pictures come as {_FORMS}.{hint}")
    for child in subfolders:
        for file in sorted(child.rglob("*")):
            if file.suffix.lower() in SUFFIXES and file.is_file() and not file.name.startswith("."):
                yield LabeledPicture(file.relative_to(folder).as_posix(), child.name, "", file)


def _from_table(folder: Path) -> Iterator[LabeledPicture]:
    file = folder / LABELS_FILE
    try:
        text = _decoded(file.read_bytes()).lstrip("\r\n")
        # A line that Excel understands, and that is no row.
        text = _SEPARATOR_LINE.sub("", text)
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        rows = csv.DictReader(io.StringIO(text, newline=""), restval="", delimiter=delimiter)
        columns = _named([name.strip().lower() for name in rows.fieldnames or ()])
        rows.fieldnames = columns
        if not {"file", "label"} <= set(columns):
            raise DataMismatchError(
                f"{file} has the columns {_few(columns)}; it needs file and label, with commas, semicolons or tabs."
            )
        for row in rows:
            yield from _of_row(folder, row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataMismatchError(f"{file} cannot be read ({error}); save it as CSV in UTF-8.") from error


def _few(names: Collection[str]) -> str:
    """Returns a list of names in words, cut short."""
    shown = ", ".join(itertools.islice(names, _NAMES_SHOWN))
    return f"{shown} and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else shown


def _decoded(data: bytes) -> str:
    """Returns the text of a table; Excel puts a byte order mark in front, and writes UTF-16 as "Unicode text"."""
    return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")


def _named(columns: list[str]) -> list[str]:
    """Returns the names of columns, in which other usual names of file and label are those two."""
    names = list(columns)
    for name, usual in (("file", _FILE_COLUMNS), ("label", _LABEL_COLUMNS)):
        present = next((column for column in usual if column in names), None)
        if present:
            names[names.index(present)] = name
    return names


def _of_row(folder: Path, row: Mapping[str, str]) -> Iterator[LabeledPicture]:
    label, name, notes = row["label"].strip(), row["file"].strip(), row.get("notes", "")
    # Tables of other programs have numbers with a point.
    label = _WHOLE_NUMBER.sub(r"\1", label)
    if not name or not (label or name.endswith(".npz")):
        raise DataMismatchError(f"{folder / LABELS_FILE} has a row without a file or a label: {dict(row)}.")
    if _WITH_SIGNS.fullmatch(label):
        alone = re.sub(r"[^\d\s]", "", label)
        raise DataMismatchError(
            f"{folder / LABELS_FILE}: the label {label!r} of {name} has a sign. Write the digits alone: {alone}."
        )
    source = row.get("source") or row.get("source_repo") or ""
    ambiguous, content = "AMBIGUOUS" in notes, folder / name
    if "\\" in name and not content.exists():
        # The table was written on Windows.
        content = folder / name.replace("\\", "/")
    if content.suffix == ".npz":
        for picture in _from_npz(content, label):
            yield replace(picture, source=source, ambiguous=ambiguous)
    else:
        yield LabeledPicture(name, label, source, content, ambiguous)


def _from_npz(
    file: Path, label_of_all: str = "", say: Callable[[str], None] = lambda _: None
) -> Iterator[LabeledPicture]:
    if label_of_all:
        for i, image in enumerate(read_npz(file)["images"]):
            yield LabeledPicture(f"{file.stem}-{i}", label_of_all, "", image)
        return
    parts = parts_of(read_arrays(file), str(file))
    part = next(iter(parts))
    if len(parts) > 1:
        say(f"{file}: its {part} part is taken")
    yield from _of_arrays(file, *parts[part], say)


def read_arrays(file: Path) -> Mapping[str, npt.NDArray[Any]]:
    """Reads all arrays of an npz file, of any types and shapes.

    Raises:
        DataUnavailableError: it cannot be opened.
        DataMismatchError: it is no such file.
    """
    try:
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            return dict(archive)
    except OSError as error:
        raise DataUnavailableError(f"{file} cannot be read: {error.strerror or error}.") from error
    except Exception as error:
        # On damaged bytes the readers of zip and npy raise nearly anything.
        raise DataMismatchError(
            f"{file} cannot be read: an npz file with the arrays images and labels is needed, without pickled objects."
        ) from error


def _from_idx(file: Path, say: Callable[[str], None]) -> Iterator[LabeledPicture]:
    images, labels = idx.read_images_and_labels(file)
    yield from _of_arrays(file, images, labels, say)


def _of_arrays(
    file: Path, images: npt.NDArray[Any], labels: npt.NDArray[Any], say: Callable[[str], None]
) -> Iterator[LabeledPicture]:
    pictures = as_images(images, str(file))
    texts = as_labels(labels, len(pictures), str(file))
    if are_transposed(pictures, texts):
        say(f"{file}: rows and columns are exchanged, as in EMNIST's files; they are put right")
        pictures = pictures.swapaxes(1, 2)
    for i, (image, text) in enumerate(zip(pictures, texts, strict=True)):
        yield LabeledPicture(f"{file.stem}-{i}", text, "", np.ascontiguousarray(image))
