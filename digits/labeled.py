"""Labeled pictures: a folder with labels.csv, or an npz file."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import DataMismatchError, DataUnavailableError

LABELS_FILE = "labels.csv"


@dataclass(frozen=True)
class LabeledPicture:
    """One picture to score.

    Args:
        name: its file, or its place in the npz.
        label: the digit on it, "0" to "9"; several digits, as "2024"; or what else it shows, as "letter" or
            "letter:pi", whose part before the colon is its kind.
        source: where it comes from, for figures by source; "" if nobody said.
        content: the file, or uint8 pixels of shape (height, width) or (height, width, 3).
        ambiguous: whether it shows no digit but could pass for one.
    """

    name: str
    label: str
    source: str
    content: Path | npt.NDArray[np.uint8]
    ambiguous: bool = False


def read_labeled(path: Path) -> list[LabeledPicture]:
    """Reads what there is to score; pictures in files are opened later, one at a time.

    Args:
        path: a folder with a labels.csv of the columns file, label and, if wanted, source (or source_repo) and notes
            (in which the word AMBIGUOUS marks what could pass for a digit); or an npz with the arrays images (uint8,
            of shape (n, height, width) or (n, height, width, 3)) and labels. A file in labels.csv may be an npz, too:
            the row's label then holds for all its images.

    Raises:
        DataUnavailableError: there is no such folder or file, or no labels.csv in it.
        DataMismatchError: it has another form.
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
    with file.open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader(handle)
        if not {"file", "label"} <= set(rows.fieldnames or ()):
            raise DataMismatchError(f"{file} has the columns {rows.fieldnames}; it needs file and label.")
        for row in rows:
            source = row.get("source") or row.get("source_repo") or ""
            label, content = (row["label"] or "").strip(), folder / row["file"]
            ambiguous = "AMBIGUOUS" in (row.get("notes") or "")
            if content.suffix == ".npz":
                for picture in _from_npz(content):
                    yield replace(picture, label=label or picture.label, source=source, ambiguous=ambiguous)
            else:
                yield LabeledPicture(row["file"], label, source, content, ambiguous)


def _from_npz(file: Path) -> Iterator[LabeledPicture]:
    try:
        with file.open("rb") as handle:
            arrays = np.load(handle, allow_pickle=False)
            images, labels = np.asarray(arrays["images"]), np.asarray(arrays["labels"])
    except Exception as error:
        # On damaged bytes the readers of zip and npy raise nearly anything.
        raise DataMismatchError(
            f"{file} cannot be read: an npz with the arrays images and labels is needed."
        ) from error
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or len(images) != len(labels):
        raise DataMismatchError(
            f"{file} has images of {images.dtype} and shape {images.shape} and {len(labels)} labels; uint8 images of "
            "shape (n, height, width) or (n, height, width, 3) and as many labels are needed."
        )
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield LabeledPicture(f"{file.stem}-{i}", str(label), "", image)
