"""Reads labeled pictures from a folder with labels.csv, or from an npz file."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import DataMismatchError, DataUnavailableError
from digits.images.sources import read_npz

LABELS_FILE = "labels.csv"


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


def read_labeled(path: Path) -> list[LabeledPicture]:
    """Reads labels, and pictures of npz files. Pictures in files of their own are opened later, one at a time.

    Args:
        path: a folder with a labels.csv, or an npz. The columns of labels.csv are file, label and optionally source
            (or source_repo) and notes, in which the word AMBIGUOUS marks what could pass for a digit. The arrays of an
            npz are images (uint8, of shape (n, height, width) or (n, height, width, 3)) and labels. A file in
            labels.csv may be an npz: the label of the row then holds for all its images.

    Raises:
        DataUnavailableError: there is no such folder or file, or no labels.csv in the folder.
        DataMismatchError: the folder or file has another form.
    """
    if path.is_dir():
        return list(_from_folder(path))
    if path.suffix == ".npz" and path.is_file():
        return list(_from_npz(path))
    raise DataUnavailableError(
        f"{path} is neither a folder with a {LABELS_FILE} nor an npz file with the arrays images and labels."
    )


def _from_folder(folder: Path) -> Iterator[LabeledPicture]:
    file = folder / LABELS_FILE
    if not file.is_file():
        raise DataUnavailableError(f"There is no {file}; it has to have the columns file and label.")
    try:
        # Excel puts a byte order mark in front.
        with file.open(encoding="utf-8-sig", newline="") as handle:
            rows = csv.DictReader(handle, restval="")
            rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
            if not {"file", "label"} <= set(rows.fieldnames):
                raise DataMismatchError(
                    f"{file} has the columns {rows.fieldnames}; it needs file and label, with commas."
                )
            for row in rows:
                yield from _of_row(folder, row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataMismatchError(f"{file} cannot be read ({error}); save it as CSV in UTF-8.") from error


def _of_row(folder: Path, row: Mapping[str, str]) -> Iterator[LabeledPicture]:
    label, name, notes = row["label"].strip(), row["file"].strip(), row.get("notes", "")
    if not name or not (label or name.endswith(".npz")):
        raise DataMismatchError(f"{folder / LABELS_FILE} has a row without a file or a label: {dict(row)}.")
    source = row.get("source") or row.get("source_repo") or ""
    ambiguous, content = "AMBIGUOUS" in notes, folder / name
    if content.suffix == ".npz":
        for picture in _from_npz(content, label):
            yield replace(picture, source=source, ambiguous=ambiguous)
    else:
        yield LabeledPicture(name, label, source, content, ambiguous)


def _from_npz(file: Path, label_of_all: str = "") -> Iterator[LabeledPicture]:
    arrays = read_npz(file)
    if label_of_all:
        for i, image in enumerate(arrays["images"]):
            yield LabeledPicture(f"{file.stem}-{i}", label_of_all, "", image)
        return
    images, labels = arrays["images"], arrays.get("labels", np.zeros(0))
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "uiUS":
        raise DataMismatchError(
            f"{file} has {len(images):,} images and labels of {labels.dtype} and shape {labels.shape}; a whole number "
            "or a text for each image is needed."
        )
    texts = np.char.decode(labels, "utf-8") if labels.dtype.kind == "S" else labels
    for i, (image, label) in enumerate(zip(images, texts.tolist(), strict=True)):
        text = str(label).strip()
        if not text:
            raise DataMismatchError(f"{file} has no label for image {i}; give it one, or leave the image out.")
        yield LabeledPicture(f"{file.stem}-{i}", text, "", image)
