"""Bounds on what is being done at a time: requests that are answered, and bytes that are held."""

from types import TracebackType

from digits.service.errors import BuffersFullError, OverloadedError


class ConcurrencyLimit:
    """ConcurrencyLimit for requests that are being answered; `with places:` takes one and gives it back.

    Args:
        most: how many there are.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def __enter__(self) -> None:
        """Takes a place; raises `OverloadedError` if there is none."""
        if self.taken >= self.most:
            raise OverloadedError(
                f"{self.most} requests are being answered, and no more are taken at a time. Try again in a moment."
            )
        self.taken += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the place back."""
        self.taken -= 1


class Buffers:
    """Memory for the bodies of requests.

    Args:
        most: bytes that all of them together may take.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0


class Room:
    """What one request takes of it; `with Room(buffers) as room:` gives all back in the end.

    Args:
        buffers: of which it is a part.
    """

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._taken = 0

    def take(self, size: int) -> None:
        """Takes room for more bytes; raises `BuffersFullError` if there is none."""
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
        """Gives it back."""
        self._buffers.taken -= self._taken
