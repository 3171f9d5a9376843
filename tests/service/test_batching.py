import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.errors import BrokenImageError, ImageError, NoInkError
from digits.images.decode import OpenedImage, open_image
from digits.model.artifact import read
from digits.recognizer import Picture, Prediction, Recognizer, shipped_model
from digits.service.batching import MicroBatcher
from tests.conftest import SAMPLES, encode_png

BLANK = encode_png(np.full((60, 60), 255, np.uint8))


class Watched(Recognizer):
    """The shipped model, which notes how many pictures it is given at a time."""

    def __init__(self) -> None:
        super().__init__(read(shipped_model()))
        self.given: list[int] = []
        self.breaks_on: OpenedImage | None = None

    def recognize_many(
        self, pictures: Iterable[Picture | ImageError], *, first_view_only: bool = False
    ) -> Iterator[Prediction | ImageError]:
        batch = list(pictures)
        if any(picture is self.breaks_on for picture in batch):
            raise ZeroDivisionError
        self.given.append(len(batch))
        return super().recognize_many(batch, first_view_only=first_view_only)


@pytest.fixture
def recognizer() -> Watched:
    return Watched()


def samples() -> list[OpenedImage]:
    return [open_image(file.read_bytes()) for file in SAMPLES]


async def settle(answers: Iterable[Coroutine[Any, Any, Prediction]]) -> list[Prediction | BaseException]:
    return await asyncio.gather(*answers, return_exceptions=True)


def test_images_that_arrive_together_are_read_together_and_answered_each(recognizer: Watched) -> None:
    async def ask() -> list[Prediction]:
        batcher = MicroBatcher()
        return await asyncio.gather(*(batcher.recognize(recognizer, image) for image in samples()))

    assert [answer.digit for answer in asyncio.run(ask())] == [int(file.stem[0]) for file in SAMPLES]
    assert recognizer.given == [len(SAMPLES)]


def test_an_image_alone_waits_for_no_other(recognizer: Watched) -> None:
    async def ask() -> list[int]:
        batcher = MicroBatcher()
        return [(await batcher.recognize(recognizer, image)).digit for image in samples()]

    assert asyncio.run(ask()) == [int(file.stem[0]) for file in SAMPLES]
    assert recognizer.given == [1] * len(SAMPLES)


def test_many_images_are_read_a_few_at_a_time_and_others_get_a_turn_in_between(
    recognizer: Watched, mnist: Mnist
) -> None:
    images = [open_image(encode_png(image)) for image in mnist.x_test[:100]]
    turns: list[int] = []

    async def ask() -> list[Prediction]:
        batcher = MicroBatcher()
        answers = asyncio.gather(*(batcher.recognize(recognizer, image) for image in images))
        while not answers.done():
            turns.append(sum(recognizer.given))
            await asyncio.sleep(0)
        return await answers

    alone = [next(recognizer.recognize_many([image], first_view_only=True)) for image in mnist.x_test[:100]]
    recognizer.given.clear()
    answers = asyncio.run(ask())
    assert [answer.digit for answer in answers] == [one.digit for one in alone if isinstance(one, Prediction)]
    assert sum(recognizer.given) == 100
    assert 2 <= len(recognizer.given) <= 10
    assert set(np.cumsum(recognizer.given[:-1])) <= set(turns)


def test_the_error_of_one_image_does_not_spoil_the_others(recognizer: Watched) -> None:
    broken = OpenedImage(SAMPLES[0].read_bytes()[:-900], recognizer.limits, None)

    async def ask() -> list[Prediction | BaseException]:
        batcher = MicroBatcher()
        images = samples()
        return await settle(batcher.recognize(recognizer, image) for image in [broken, *images, open_image(BLANK)])

    first, *answers, last = asyncio.run(ask())
    assert isinstance(first, BrokenImageError)
    assert isinstance(last, NoInkError)
    assert [a.digit for a in answers if isinstance(a, Prediction)] == [int(file.stem[0]) for file in SAMPLES]
    assert len(recognizer.given) == 1


def test_who_does_not_wait_any_more_is_passed_over(recognizer: Watched) -> None:
    async def ask() -> list[Prediction | BaseException]:
        batcher = MicroBatcher()
        waiting = [asyncio.ensure_future(batcher.recognize(recognizer, image)) for image in samples()]
        # Behind them on the loop, before the reading: a client that hangs up.
        asyncio.get_running_loop().call_soon(waiting[1].cancel)
        return await asyncio.gather(*waiting, return_exceptions=True)

    answers = asyncio.run(ask())
    assert isinstance(answers.pop(1), asyncio.CancelledError)
    digits = [int(file.stem[0]) for file in SAMPLES]
    assert [a.digit for a in answers if isinstance(a, Prediction)] == [digits[0], *digits[2:]]


def test_what_nobody_expected_of_one_image_reaches_who_sent_it_alone(recognizer: Watched) -> None:
    images = samples()
    recognizer.breaks_on = images[2]

    async def ask() -> list[Prediction | BaseException]:
        batcher = MicroBatcher()
        return await settle(batcher.recognize(recognizer, image) for image in images)

    answers = asyncio.run(ask())
    assert isinstance(answers.pop(2), ZeroDivisionError)
    digits = [int(file.stem[0]) for file in SAMPLES]
    assert [a.digit for a in answers if isinstance(a, Prediction)] == digits[:2] + digits[3:]


def test_while_a_model_is_replaced_each_image_is_read_by_the_one_it_was_meant_for(recognizer: Watched) -> None:
    newer = Watched()

    async def ask() -> tuple[Prediction, Prediction]:
        batcher = MicroBatcher()
        first, second = samples()[:2]
        return await asyncio.gather(batcher.recognize(recognizer, first), batcher.recognize(newer, second))

    assert [answer.digit for answer in asyncio.run(ask())] == [int(file.stem[0]) for file in SAMPLES[:2]]
    assert recognizer.given == newer.given == [1]
