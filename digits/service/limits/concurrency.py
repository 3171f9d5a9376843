"""Bounds on what a worker does at a time: requests that it answers, and bytes that it holds."""

from collections.abc import Callable, Sized
from types import TracebackType
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from digits.budget import MemoryBound
from digits.service.errors import BuffersFullError, OverloadedError

Result = TypeVar("Result")

# A shorter body is unpacked on the event loop. It inflates to no more than about a thousand times its size.
_UNPACK_ON_THE_SPOT_BYTES = 2 * 1024


class ConcurrencyLimit:
    """Bounds the requests that are answered at a time: `with limit:` around the work of each.

    Args:
        most: requests at a time.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def __enter__(self) -> None:
        """Counts a request.

        Raises:
            OverloadedError: the limit is reached.
        """
        if self.taken >= self.most:
            raise OverloadedError(
                f"{self.most} requests are being answered, and no more are taken at a time. Try again in a moment."
            )
        self.taken += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Counts the request no longer."""
        self.taken -= 1


class Buffers:
    """Counts the bytes of all request bodies that a worker holds.

    Args:
        most: bytes at a time.
        threads: bodies that are unpacked or parsed in threads at a time.
        images: bounds the memory of the images that are decoded meanwhile, with that of bodies; None for no such bound.

    Attributes:
        taken: bytes that all requests hold now.
        threads: in which bodies are unpacked and parsed.
    """

    # So many bytes of all bodies leave images their whole memory. A request that holds no more than the second number
    # is never measured against images and other bodies, so that a few large ones do not keep all small ones out.
    FREE, SMALL = 12 * 1024 * 1024, 256 * 1024

    def __init__(self, most: int, threads: int = 1, images: MemoryBound | None = None) -> None:
        self.most = most
        self.taken = 0
        self.threads = anyio.CapacityLimiter(threads)
        self._images = images

    def is_full(self, size: int, own: int) -> bool:
        """Whether there is no room for more bytes.

        Args:
            size: the number of them.
            own: bytes that the same request holds. One that is alone may fill the room, unless images are decoded.
        """
        if self.taken + size > self.most:
            return True
        images = self._images
        if images is None or own + size <= self.SMALL:
            return False
        is_alone = self.taken == own
        if is_alone and not images.taken_bytes:
            return False
        # Images wait for one another, and bodies must not make all of them wait.
        left = images.taken_bytes if is_alone else max(images.taken_bytes, images.USUAL_BYTES)
        return self.taken + size + left > images.most_bytes + self.FREE

    def count(self, size: int) -> None:
        """Counts more bytes, or fewer if `size` is negative."""
        self.taken += size
        if self._images:
            self._images.held_bytes = max(0, self.taken - self.FREE)


class Room:
    """The share of one request in `Buffers`, which ends with it: `with Room(buffers) as room:`.

    Args:
        buffers: the count of all requests.
    """

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._taken = 0

    def take(self, size: int) -> None:
        """Counts more bytes.

        Raises:
            BuffersFullError: there is no room for them among other bodies and images.
        """
        if self._buffers.is_full(size, self._taken):
            raise BuffersFullError(
                "The bodies of other requests, and the images that are decoded now, leave no room for this body. "
                "Try again in a moment."
            )
        self._count(size)

    @property
    def taken(self) -> int:
        """The bytes that this request holds."""
        return self._taken

    def _count(self, size: int) -> None:
        self._buffers.count(size)
        self._taken += size

    async def unpack(
        self,
        function: Callable[..., Result],
        body: Sized,
        *arguments: Any,
        takes: int,
        on_the_spot: int = _UNPACK_ON_THE_SPOT_BYTES,
    ) -> Result:
        """Calls a function on a body: in a thread, unless the body is so short that other requests need not wait.

        Args:
            function: is called with the body and the other arguments.
            body: of the request, or a part of it.
            arguments: further ones of the function.
            takes: bytes that the function takes at the most; they are counted while it works.
            on_the_spot: a body of no more bytes than this is short.

        Raises:
            BuffersFullError: there is no room for them.
        """
        if len(body) <= on_the_spot:
            return function(body, *arguments)
        async with self._buffers.threads:
            self.take(takes)
            try:
                return await anyio.to_thread.run_sync(function, body, *arguments)
            finally:
                self._count(-takes)

    def __enter__(self) -> "Room":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Counts the bytes of this request no longer."""
        self._buffers.count(-self._taken)
