"""Pictures to learn from besides MNIST: a labeled folder, a part of which is held out to see whether they helped."""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.arrays import SIDE
from digits.data.labeled import LabeledPicture, read_labeled
from digits.data.mnist import Images, Labels, Mnist, Split, split
from digits.errors import DataMismatchError, ImageError, SeveralDigitsError
from digits.evaluation.pictures import DIGITS
from digits.images.decode import decode
from digits.recognizer import Recognizer, shipped_model
from digits.training.extra.near_duplicates import find_near_duplicates, group_near_duplicates

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
        digest: SHA-256 of both parts as the network sees them and their labels, whatever their order and names.
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


@dataclass(frozen=True)
class _Found:
    """A picture of a single digit, what the network sees of it, and the digest of that."""

    picture: LabeledPicture
    image: npt.NDArray[np.uint8]
    digest: str


def read_extra(path: Path, data: Mnist) -> Extra:
    """Reads labeled pictures of digits, and holds a part of them out.

    Copies of a picture count once, even if they are inverted, padded, enlarged or compressed again: pictures are told
    apart by what the network sees of them. Those that cannot be read, show no single digit, have two labels, or are
    MNIST's own (which would be tested on what was learned) are left out, by name. What `near_duplicates` cannot tell
    passes for a picture of its own: a copy reduced to half its size, photographed, or turned. Some plain 1s are so like
    one of MNIST's that they are taken for it.

    A picture once held out is never learned from when others join it. One that was learned from may come to be held
    out: when a copy joins it that is.

    Args:
        path: what `digits.data.labeled.read_labeled` takes.
        data: MNIST, whose images do not count as extra.

    Raises:
        DataUnavailableError: there is no such folder or file, or no labels.csv in it.
        DataMismatchError: it has another form, or too few pictures.
    """
    left_out: defaultdict[str, list[str]] = defaultdict(list)
    new = list(_single_digits(read_labeled(path), left_out))
    if new:
        known = find_near_duplicates(_images(new), np.concatenate([data.x_train, data.x_test]))
        for one in itertools.compress(new, known):
            left_out["MNIST's own"].append(one.picture.name)
        new = list(itertools.compress(new, ~known))
    different = []
    for places in group_near_duplicates(_images(new)):
        copies = [new[i] for i in places]
        if len({one.picture.label for one in copies}) > 1:
            left_out["there twice with different labels"] += [one.picture.name for one in copies]
        else:
            different.append(sorted(copies, key=lambda one: one.digest))
    return _part(path, sorted(different, key=lambda copies: copies[0].digest), left_out, len(split(data).x_fit))


def _single_digits(pictures: Iterable[LabeledPicture], left_out: defaultdict[str, list[str]]) -> Iterator[_Found]:
    """The pictures that can be learned from; the names of others go to `left_out`."""
    # Always the same judge: what is used must not depend on the model that the new one is compared with.
    judge = Recognizer.load(shipped_model())
    for picture in pictures:
        if picture.label not in DIGITS:
            left_out["labeled as no single digit"].append(picture.name)
            continue
        try:
            image = judge.recognize_pixels(_pixels(picture)).normalized.image
        except SeveralDigitsError:
            left_out["of several digits"].append(picture.name)
        except ImageError as error:
            left_out[f"unreadable: {type(error).__name__}"].append(picture.name)
        except OSError as error:
            left_out[f"not opened: {error.strerror}"].append(picture.name)
        else:
            yield _Found(picture, image, hashlib.sha256(image.tobytes()).hexdigest())


def _pixels(picture: LabeledPicture) -> npt.NDArray[np.uint8]:
    return decode(picture.content.read_bytes()) if isinstance(picture.content, Path) else picture.content


def _images(found: Sequence[_Found]) -> Images:
    return np.array([one.image for one in found], np.uint8).reshape(-1, SIDE, SIDE)


def is_held_out(digest: str) -> bool:
    """Whether the image of that digest is held out."""
    return int(digest[:8], 16) % HELD_OUT_ONE_IN == 0


def _part(path: Path, found: Sequence[Sequence[_Found]], left_out: Mapping[str, list[str]], mnist_size: int) -> Extra:
    """Components pictures, each given with its copies, the one that stands for them first."""
    # By any of the copies, so that another one that joins them cannot bring a held-out picture back.
    held_out = [copies[0] for copies in found if any(is_held_out(one.digest) for one in copies)]
    learned = [copies[0] for copies in found if not any(is_held_out(one.digest) for one in copies)]
    if len(held_out) < MIN_HELD_OUT or not learned:
        why = f" Left out: {'; '.join(_in_words(left_out))}." if left_out else ""
        raise DataMismatchError(
            f"{path} has {len(found)} different pictures of single digits that can be used: {len(learned)} to learn "
            f"from and {len(held_out)} to hold out (one in {HELD_OUT_ONE_IN}, by content). At least {MIN_HELD_OUT} "
            f"have to be held out: bring more, {2 * HELD_OUT_ONE_IN * MIN_HELD_OUT} or so in all.{why}"
        )
    listing = "".join(f"{one.digest} {one.picture.label}\n" for one, *_ in found)
    return Extra(
        images=_images(learned),
        labels=np.array([int(one.picture.label) for one in learned], np.uint8),
        times=max(1, min(_MOST_TIMES, int(_MOST_SHARE * mnist_size / len(learned)))),
        held_out=tuple(one.picture for one in held_out),
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
