"""How much longer an answer takes if a picture is seen in other views, too: python -m benchmarks.speed.second_look

Takes pictures that the first view does not show well: held-out MNIST training digits, and drawn things that are no
digits, put through the bad pictures of digits/synthetic/bad_pictures/. Phone photos are added whether the first view
shows them or not. Measures the time of the first view, of the views that are made until the answer is sure, and of all
views. A ratio is the time of the first view and the others together, over that of the first view, summed over all
pictures of a size. It is given with the 90th percentile over pictures.

The time of a picture is that of the processor, from its pixels to the answer; of a photo, from its bytes.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from benchmarks.support.images import PHOTO, image_files
from benchmarks.support.machine import describe_machine
from digits.arrays import Floats, Pixels
from digits.cli.arguments import whole_number
from digits.data.mnist import load, split
from digits.images.decode import open_image
from digits.recognizer import Prediction, Recognizer, shipped_model
from digits.second_look import copy_of, look, look_again
from digits.synthetic.bad_pictures.spoil import BAD_PICTURES, spoil
from digits.synthetic.outliers import draw_outlier
from digits.vision.views.copy import SMALL_SIDE

SIZES = ("18 to 48 pixels", "49 to 330 pixels")
# The seed of the pictures, which the weights of the views were not fitted to, and the side of drawn things.
_SEED, _DRAWN_SIDE = 77, 112

Result = TypeVar("Result")


@dataclass(frozen=True)
class Times:
    """The time that one picture takes.

    Args:
        first: in the first view, in seconds.
        until_sure: in other views, until the answer is sure, in seconds.
        all_views: in all other views, in seconds.
    """

    first: float
    until_sure: float
    all_views: float


def timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """Returns what a call returns, and the seconds of the processor that it took."""
    start = time.thread_time()
    result = call()
    return result, time.thread_time() - start


def measure(recognizer: Recognizer, picture: Pixels | bytes, *, in_any_case: bool = False) -> Times | None:
    """Measures one picture.

    Args:
        recognizer: that reads it.
        picture: its pixels, or a file.
        in_any_case: whether other views are made of a picture that the first view shows well, too.

    Returns:
        None if there are no other views of it.
    """

    def first_view() -> tuple[Pixels, object]:
        pixels = open_image(picture, recognizer.limits).decode() if isinstance(picture, bytes) else picture
        (answer,) = recognizer.recognize_many([pixels], first_view_only=True)
        return pixels, answer

    (pixels, answer), first = timed(first_view)
    probabilities = answer.probabilities if isinstance(answer, Prediction) else None
    if not in_any_case and isinstance(answer, Prediction) and answer.accepted:
        return None
    copy, copying = timed(lambda: copy_of(pixels))
    if copy is None:
        return None
    _, making = timed(lambda: list(look(copy, recognizer.classify)))
    _, until_sure = timed(lambda: look_again(pixels, probabilities, recognizer.classify, recognizer.thresholds))
    return Times(first, until_sure, copying + making)


def bad_pictures(count: int) -> Iterator[Pixels]:
    """Yields `count` digits and `count` other things of each kind of bad picture."""
    data, rng = split(load(say=lambda _line: None)), np.random.default_rng(_SEED)
    for number, kind in enumerate(BAD_PICTURES):
        chosen = rng.choice(len(data.x_validation), count, replace=False)
        others = np.stack([draw_outlier(_DRAWN_SIDE, data.x_fit, data.y_fit, rng) for _ in range(count)])
        for images in (data.x_validation[chosen], others):
            yield from spoil(kind, images, _SEED * 100 + number)


def ratio(first: Floats, other: Floats) -> str:
    """Returns how many times as long as the first view alone all views take: in all, and at the 90th percentile.

    Args:
        first: the seconds of the first view of each picture, of shape (n,).
        other: those of the other views, likewise.
    """
    return f"{1.0 + other.sum() / first.sum():.2f}, {np.quantile(1.0 + other / first, 0.9):.2f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table in Markdown; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=whole_number(2, 1_000), default=20, help="of each kind (default: 20)")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    recognizer = Recognizer.load(shipped_model())
    recognizer.warm_up()
    taken: dict[str, list[Times]] = {size: [] for size in (*SIZES, PHOTO)}
    for picture in bad_pictures(options.pictures):
        if (times := measure(recognizer, picture)) is not None:
            taken[SIZES[max(picture.shape[:2]) > SMALL_SIDE]].append(times)
    for file in image_files(1)[PHOTO]:
        if (times := measure(recognizer, file, in_any_case=True)) is not None:
            taken[PHOTO].append(times)
    print(f"One core of {describe_machine()}\n")
    print("| size | first view | until sure: ratio in all, 90% | all views: ratio in all, 90% | n |")
    print("| --- | --- | --- | --- | --- |")
    for size, of_size in taken.items():
        first, until_sure, all_views = np.array(
            [[times.first, times.until_sure, times.all_views] for times in of_size]
        ).T
        cells = f"{1000.0 * first.mean():.2f} ms", ratio(first, until_sure), ratio(first, all_views)
        print(f"| {size} | {' | '.join(cells)} | {len(of_size)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
