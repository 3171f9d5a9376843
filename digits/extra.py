"""Pictures to learn from besides MNIST: a labeled folder, a part of which is held out to see whether they helped."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.errors import DataMismatchError, ImageError
from digits.image import decode
from digits.labeled import LabeledPicture, read_labeled
from digits.measure import DIGITS
from digits.mnist import Images, Labels, Mnist, Split, split
from digits.normalize import as_gray, normalize

# One picture in so many is held out; which, its content says, so that it stays out when others join.
HELD_OUT_ONE_IN = 5
# With fewer, one lucky answer would decide.
MIN_HELD_OUT = 5

# A few pictures among 55,000 would not be noticed: each is learned from this often in an epoch, as long as all of them
# together are no more than this share of MNIST's.
_MOST_TIMES = 20
_MOST_SHARE = 0.1

_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Extra:
    """A labeled folder, parted.

    Args:
        images: uint8 of shape (n, 28, 28), normalized as the network will see such pictures: to be learned from.
        labels: uint8 of shape (n,), 0..9.
        times: how often each of them is learned from in an epoch.
        held_out: pictures that are not.
        left_out: names of pictures that are used for neither, by why.
        digest: SHA-256 of the pictures of both parts and their labels, whatever their order and names.
    """

    images: Images
    labels: Labels
    times: int
    held_out: tuple[LabeledPicture, ...]
    left_out: Mapping[str, list[str]]
    digest: str

    def join(self, parts: Split) -> Split:
        """MNIST's parts, and the images among those to be learned from."""
        return replace(
            parts,
            x_fit=np.concatenate([parts.x_fit, np.tile(self.images, (self.times, 1, 1))]),
            y_fit=np.concatenate([parts.y_fit, np.tile(self.labels, self.times)]),
        )

    def to_json(self) -> dict[str, Any]:
        """What a card says of it, as JSON's types."""
        return {
            "digest": self.digest,
            "fit": len(self.labels),
            "times": self.times,
            "held_out": len(self.held_out),
        }

    def describe(self) -> list[str]:
        """What is used for what, and what is left out, for people: lines."""
        lines = [
            f"{len(self.labels)} extra pictures to learn from, each {self.times} times an epoch; "
            f"{len(self.held_out)} held out"
        ]
        return lines + [f"  left out: {line}" for line in _in_words(self.left_out)]


def read_extra(path: Path, data: Mnist) -> Extra:
    """Reads labeled pictures of digits, and holds a part of them out.

    A picture that is there twice counts once. Those that cannot be read, show no single digit, have two labels, or are
    MNIST's own (which would be tested on what was learned) are left out, by name.

    Args:
        path: what `digits.labeled.read_labeled` takes.
        data: MNIST, whose images do not count as extra.

    Raises:
        DataUnavailableError: there is no such folder or file, or no labels.csv in it.
        DataMismatchError: it has another form, or too few pictures.
    """
    known = {image.tobytes() for image in np.concatenate([data.x_train, data.x_test])}
    left_out: defaultdict[str, list[str]] = defaultdict(list)
    found: defaultdict[str, list[tuple[LabeledPicture, npt.NDArray[np.uint8]]]] = defaultdict(list)
    for picture in read_labeled(path):
        if picture.label not in DIGITS:
            left_out["labeled as no single digit"].append(picture.name)
            continue
        try:
            content = picture.content
            pixels = decode(content.read_bytes()) if isinstance(content, Path) else content
            image = normalize(pixels).image
        except ImageError as error:
            left_out[f"unreadable: {type(error).__name__}"].append(picture.name)
        except OSError as error:
            left_out[f"not opened: {error.strerror}"].append(picture.name)
        else:
            if image.tobytes() in known:
                left_out["MNIST's own"].append(picture.name)
            else:
                found[content_digest(pixels)].append((picture, image))
    for digest, same in list(found.items()):
        if len({picture.label for picture, _ in same}) > 1:
            left_out["there twice with different labels"] += [picture.name for picture, _ in found.pop(digest)]
    chosen = {digest: same[0] for digest, same in sorted(found.items())}
    return _part(path, chosen, left_out, len(split(data).x_fit))


def content_digest(pixels: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of a picture's gray pixels, which are the same whatever lossless format it is kept in."""
    gray = np.ascontiguousarray(as_gray(pixels))
    return hashlib.sha256(f"{gray.shape}".encode() + gray.tobytes()).hexdigest()


def is_held_out(digest: str) -> bool:
    """Whether the picture of that content is held out."""
    return int(digest[:8], 16) % HELD_OUT_ONE_IN == 0


def _part(
    path: Path,
    found: Mapping[str, tuple[LabeledPicture, npt.NDArray[np.uint8]]],
    left_out: Mapping[str, list[str]],
    mnist_size: int,
) -> Extra:
    held_out = tuple(picture for digest, (picture, _) in found.items() if is_held_out(digest))
    learned = [pair for digest, pair in found.items() if not is_held_out(digest)]
    if len(held_out) < MIN_HELD_OUT or not learned:
        why = f" Left out: {'; '.join(_in_words(left_out))}." if left_out else ""
        raise DataMismatchError(
            f"{path} has {len(found)} different pictures of single digits that can be used: {len(learned)} to learn "
            f"from and {len(held_out)} to hold out (one in {HELD_OUT_ONE_IN}, by content). At least {MIN_HELD_OUT} "
            f"have to be held out: bring more, {2 * HELD_OUT_ONE_IN * MIN_HELD_OUT} or so in all.{why}"
        )
    listing = "".join(f"{digest} {picture.label}\n" for digest, (picture, _) in found.items())
    return Extra(
        images=np.stack([image for _, image in learned]),
        labels=np.array([int(picture.label) for picture, _ in learned], np.uint8),
        times=max(1, min(_MOST_TIMES, int(_MOST_SHARE * mnist_size / len(learned)))),
        held_out=held_out,
        left_out=dict(left_out),
        digest=hashlib.sha256(listing.encode()).hexdigest(),
    )


def _in_words(left_out: Mapping[str, list[str]]) -> list[str]:
    """Which pictures are not used, and why: a text for each reason, with the names of the first few."""
    texts = []
    for why, names in left_out.items():
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        texts.append(f"{len(names)} {why} ({', '.join(names[:_NAMES_SHOWN])}{more})")
    return texts
