"""Bounds on what a worker does at a time: requests that it answers, and bytes that it holds."""

from types import TracebackType

from digits.service.errors import BuffersFullError, OverloadedError


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
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0


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
            BuffersFullError: the limit would be exceeded.
        """
        if self._buffers.taken + size > self._buffers.most:
            raise BuffersFullError(
                f"The bodies that are being received fill the {self._buffers.most:,} bytes that there are for them. "
                "Try again in a moment."
            )
        self._buffers.taken += size
        self._taken += size

    def __enter__(self) -> "Room":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Counts the bytes of this request no longer."""
        self._buffers.taken -= self._taken
