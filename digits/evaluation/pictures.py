"""Scores of a model on labeled pictures, which take the whole path of an upload."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.data.labeled import LabeledPicture
from digits.errors import ImageError
from digits.evaluation.statistics import Share, auroc
from digits.images.decode import decode, open_image
from digits.recognizer import Prediction, Recognizer

DIGITS = frozenset("0123456789")
_AMBIGUOUS = " (ambiguous)"


@dataclass(frozen=True)
class Measurement:
    """The result of scoring pictures.

    Args:
        accuracy: share of the digits that were read correctly, accepted or not. A picture that gave no answer counts
            as wrong.
        accepted: share of the digits whose answer was accepted.
        accepted_accuracy: share of the accepted answers that are right.
        by_source: accuracy for each source, if the pictures name any.
        confused: the most frequent mistakes, in words.
        rejected: share of the pictures of other things that were not accepted as a digit, by kind. Things that could
            pass for a digit are kinds of their own and do not count in `all others`.
        auroc: the chance that a digit is read with more confidence than another thing; None if there are no pictures
            of one of the two.
    """

    accuracy: Share
    accepted: Share
    accepted_accuracy: Share
    by_source: dict[str, Share]
    confused: list[str]
    rejected: dict[str, Share]
    auroc: float | None

    def to_json(self) -> dict[str, Any]:
        """Returns the measurement as JSON types."""
        return {
            "accuracy": self.accuracy.to_json(),
            "accepted": self.accepted.to_json(),
            "accepted_accuracy": self.accepted_accuracy.to_json(),
            "by_source": {source: share.to_json() for source, share in self.by_source.items()},
            "confused": self.confused,
            "rejected": {kind: share.to_json() for kind, share in self.rejected.items()},
            "auroc": self.auroc,
        }


class _Tally:
    """Counts answers as they come."""

    def __init__(self) -> None:
        self.right: defaultdict[str, list[bool]] = defaultdict(list)
        self.right_if_accepted: list[bool] = []
        self.wrong: Counter[str] = Counter()
        self.rejected: defaultdict[str, list[bool]] = defaultdict(list)
        # Confidence of the answers on digits and on other things; 0 if there was no answer.
        self.on_digits: list[float] = []
        self.on_others: list[float] = []
        self.saved: Counter[str] = Counter()

    def result(self) -> Measurement:
        answers = [answer for answers in self.right.values() for answer in answers]
        clear = [
            answer for kind, answers in self.rejected.items() if not kind.endswith(_AMBIGUOUS) for answer in answers
        ]
        rejected = {kind: _share(answers) for kind, answers in sorted(self.rejected.items())}
        return Measurement(
            accuracy=_share(answers),
            accepted=Share(len(self.right_if_accepted), len(answers)),
            accepted_accuracy=_share(self.right_if_accepted),
            by_source={source: _share(right) for source, right in sorted(self.right.items()) if source},
            confused=[
                f"{mistake}: {count} time{'s' if count > 1 else ''}" for mistake, count in self.wrong.most_common(8)
            ],
            rejected=rejected | ({"all others": _share(clear)} if len(rejected) > 1 and clear else {}),
            auroc=auroc(np.array(self.on_digits), np.array(self.on_others))
            if self.on_digits and self.on_others
            else None,
        )


def _share(answers: list[bool]) -> Share:
    return Share(sum(answers), len(answers))


def measure(recognizer: Recognizer, pictures: Iterable[LabeledPicture], mistakes: Path | None = None) -> Measurement:
    """Reads every picture and compares the answer with the label.

    Args:
        recognizer: reads the digits.
        pictures: labeled pictures, none of several digits.
        mistakes: a folder to which each misread picture is written beside the 28x28 image that the network saw. If
            None, nothing is written.

    Raises:
        OSError: a picture's file is not there, or `mistakes` cannot be written.
    """
    tally = _Tally()
    for picture in pictures:
        try:
            pixels, prediction = read_labeled(recognizer, picture)
        except ImageError as error:
            _count_error(tally, picture, error)
            continue
        if picture.label not in DIGITS:
            tally.rejected[_kind(picture)].append(not prediction.accepted)
            if not picture.ambiguous:
                tally.on_others.append(prediction.confidence)
            if not prediction.accepted:
                continue
        else:
            right = str(prediction.digit) == picture.label
            tally.right[picture.source].append(right)
            tally.on_digits.append(prediction.confidence)
            if prediction.accepted:
                tally.right_if_accepted.append(right)
            if right:
                continue
            tally.wrong[f"{picture.label} read as {prediction.digit}"] += 1
        if mistakes:
            label = re.sub(r"\W", "_", picture.label)
            stem = f"{Path(picture.name).stem}-{label}-read-as-{prediction.digit}"
            tally.saved[stem] += 1
            # Pictures of two folders may have the same name.
            name = f"{stem}.png" if tally.saved[stem] == 1 else f"{stem}-{tally.saved[stem]}.png"
            _write_mistake(mistakes / name, pixels, prediction.normalized.image)
    return tally.result()


def pixels_of(picture: LabeledPicture) -> npt.NDArray[np.uint8]:
    """Returns the pixels of a labeled picture: uint8 of shape (height, width) or (height, width, 3).

    Args:
        picture: its file is decoded now.

    Raises:
        ImageError: its file cannot be read as an image.
        OSError: its file is not there.
    """
    content = picture.content
    return decode(content.read_bytes()) if isinstance(content, Path) else content


def read_labeled(recognizer: Recognizer, picture: LabeledPicture) -> tuple[npt.NDArray[np.uint8], Prediction]:
    """Reads a labeled picture as an upload is read.

    Args:
        recognizer: reads it.
        picture: its file is decoded now.

    Returns:
        Its pixels, uint8 of shape (height, width) or (height, width, 3), and the prediction.

    Raises:
        ImageError: it cannot be read.
        OSError: its file is not there.
    """
    content = picture.content
    if not isinstance(content, Path):
        return content, recognizer.recognize_pixels(content)
    opened = open_image(content.read_bytes(), recognizer.limits)
    pixels = opened.decode()
    return pixels, recognizer.recognize_pixels(pixels)


def _count_error(tally: _Tally, picture: LabeledPicture, error: ImageError) -> None:
    """Counts a picture that gave no answer: an error for a digit, a success for anything else."""
    if picture.label in DIGITS:
        tally.wrong[f"{picture.label} not read ({type(error).__name__})"] += 1
        tally.right[picture.source].append(False)
        tally.on_digits.append(0.0)
    else:
        tally.rejected[_kind(picture)].append(True)
        if not picture.ambiguous:
            tally.on_others.append(0.0)


def _kind(picture: LabeledPicture) -> str:
    kind = picture.label.partition(":")[0] or "no label"
    return kind + _AMBIGUOUS if picture.ambiguous else kind


def _write_mistake(file: Path, pixels: np.ndarray[Any, Any], seen: np.ndarray[Any, Any]) -> None:
    """Writes the picture beside the 28x28 image that the network saw, both 224 pixels high."""
    side = 224
    width = max(1, round(pixels.shape[1] * side / pixels.shape[0]))
    shown = cv2.resize(pixels, (width, side), interpolation=cv2.INTER_AREA)
    color = cv2.cvtColor(shown, cv2.COLOR_RGB2BGR if pixels.ndim == 3 else cv2.COLOR_GRAY2BGR)
    beside = cv2.resize(seen, (side, side), interpolation=cv2.INTER_NEAREST)
    file.parent.mkdir(parents=True, exist_ok=True)
    both = np.concatenate([color, cv2.cvtColor(beside, cv2.COLOR_GRAY2BGR)], axis=1)
    if not cv2.imwrite(str(file), both):
        raise OSError(f"{file} cannot be written")
