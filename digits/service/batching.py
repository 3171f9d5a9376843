"""Reads small images on the event loop: those that arrive at the same time together."""

import asyncio

from digits.errors import ImageError
from digits.images.decode import OpenedImage
from digits.recognizer import Prediction, Recognizer

# With more images at a time the event loop would be busy for longer than a client should wait.
_MOST = 16

_Waiting = tuple[Recognizer, OpenedImage, asyncio.Future[Prediction]]


class MicroBatcher:
    """Reads small images on the event loop: at each turn, all that arrived since the last.

    No image waits for others to arrive. Under load several are there at a time. Each step for all of them before the
    next step takes less time than image by image, since the step's code and data stay in the processor's caches.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def recognize(self, recognizer: Recognizer, image: OpenedImage) -> Prediction:
        """Reads the digit in an image, in the first view alone: others take too long for the event loop.

        Raises:
            ImageError: the image cannot be answered.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            # Requests that have already arrived run first, and add their images.
            loop.call_soon(self._read)
        answer: asyncio.Future[Prediction] = loop.create_future()
        self._waiting.append((recognizer, image, answer))
        return await answer

    def _read(self) -> None:
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._read)
        # There are two only while one model replaces another.
        for recognizer in dict.fromkeys(recognizer for recognizer, _, _ in batch):
            _answer(recognizer, [(image, answer) for chosen, image, answer in batch if chosen is recognizer])


def _answer(recognizer: Recognizer, batch: list[tuple[OpenedImage, asyncio.Future[Prediction]]]) -> None:
    try:
        results: list[Prediction | ImageError | Exception] = [
            *recognizer.recognize_many((image for image, _ in batch), first_view_only=True)
        ]
    except Exception as error:  # noqa: BLE001 - the request that waits for it raises it
        if len(batch) > 1:
            # Only the image that fails may fail.
            for waiting in batch:
                _answer(recognizer, [waiting])
            return
        results = [error]
    for (_, answer), result in zip(batch, results, strict=True):
        if answer.cancelled():
            continue
        if isinstance(result, Prediction):
            answer.set_result(result)
        else:
            answer.set_exception(result)
