"""Data of one's own to train on instead of MNIST."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.arrays import SIDE
from digits.data.labeled import LabeledPicture, read_parts
from digits.data.mnist import Mnist, load
from digits.errors import DataMismatchError, ImageError
from digits.images.decode import decode
from digits.vision.normalize import fetch_digit

# One picture in this many is tested on. Its content decides, so that copies of a picture are on one side.
TEST_ONE_IN = 6
LEAST_TO_LEARN, LEAST_TO_TEST = 100, 20

_DIGITS = frozenset("0123456789")


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
    left_out: Counter[str] = Counter()
    images = {part: _normalized(pictures, left_out) for part, pictures in parts.items()}
    if "all" in images:
        learn, test = _parted(images["all"])
        say(f"{path}: one picture in {TEST_ONE_IN} is held out to test, chosen by its content")
    else:
        test = images["test"]
        # What is tested on must not be learned from.
        learn = {digest: item for digest, item in images["train"].items() if digest not in test}
        left_out["in the test part, too"] += len(images["train"]) - len(learn)
    for reason, count in left_out.items():
        if count:
            say(f"  left out: {count:,} {reason}")
    if len(learn) < LEAST_TO_LEARN or len(test) < LEAST_TO_TEST:
        raise DataMismatchError(
            f"{path} has {len(learn):,} different pictures of digits to learn from and {len(test):,} to test on; at "
            f"least {LEAST_TO_LEARN} and {LEAST_TO_TEST} are needed."
        )
    return OwnData(*_arrays(learn), *_arrays(test), str(path))


_Item = tuple[npt.NDArray[np.uint8], int]


def _normalized(pictures: Iterable[LabeledPicture], left_out: Counter[str]) -> dict[str, _Item]:
    """Returns the 28x28 image and the digit of each picture by the digest of both; counts what is left out."""
    items: dict[str, _Item] = {}
    for picture in pictures:
        if picture.label not in _DIGITS:
            left_out["labeled as no single digit"] += 1
            continue
        try:
            image = _image_of(picture)
        except ImageError as error:
            left_out[f"unreadable: {type(error).__name__}"] += 1
            continue
        except OSError as error:
            left_out[f"not opened: {error.strerror}"] += 1
            continue
        # Of copies one is enough.
        digest = hashlib.sha256(image.tobytes()).hexdigest()
        left_out["copies of others"] += digest in items
        items[digest] = image, int(picture.label)
    return items


def _image_of(picture: LabeledPicture) -> npt.NDArray[np.uint8]:
    content = picture.content
    pixels = decode(content.read_bytes()) if isinstance(content, Path) else content
    if pixels.shape == (SIDE, SIDE):
        return 255 - pixels if np.median(pixels) > 127 else pixels
    return fetch_digit(pixels).image


def _parted(items: dict[str, _Item]) -> tuple[dict[str, _Item], dict[str, _Item]]:
    """Returns the pictures to learn from and those to test on."""
    test = {digest: item for digest, item in items.items() if int(digest[:8], 16) % TEST_ONE_IN == 0}
    return {digest: item for digest, item in items.items() if digest not in test}, test


def _arrays(items: dict[str, _Item]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Returns images and labels in the order of their digests, in which no digit comes before another."""
    ordered = [items[digest] for digest in sorted(items)]
    return np.stack([image for image, _ in ordered]), np.array([digit for _, digit in ordered], np.uint8)
