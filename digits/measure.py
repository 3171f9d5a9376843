"""How well a model reads labeled pictures, through the whole path that an upload takes."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digits.errors import ImageError
from digits.image import decode
from digits.labeled import LabeledPicture
from digits.recognizer import Recognizer

DIGITS = frozenset("0123456789")


@dataclass(frozen=True)
class Share:
    """A share with its 95% interval.

    Args:
        hits: how many.
        n: of how many.
    """

    hits: int
    n: int

    @property
    def value(self) -> float:
        """The share, 0..1; not a number if n is 0."""
        return self.hits / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95% (Wilson, JASA 1927), which holds for small n and near 0 and 1."""
        if not self.n:
            return (0.0, 1.0)
        z = 1.959964
        center = (self.hits + z * z / 2.0) / (self.n + z * z)
        half = z / (self.n + z * z) * math.sqrt(self.hits * (self.n - self.hits) / self.n + z * z / 4.0)
        return (max(0.0, center - half), min(1.0, center + half))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.2%} ({low:.1%} to {high:.1%}, {self.hits} of {self.n})"

    def to_json(self) -> dict[str, Any]:
        """The share and its interval as JSON's types."""
        return asdict(self) | {"value": self.value if self.n else None, "interval": list(self.interval)}


@dataclass(frozen=True)
class Measurement:
    """What came of scoring pictures with one digit each.

    Args:
        accuracy: share read correctly; a picture that was refused counts as not read.
        refused: share in which no digit was read at all.
        by_source: accuracy of each source, if the pictures name any.
        confused: the most frequent mistakes, in words.
        left_out: pictures whose label is not a digit, which were not scored.
    """

    accuracy: Share
    refused: Share
    by_source: dict[str, Share]
    confused: list[str]
    left_out: int

    def to_json(self) -> dict[str, Any]:
        """The measurement as JSON's types."""
        return {
            "accuracy": self.accuracy.to_json(),
            "refused": self.refused.to_json(),
            "by_source": {source: share.to_json() for source, share in self.by_source.items()},
            "confused": self.confused,
            "left_out": self.left_out,
        }


def measure(recognizer: Recognizer, pictures: Iterable[LabeledPicture], mistakes: Path | None = None) -> Measurement:
    """Reads every picture and compares.

    Args:
        recognizer: reads them.
        pictures: to be read; those whose label is not a digit are left out.
        mistakes: a folder in which each misread picture is written beside the 28x28 that the network saw; None
            writes nothing.

    Raises:
        OSError: a picture's file is not there, or `mistakes` cannot be written.
    """
    right: defaultdict[str, list[bool]] = defaultdict(list)
    wrong: Counter[str] = Counter()
    refused = left_out = 0
    for picture in pictures:
        if picture.label not in DIGITS:
            left_out += 1
            continue
        content = picture.content
        try:
            pixels = decode(content.read_bytes(), recognizer.limits) if isinstance(content, Path) else content
            prediction = recognizer.recognize_pixels(pixels)
        except ImageError as error:
            refused += 1
            wrong[f"{picture.label} refused ({type(error).__name__})"] += 1
            right[picture.source].append(False)
            continue
        right[picture.source].append(str(prediction.digit) == picture.label)
        if not right[picture.source][-1]:
            wrong[f"{picture.label} read as {prediction.digit}"] += 1
            if mistakes:
                name = f"{Path(picture.name).stem}-{picture.label}-read-as-{prediction.digit}.png"
                _write_mistake(mistakes / name, pixels, prediction.normalized.image)
    answers = [answer for answers in right.values() for answer in answers]
    return Measurement(
        accuracy=Share(sum(answers), len(answers)),
        refused=Share(refused, len(answers)),
        by_source={source: Share(sum(found), len(found)) for source, found in sorted(right.items()) if source},
        confused=[f"{what}: {count} time{'s' if count > 1 else ''}" for what, count in wrong.most_common(8)],
        left_out=left_out,
    )


def _write_mistake(file: Path, pixels: np.ndarray[Any, Any], seen: np.ndarray[Any, Any]) -> None:
    """The picture, and beside it what the network saw, both 224 pixels high."""
    side = 224
    width = max(1, round(pixels.shape[1] * side / pixels.shape[0]))
    shown = cv2.resize(pixels, (width, side), interpolation=cv2.INTER_AREA)
    color = cv2.cvtColor(shown, cv2.COLOR_RGB2BGR if pixels.ndim == 3 else cv2.COLOR_GRAY2BGR)
    beside = cv2.resize(seen, (side, side), interpolation=cv2.INTER_NEAREST)
    file.parent.mkdir(parents=True, exist_ok=True)
    both = np.concatenate([color, cv2.cvtColor(beside, cv2.COLOR_GRAY2BGR)], axis=1)
    if not cv2.imwrite(str(file), both):
        raise OSError(f"{file} cannot be written")
