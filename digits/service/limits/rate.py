"""Rate limit: how often each client may ask, counted over all workers of a machine."""

import contextlib
import hashlib
import logging
import math
import mmap
import re
import struct
import time
from pathlib import Path
from typing import IO

from digits.service.errors import RateLimitedError
from digits.service.process.reserved import reserve
from digits.service.process.runtime import locked

_log = logging.getLogger("digits")

_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}

# A slot: the tag of a client, and the time from which on it has its whole allowance again.
_SLOT = struct.Struct("<Qd")
_WAYS = 8
_SETS = 8_192
_SET_BYTES = _SLOT.size * _WAYS


def read_limit(limit: str) -> tuple[int, str]:
    """Returns the number of requests and the unit of time of a limit such as 100/minute.

    Raises:
        ValueError: the limit cannot be read.
    """
    match = re.fullmatch(rf"\s*([1-9]\d{{0,8}})\s*/\s*({'|'.join(_UNITS)})s?\s*", limit)
    if match is None:
        raise ValueError(f"it must be like 100/minute ({', '.join(_UNITS)})")
    return int(match[1]), match[2]


class RateLimiter:
    """Bounds how often each client asks; after a pause a client may use the whole allowance of a period at once.

    It is the generic cell rate algorithm (ITU-T I.371). For each client the limiter keeps the time up to which its
    requests are paid for; each request moves it on by an equal share of the period. The times stand in a table of
    fixed size, in a file that the workers share, so that memory is bounded however many clients ask. Where a new
    client finds no free slot, it takes that of the client that has been silent for longest.

    Args:
        limit: such as 100/minute.
        file: the table, made if it does not exist; workers with one file count together. If None, the process counts
            for itself.

    Raises:
        ValueError: the limit cannot be read.
    """

    def __init__(self, limit: str, file: Path | None) -> None:
        count, unit = read_limit(limit)
        self.period = _UNITS[unit]
        self.share = self.period / count
        self.limit = f"{count:,} requests a {unit}"
        self._handle = _open_table(file)
        # Without a file the table is in memory, and each worker counts for itself.
        self._table = mmap.mmap(self._handle.fileno() if self._handle else -1, _SETS * _SET_BYTES)

    def check(self, client: str) -> None:
        """Counts a request of a client.

        Raises:
            RateLimitedError: it has asked too often; the error says when it may ask again.
        """
        digest = hashlib.blake2b(client.encode("utf-8", "surrogateescape"), digest_size=16).digest()
        tag, place = int.from_bytes(digest[:8], "little") or 1, int.from_bytes(digest[8:], "little") % _SETS
        with locked(self._handle) if self._handle else contextlib.nullcontext():
            # All processes of the machine share this clock.
            wait = self._take(tag, place * _SET_BYTES, time.monotonic())
        if wait > 0.0:
            seconds = math.ceil(wait)
            raise RateLimitedError(
                f"More than {self.limit} came from this client. Try again in {seconds} second{'s' * (seconds != 1)}.",
                retry_after=seconds,
            )

    def _take(self, tag: int, offset: int, now: float) -> float:
        """Returns the seconds until the client may ask; 0 if it may now, and then counts the request."""
        slots = list(_SLOT.iter_unpack(self._table[offset : offset + _SET_BYTES]))
        at = next((i for i, slot in enumerate(slots) if slot[0] == tag), None)
        paid = now if at is None else max(now, slots[at][1])
        if paid > now + self.period:
            # No client gets this far ahead: the time was written before the machine restarted.
            paid = now
        wait = paid + self.share - now - self.period
        if wait > 1e-9:
            return wait
        if at is None:
            at = min(range(_WAYS), key=lambda i: slots[i][1])
        _SLOT.pack_into(self._table, offset + at * _SLOT.size, tag, paid + self.share)
        return 0.0

    def close(self) -> None:
        """Closes the file."""
        self._table.close()
        if self._handle:
            self._handle.close()


def _open_table(file: Path | None) -> IO[bytes] | None:
    """Opens the file of the table, of its full size; returns None if there is no file, or no space for it."""
    if file is None:
        return None
    try:
        handle = file.open("a+b")
        try:
            with locked(handle):
                reserve(handle.fileno(), _SETS * _SET_BYTES)
        except OSError:
            handle.close()
            raise
    except OSError as error:
        _log.warning("The rate limit is counted by each worker for itself: %s cannot be written (%s)", file, error)
        return None
    return handle
