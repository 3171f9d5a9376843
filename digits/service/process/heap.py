"""Settings of the C library's heap, which holds the memory that decoders free."""

import ctypes
import functools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

# Blocks of at least this size get a mapping of their own, which returns to the system when it is freed. Smaller blocks,
# which are a hundred times as frequent, stay with the process: that saves system calls.
_OWN_PIECE = 4 * 1024 * 1024
_KEPT = 32 * 1024 * 1024

# What a process has grown by before freed memory returns to the system, in bytes; it is looked at no more often than
# once in so many seconds. Returning it takes some milliseconds.
_GROWTH, _LOOK_SECONDS = 16 * 1024 * 1024, 0.1
_RESIDENT = Path("/proc/self/statm")


def keep_heap_small(kept: int = _KEPT) -> bool:
    """Makes a process that decodes images of all sizes for months return freed memory to the system.

    By default glibc raises the size from which blocks return to the system to that of the largest image seen, and keeps
    a heap for every thread. Images of mixed sizes then leave holes in these heaps, and the process takes two to three
    times the memory that it needs. Call this before threads start.

    Args:
        kept: freed bytes at the end of the heap that stay with the process.

    Returns:
        Whether the settings were made: False if the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _OWN_PIECE), (_TRIM_THRESHOLD, kept))
    done = [mallopt(option, value) for option, value in wanted]
    return done == [1] * len(wanted)


class HeapTrimmer:
    """Returns freed memory to the system that lies between pieces in use, where glibc keeps it by itself.

    Pages and photos that are read at the same time leave such holes. After a mix of both, they are half of the heap.

    Args:
        growth: bytes that the process must have grown by since memory was returned last.
    """

    def __init__(self, growth: int = _GROWTH) -> None:
        self._growth = growth
        self._looked = -_LOOK_SECONDS
        # What a process has when it starts is not known to be little.
        self._least = 0

    def trim(self) -> bool:
        """Returns the memory if the process has grown, and if nobody has looked a moment ago; any thread may call it.

        Returns:
            Whether memory was returned.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return False
        self._looked = now
        resident = resident_bytes()
        if resident < self._least + self._growth:
            self._least = min(self._least, resident)
            return False
        trim = _trimming()
        if trim is None:
            return False
        returned = trim(0) == 1
        self._least = resident_bytes()
        return returned


def resident_bytes() -> int:
    """Returns the memory of this process, in bytes; 0 where the system does not tell."""
    try:
        return int(_RESIDENT.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def own_bytes(pid: int) -> int:
    """Returns the memory of another process that is no part of a file, in bytes; 0 where the system does not tell."""
    try:
        _, resident, shared = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[:3]
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


@functools.cache
def _trimming() -> Callable[[int], int] | None:
    """Returns glibc's `malloc_trim`; None if the C library has none."""
    if not sys.platform.startswith("linux"):
        return None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim.argtypes = (ctypes.c_size_t,)
    return trim
