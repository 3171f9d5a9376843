"""Data of one's own to train on instead of MNIST."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.arrays import SIDE
from digits.data.labeled import LabeledPicture, read_parts
from digits.data.mnist import Mnist, load
from digits.errors import DataMismatchError, ImageError, NoInkError
from digits.evaluation.pictures import DIGITS, pixels_of
from digits.training.extra.folder import in_words
from digits.vision.normalize import fetch_digit

# One picture in this many is tested on. Its content decides, so that copies of a picture are on one side.
TEST_ONE_IN = 6
LEAST_TO_LEARN, LEAST_TO_TEST = 100, 20


@dataclass(frozen=True)
class OwnData(Mnist):
    """A data set of one's own, of any size, in the form of MNIST."""

    @property
    def name(self) -> str:
        """The name of its file or folder."""
        return Path(self.source).name

    @property
    def digest(self) -> str:
        """SHA-256 of the images and labels, for the card."""
        whole = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            whole.update(array.tobytes())
        return whole.hexdigest()


def load_data(path: Path, say: Callable[[str], None]) -> Mnist:
    """Loads MNIST from an npz, or labeled pictures of one's own.

    Args:
        path: as `digits.data.labeled.read_parts` takes it. Pictures of 28x28 pixels are learned from as they are, with
            light strokes on a dark ground; others are normalized as uploads are.
        say: called with each line about how the data is understood.

    Returns:
        MNIST, or the data as `OwnData`. Each image is in it once. Images that are equal and have different labels are
        left out.

    Raises:
        DataUnavailableError: there is nothing there that is known.
        DataMismatchError: the data has another form, or too few pictures.
    """
    if path.suffix.lower() == ".npz":
        try:
            return load(path)
        except DataMismatchError:
            # Whatever it is, it is not MNIST.
            pass
    parts = read_parts(path, say)
    left_out: defaultdict[str, list[str]] = defaultdict(list)
    images = {part: _normalized(pictures, left_out) for part, pictures in parts.items()}
    _without_contradictions(images, left_out)
    for items in images.values():
        left_out["copies of others"] += [item.name for copies in items.values() for item in copies.pictures[1:]]
    if "all" in images:
        learn, test = _parted(images["all"])
        say(f"{path}: one picture in {TEST_ONE_IN} is held out to test, chosen by its content")
    else:
        test = images["test"]
        # What is tested on must not be learned from.
        learn = {digest: copies for digest, copies in images["train"].items() if digest not in test}
        left_out["in the test part, too"] += [
            copies.pictures[0].name for digest, copies in images["train"].items() if digest in test
        ]
    for line in in_words({reason: names for reason, names in left_out.items() if names}):
        say(f"  left out: {line}")
    if len(learn) < LEAST_TO_LEARN or len(test) < LEAST_TO_TEST:
        raise DataMismatchError(
            f"{path} has {len(learn):,} different pictures of digits to learn from and {len(test):,} to test on; at "
            f"least {LEAST_TO_LEARN} and {LEAST_TO_TEST} are needed."
        )
    return OwnData(*_arrays(learn), *_arrays(test), str(path))


@dataclass
class _Copies:
    """A 28x28 image, and the pictures that have it."""

    image: npt.NDArray[np.uint8]
    pictures: list[LabeledPicture] = field(default_factory=list)

    @property
    def labels(self) -> set[str]:
        """The different labels of the pictures."""
        return {picture.label for picture in self.pictures}


def _normalized(pictures: Iterable[LabeledPicture], left_out: defaultdict[str, list[str]]) -> dict[str, _Copies]:
    """Returns the different 28x28 images by their digests, and adds the names of what is left out to `left_out`."""
    images: dict[str, _Copies] = {}
    for picture in pictures:
        if picture.label not in DIGITS:
            left_out["labeled as no single digit"].append(picture.name)
            continue
        try:
            image = _image_of(picture)
        except ImageError as error:
            left_out[f"unreadable: {type(error).__name__}"].append(picture.name)
            continue
        except OSError as error:
            left_out[f"not opened: {error.strerror}"].append(picture.name)
            continue
        images.setdefault(hashlib.sha256(image.tobytes()).hexdigest(), _Copies(image)).pictures.append(picture)
    return images


def _without_contradictions(parts: Mapping[str, dict[str, _Copies]], left_out: defaultdict[str, list[str]]) -> None:
    """Takes images that have several labels, in one part or in two, out of all parts.

    Nobody can tell which of the labels is right, and a network would learn or be tested on a wrong one.
    """
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for images in parts.values():
        for digest, copies in images.items():
            labels[digest] |= copies.labels
    for images in parts.values():
        for digest in [digest for digest in images if len(labels[digest]) > 1]:
            pictures = images.pop(digest).pictures
            left_out["equal to others with another label"] += [f"{item.name}: {item.label}" for item in pictures]


def _image_of(picture: LabeledPicture) -> npt.NDArray[np.uint8]:
    pixels = pixels_of(picture)
    if pixels.shape == (SIDE, SIDE):
        if pixels.min() == pixels.max():
            raise NoInkError("The image has a single shade.")
        return 255 - pixels if np.median(pixels) > 127 else pixels
    return fetch_digit(pixels).image


def _parted(images: dict[str, _Copies]) -> tuple[dict[str, _Copies], dict[str, _Copies]]:
    """Returns the pictures to learn from and those to test on."""
    test = {digest: copies for digest, copies in images.items() if int(digest[:8], 16) % TEST_ONE_IN == 0}
    return {digest: copies for digest, copies in images.items() if digest not in test}, test


def _arrays(images: dict[str, _Copies]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Returns images and labels in the order of their digests, in which no digit comes before another."""
    ordered = [images[digest] for digest in sorted(images)]
    labels = [int(copies.pictures[0].label) for copies in ordered]
    return np.stack([copies.image for copies in ordered]), np.array(labels, np.uint8)
