"""What a worker and its compute processes say to each other: pickled objects, through two pipes.

Both ends are Digits and nobody else holds the pipes. Bytes that a stranger has sent are only ever the content of an
object, so that none of them is unpickled.

    worker                          compute process
                                    Ready
    Model                           Done or Failed
    Job                             any number of Logged; Ask, answered by Done or Failed; Release
                                    Done or Failed
"""

import io
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from digits.images.limits import ImageLimits
from digits.model.artifact import Artifact

# Bytes of a number: how many parts a message has, and how long each is.
_NUMBER = 8
# Bytes that are read at a time: what a pipe holds.
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Ready:
    """The process has loaded what it needs."""


@dataclass(frozen=True)
class Model:
    """The model for the jobs that follow.

    Args:
        artifact: the model, in the form that answers.
        limits: what an image may cost.
    """

    artifact: Artifact
    limits: ImageLimits


@dataclass(frozen=True)
class Job:
    """What the process is to compute.

    Args:
        function: is called with the recognizer and the arguments.
        arguments: of the function.
        seconds: most processor time for each image.
        total_seconds: most processor time for all images.
    """

    function: Callable[..., Any]
    arguments: Sequence[Any]
    seconds: float
    total_seconds: float


@dataclass(frozen=True)
class Done:
    """What came of a model, a job, or a request for memory.

    Args:
        result: of the job, else None.
    """

    result: Any = None


@dataclass(frozen=True)
class Failed:
    """Why nothing came of it.

    Args:
        error: that was raised.
        trace: where it was raised, for the log; empty for what Digits raises on purpose.
    """

    error: Exception
    trace: str = ""


@dataclass(frozen=True)
class Ask:
    """The job needs memory.

    Args:
        size: bytes.
        wait_seconds: as for `MemoryBound.taken`.
    """

    size: int
    wait_seconds: float


@dataclass(frozen=True)
class Release:
    """The job needs no longer what it asked for last."""


@dataclass(frozen=True)
class Logged:
    """A line of the log.

    Args:
        logger: name of its logger.
        level: of the line.
        text: the line, and the trace that belongs to it.
    """

    logger: str
    level: int
    text: str


def send(write: Callable[[memoryview], int], message: object) -> None:
    """Sends a message.

    Args:
        write: writes some of the bytes that it gets; returns how many.
        message: one of the above.
    """
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(content), *(buffer.raw() for buffer in buffers)]
    head = b"".join(number.to_bytes(_NUMBER, "little") for number in (len(parts), *map(len, parts)))
    for part in (memoryview(head), *parts):
        rest = part
        while rest:
            rest = rest[write(rest) :]


def receive(read: Callable[[int], bytes]) -> object:
    """Waits for a message, and returns it.

    Args:
        read: returns at least one byte, and no more than asked for; none if the other end is closed.

    Raises:
        EOFError: the other end is closed.
    """
    count = int.from_bytes(_exactly(read, _NUMBER), "little")
    lengths = _exactly(read, _NUMBER * count)
    content, *buffers = (
        _exactly(read, int.from_bytes(lengths[at : at + _NUMBER], "little")) for at in range(0, len(lengths), _NUMBER)
    )
    message: object = pickle.loads(content, buffers=buffers)  # noqa: S301 - Digits itself has written it
    return message


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    # It hands out the bytes that it holds; joined pieces would be a copy, of up to a whole file.
    content = io.BytesIO()
    while content.tell() < size:
        if not (piece := read(min(size - content.tell(), _CHUNK))):
            raise EOFError
        content.write(piece)
    return content.getvalue()


def uncopied(data: bytes) -> Any:
    """Wraps bytes of a message so that they are sent from where they are; they arrive as bytes."""
    return pickle.PickleBuffer(data)
