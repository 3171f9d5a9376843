"""Small images that arrive at the same time, read together."""

import asyncio

from digits.errors import ImageError
from digits.images.decode import OpenedImage
from digits.recognizer import Prediction, Recognizer

# Beyond so many at a time the event loop would be busy for longer than a client should wait.
_MOST = 16

_Waiting = tuple[Recognizer, OpenedImage, asyncio.Future[Prediction]]


class MicroBatcher:
    """Reads images on the event loop, all that came in since its last turn in one go.

    Nobody waits for others to come: what is there is read at once. Under load several are there, and reading them
    step by step takes a good deal less than reading them one by one, since each step's code and data are then still
    in the processor's caches.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def recognize(self, recognizer: Recognizer, image: OpenedImage) -> Prediction:
        """Reads the digit in an image; raises what `Recognizer.recognize` does."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            # Behind the requests that have arrived already, each of which will add its image first.
            loop.call_soon(self._read)
        answer: asyncio.Future[Prediction] = loop.create_future()
        self._waiting.append((recognizer, image, answer))
        return await answer

    def _read(self) -> None:
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._read)
        # More than one only while a model is being replaced by another.
        for recognizer in dict.fromkeys(recognizer for recognizer, _, _ in batch):
            _answer(recognizer, [(image, answer) for one, image, answer in batch if one is recognizer])


def _answer(recognizer: Recognizer, batch: list[tuple[OpenedImage, asyncio.Future[Prediction]]]) -> None:
    try:
        results: list[Prediction | ImageError | Exception] = [*recognizer.recognize_many(image for image, _ in batch)]
    except Exception as error:  # noqa: BLE001 - whoever waits is told
        if len(batch) > 1:
            # One image's failure is not the others'.
            for one in batch:
                _answer(recognizer, [one])
            return
        results = [error]
    for (_, answer), result in zip(batch, results, strict=True):
        if answer.cancelled():
            continue
        if isinstance(result, Prediction):
            answer.set_result(result)
        else:
            answer.set_exception(result)
