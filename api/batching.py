"""Small images that arrive at the same time, read together."""

import asyncio
from collections.abc import Callable

from digits.errors import ImageError
from digits.image import OpenedImage
from digits.recognizer import Prediction, Recognizer

# Beyond so many at a time the event loop would be busy for longer than a client should wait.
_MOST = 32


class MicroBatcher:
    """Reads images on the event loop, all that came in since its last turn in one go.

    Nobody waits for others to come: what is there is read at once. Under load several are there, and reading them
    step by step takes a good deal less than reading them one by one, since each step's code and data are then still
    in the processor's caches.

    Args:
        recognizer: gives the one in use.
    """

    def __init__(self, recognizer: Callable[[], Recognizer]) -> None:
        self._recognizer = recognizer
        self._waiting: list[tuple[OpenedImage, asyncio.Future[Prediction]]] = []

    async def recognize(self, image: OpenedImage) -> Prediction:
        """Reads the digit in an image; raises what `Recognizer.recognize` does."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            # Behind the requests that have arrived already, each of which will add its image first.
            loop.call_soon(self._read)
        answer: asyncio.Future[Prediction] = loop.create_future()
        self._waiting.append((image, answer))
        return await answer

    def _read(self) -> None:
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._read)
        try:
            results: list[Prediction | ImageError | BaseException] = [
                *self._recognizer().recognize_many(image for image, _ in batch)
            ]
        except Exception as error:  # noqa: BLE001 - each of those who wait is told
            results = [error] * len(batch)
        for (_, answer), result in zip(batch, results, strict=True):
            if answer.cancelled():
                continue
            if isinstance(result, Prediction):
                answer.set_result(result)
            else:
                answer.set_exception(result)
