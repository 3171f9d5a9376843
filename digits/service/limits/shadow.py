"""A second model that sees the same pictures after their answers are sent, and never delays one.

It shows what would change before a new model answers: `/metrics` counts how often it disagrees.
"""

import contextlib
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from starlette.background import BackgroundTask

from digits.budget import Budget, MemoryBound, bounded_memory, limited
from digits.errors import (
    DigitsError,
    ImageError,
    MemoryBusyError,
    ModelFileError,
    ProcessorBusyError,
    ProcessStartError,
)
from digits.images.decode import open_image
from digits.images.limits import ImageLimits
from digits.recognizer import Prediction, Recognizer
from digits.service.metrics import ShadowOutcome

_log = logging.getLogger("digits")

# So many pictures, and bytes of them, may wait; further ones are skipped.
_MOST_WAITING, _MOST_BYTES = 32, 32 * 1024 * 1024
# A picture that waits for a pause in the requests for longer is skipped.
_PATIENCE_SECONDS, _POLL_SECONDS = 1.0, 0.005
_NICE = 19

_Waiting = tuple[bytes, int, Prediction]


class Shadow:
    """Reads pictures with a second model, in a thread of low priority, in the pauses between requests.

    Args:
        path: of the model file. If it cannot be used, the log says why, and nothing else happens.
        limits: of images.
        seconds: most processor time for one picture.
        memory: bounds what the images take that are decoded at the same time, with those of requests.
        is_busy: returns whether requests are being answered.
        count: is called with what came of each picture.
    """

    def __init__(
        self,
        path: Path,
        limits: ImageLimits,
        seconds: float,
        memory: MemoryBound,
        is_busy: Callable[[], bool],
        count: Callable[[ShadowOutcome], None],
    ) -> None:
        self._path, self._limits, self._seconds, self._memory = path, limits, seconds, memory
        self._is_busy, self._count = is_busy, count
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._works = True
        threading.Thread(target=self._run, name="shadow model", daemon=True).start()

    def after(self, data: bytes, page: int, prediction: Prediction) -> BackgroundTask:
        """Returns the task that hands a picture over, for the response whose answer `prediction` is."""
        return BackgroundTask(self._submit, data, page, prediction)

    async def _submit(self, data: bytes, page: int, prediction: Prediction) -> None:
        if not self._works:
            return
        with self._lock:
            has_room = self._waiting.qsize() < _MOST_WAITING and self._bytes + len(data) <= _MOST_BYTES
            self._bytes += len(data) if has_room else 0
        if has_room:
            self._waiting.put((data, page, prediction))
        else:
            self._count("skipped")

    def close(self) -> None:
        """Ends the thread after the picture that it reads."""
        self._works = False
        self._waiting.put(None)

    def _run(self) -> None:
        if sys.platform == "linux":
            # On Linux each thread has a priority of its own.
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            if not self._path.is_file():
                raise ModelFileError(f"{self._path} is no file.")
            recognizer = Recognizer.load(self._path, self._limits)
        except (DigitsError, OSError) as error:
            self._works = False
            _log.error("There is no shadow model: %s", error)
            return
        _log.info("Shadow model: %s (%s)", recognizer.description, recognizer.digest[:12])
        while self._works and (item := self._waiting.get()) is not None:
            with self._lock:
                self._bytes -= len(item[0])
            self._count(self._compare(recognizer, *item) if self._waited_for_pause() else "skipped")

    def _waited_for_pause(self) -> bool:
        end = time.monotonic() + _PATIENCE_SECONDS
        while self._is_busy():
            if time.monotonic() > end or not self._works:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _compare(self, recognizer: Recognizer, data: bytes, page: int, prediction: Prediction) -> ShadowOutcome:
        try:
            with limited(Budget(self._seconds)), bounded_memory(self._memory):
                other = recognizer.recognize(open_image(data, recognizer.limits, page))
        except ImageError:
            return "not_read"
        except (MemoryBusyError, ProcessorBusyError, ProcessStartError):
            return "skipped"
        except Exception:  # noqa: BLE001 - no answer depends on it
            _log.exception("The shadow model failed")
            return "failed"
        if other.digit != prediction.digit:
            return "other_digit"
        return "same" if other.accepted == prediction.accepted else "other_acceptance"
