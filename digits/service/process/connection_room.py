"""How many connections a worker holds: in all, from one address, and while files are short; a few for health checks."""

import asyncio
import contextlib
import sys
from collections import Counter
from enum import Enum

from digits.errors import SettingError
from digits.service.middleware.guard import network_of

# Connections that are taken when there is no room, for requests to `/health/` alone.
_FOR_HEALTH = 16
# Files that a worker opens besides: libraries, the model, logs, metrics, pipes to other processes, and the connections
# of health checks.
_OTHER_FILES = 64
# So many of them are not taken by connections, however many files are open: half of them for health checks.
_SPARE_FILES = 32

if sys.platform != "win32":
    import resource


class Place(Enum):
    """The place that a connection gets."""

    FULL = "full"
    FOR_HEALTH = "for health checks alone"
    NONE = "none"


class ConnectionRoom:
    """Counts the connections of a process.

    Args:
        most: connections in all.
        most_per_address: connections from one IPv4 address or one IPv6 network of 64 bits; half of `most` if None.
            Clients without an address, which connect to a socket file, are not bounded by it.
    """

    def __init__(self, most: int, most_per_address: int | None = None) -> None:
        self.most = most
        self.most_per_address = most_per_address or -(-most // 2)
        self._by_address: Counter[str] = Counter()
        self._count = self._for_health = 0

    def take(self, address: str, *, is_short_of_files: bool = False) -> Place:
        """Counts a connection, unless there is no place for it, and returns which place it has.

        Args:
            address: of the client.
            is_short_of_files: whether the process may open few files more.
        """
        network = network_of(address)
        is_full = self._count >= self.most or (network and self._by_address[network] >= self.most_per_address)
        if not is_full and not is_short_of_files:
            self._count += 1
            self._by_address[network] += 1
            return Place.FULL
        if self._for_health < _FOR_HEALTH:
            self._for_health += 1
            return Place.FOR_HEALTH
        return Place.NONE

    def leave(self, address: str, place: Place) -> None:
        """Counts a connection no longer.

        Args:
            address: as for `take`.
            place: what `take` returned.
        """
        if place is Place.FOR_HEALTH:
            self._for_health -= 1
        elif place is Place.FULL:
            network = network_of(address)
            self._count -= 1
            self._by_address[network] -= 1
            if not self._by_address[network]:
                del self._by_address[network]

    def why_full(self, address: str) -> str:
        """Returns a sentence that says why there is no place for another connection from an address."""
        taken = self._by_address.get(network_of(address), 0)
        if self._count < self.most and taken >= self.most_per_address:
            return (
                f"{self.most_per_address:,} connections from this address are open, and no more are taken from one. "
                "Close some, or try again in a moment."
            )
        if self._count >= self.most:
            return f"{self.most:,} connections are open, and no more are taken at a time. Try again in a moment."
        return "The service can open few files more, and takes no more connections. Try again in a moment."


def is_short_of_files(newest: asyncio.BaseTransport) -> bool:
    """Returns whether this process may open few files more.

    Args:
        newest: the connection that it has just taken. Its descriptor tells: the system gives the lowest one that is
            free.
    """
    connection = newest.get_extra_info("socket")
    if sys.platform == "win32" or connection is None:
        return False
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # No limit is a negative number on Linux.
    return allowed > 0 and connection.fileno() >= allowed - _SPARE_FILES


def allow_connections(connections: int) -> None:
    """Has this process, and those that it starts, open as many files as so many connections take, if it may.

    Args:
        connections: that a worker holds at most.

    Raises:
        SettingError: the system does not allow it. Otherwise clients would be reset one after the other, and health
            checks with them.
    """
    if sys.platform == "win32":
        return
    needed = connections + _OTHER_FILES
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not _is_enough(allowed, needed):
        # Whoever starts a process may raise this limit up to the other one.
        wanted = needed if _is_enough(most, needed) else most
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not _is_enough(allowed, needed):
        room = allowed - _OTHER_FILES
        lower = f"Set DIGITS_MAX_CONNECTIONS to {room} or less, or have" if room > 0 else "Have"
        raise SettingError(
            f"DIGITS_MAX_CONNECTIONS is {connections}, and the system lets this process open {allowed} files. {lower} "
            f"{needed} allowed (`ulimit -Hn`, by whoever runs this machine)."
        )


def _is_enough(limit: int, needed: int) -> bool:
    # No limit is a negative number on Linux, and a very large one elsewhere.
    return limit < 0 or limit >= needed
