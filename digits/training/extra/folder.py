"""Pictures to learn from besides MNIST: a labeled folder, a part of which is held out to measure whether they help."""

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
from digits.evaluation.pictures import DIGITS, pixels_of
from digits.recognizer import Recognizer, shipped_model
from digits.training.extra.near_duplicates import find_near_duplicates, group_near_duplicates

# One picture in this many is held out. Its content decides, so that it stays out when others join.
HELD_OUT_ONE_IN = 5
# With fewer held-out pictures, one lucky answer would decide.
MIN_HELD_OUT = 5

# A few pictures among 55,000 would change nothing. So each is shown this many times in an epoch, as long as all of them
# together are no more than this share of MNIST's.
_MOST_TIMES = 20
_MOST_SHARE = 0.1

_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Extra:
    """A labeled folder, split into pictures to learn from and held-out pictures.

    Args:
        images: uint8 of shape (n, 28, 28), the normalized pictures to learn from.
        labels: uint8 of shape (n,), 0..9.
        times: how often each of them is shown in an epoch.
        held_out: the pictures that are held out.
        left_out: names of the pictures that are not used, by reason.
        digest: SHA-256 of the normalized images of both parts and their labels. It does not depend on order or names.
    """

    images: Images
    labels: Labels
    times: int
    held_out: tuple[LabeledPicture, ...]
    left_out: Mapping[str, list[str]]
    digest: str

    def join(self, parts: Split) -> Split:
        """Returns MNIST's parts with these images among those to learn from."""
        return replace(
            parts,
            x_fit=np.concatenate([parts.x_fit, np.tile(self.images, (self.times, 1, 1))]),
            y_fit=np.concatenate([parts.y_fit, np.tile(self.labels, self.times)]),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns what a card says of these pictures, as JSON types."""
        return {
            "digest": self.digest,
            "fit": len(self.labels),
            "times": self.times,
            "held_out": len(self.held_out),
        }

    def describe(self) -> list[str]:
        """Returns lines that tell people how the pictures are used and which are left out."""
        lines = [
            f"{len(self.labels)} extra pictures to learn from, each {self.times} times an epoch; "
            f"{len(self.held_out)} held out"
        ]
        return lines + [f"  left out: {line}" for line in in_words(self.left_out)]


@dataclass(frozen=True)
class _Candidate:
    """A picture of a single digit, its normalized image, and the digest of that image."""

    picture: LabeledPicture
    image: npt.NDArray[np.uint8]
    digest: str


def read_extra(path: Path, data: Mnist) -> Extra:
    """Reads labeled pictures of digits, and holds a part of them out.

    Copies of a picture count once, even if they are inverted, padded, enlarged or compressed again, because normalized
    images are compared. Pictures are left out if they cannot be read, show no single digit, have two labels, or come
    from MNIST (otherwise a model could be tested on what it learned). `near_duplicates` misses copies
    that were reduced to half their size, photographed or turned. It takes some plain 1s for one of MNIST's.

    A picture that was held out once is never learned from, even if others join. A picture that was learned from is
    held out later only if a copy that is held out joins.

    Args:
        path: a folder or file that `digits.data.labeled.read_labeled` reads.
        data: MNIST, whose images do not count as extra.

    Raises:
        DataUnavailableError: there is no such folder or file, or no labels.csv in the folder.
        DataMismatchError: the folder or file has another form, or too few pictures.
    """
    left_out: defaultdict[str, list[str]] = defaultdict(list)
    new = list(_single_digits(read_labeled(path), left_out))
    if new:
        known = find_near_duplicates(_images(new), np.concatenate([data.x_train, data.x_test]))
        for candidate in itertools.compress(new, known):
            left_out[f"{data.name}'s own"].append(candidate.picture.name)
        new = list(itertools.compress(new, ~known))
    different = []
    for places in group_near_duplicates(_images(new)):
        copies = [new[i] for i in places]
        if len({copy.picture.label for copy in copies}) > 1:
            left_out["there twice with different labels"] += [copy.picture.name for copy in copies]
        else:
            different.append(sorted(copies, key=lambda copy: copy.digest))
    return _part(path, sorted(different, key=lambda copies: copies[0].digest), left_out, len(split(data).x_fit))


def _single_digits(pictures: Iterable[LabeledPicture], left_out: defaultdict[str, list[str]]) -> Iterator[_Candidate]:
    """Yields the pictures that can be learned from, and adds the names of the others to `left_out`."""
    # Always the shipped model: the choice must not depend on the model that the new one is compared with.
    judge = Recognizer.load(shipped_model())
    for picture in pictures:
        if picture.label not in DIGITS:
            left_out["labeled as no single digit"].append(picture.name)
            continue
        try:
            image = judge.recognize_pixels(pixels_of(picture)).normalized.image
        except SeveralDigitsError:
            left_out["of several digits"].append(picture.name)
        except ImageError as error:
            left_out[f"unreadable: {type(error).__name__}"].append(picture.name)
        except OSError as error:
            left_out[f"not opened: {error.strerror}"].append(picture.name)
        else:
            yield _Candidate(picture, image, hashlib.sha256(image.tobytes()).hexdigest())


def _images(candidates: Sequence[_Candidate]) -> Images:
    return np.array([candidate.image for candidate in candidates], np.uint8).reshape(-1, SIDE, SIDE)


def is_held_out(digest: str) -> bool:
    """Returns whether an image with this digest is held out."""
    return int(digest[:8], 16) % HELD_OUT_ONE_IN == 0


def _part(
    path: Path, groups: Sequence[Sequence[_Candidate]], left_out: Mapping[str, list[str]], mnist_size: int
) -> Extra:
    """Splits groups of copies, whose first member stands for the group, into the two parts."""
    # Any copy may decide, so that another copy that joins cannot bring a held-out picture back.
    held_out = [copies[0] for copies in groups if any(is_held_out(copy.digest) for copy in copies)]
    learned = [copies[0] for copies in groups if not any(is_held_out(copy.digest) for copy in copies)]
    if len(held_out) < MIN_HELD_OUT or not learned:
        why = f" Left out: {'; '.join(in_words(left_out))}." if left_out else ""
        raise DataMismatchError(
            f"{path} has {len(groups)} different pictures of single digits that can be used: {len(learned)} to learn "
            f"from and {len(held_out)} to hold out (one in {HELD_OUT_ONE_IN}, by content). At least {MIN_HELD_OUT} "
            f"have to be held out: bring more, {2 * HELD_OUT_ONE_IN * MIN_HELD_OUT} or so in all.{why}"
        )
    listing = "".join(f"{first.digest} {first.picture.label}\n" for first, *_ in groups)
    return Extra(
        images=_images(learned),
        labels=np.array([int(candidate.picture.label) for candidate in learned], np.uint8),
        times=max(1, min(_MOST_TIMES, int(_MOST_SHARE * mnist_size / len(learned)))),
        held_out=tuple(candidate.picture for candidate in held_out),
        left_out=dict(left_out),
        digest=hashlib.sha256(listing.encode()).hexdigest(),
    )


def in_words(left_out: Mapping[str, list[str]]) -> list[str]:
    """Returns a text for each reason, with the number of pictures and the names of the first few."""
    texts = []
    for why, names in left_out.items():
        more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
        texts.append(f"{len(names):,} {why} ({', '.join(names[:_NAMES_SHOWN])}{more})")
    return texts
