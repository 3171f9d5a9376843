"""Settings of the C library's heap, which holds the memory that decoders free."""

import ctypes
import sys

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

# Blocks of at least this size get a mapping of their own, which returns to the system when it is freed. Smaller blocks,
# which are a hundred times as frequent, stay with the process: that saves system calls.
_OWN_PIECE = 4 * 1024 * 1024
_KEPT = 32 * 1024 * 1024


def keep_heap_small() -> bool:
    """Makes a process that decodes images of all sizes for months return freed memory to the system.

    By default glibc raises the size from which blocks return to the system to that of the largest image seen, and keeps
    a heap for every thread. Images of mixed sizes then leave holes in these heaps, and the process takes two to three
    times the memory that it needs. Call this before threads start.

    Returns:
        Whether the settings were made: False if the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _OWN_PIECE), (_TRIM_THRESHOLD, _KEPT))
    done = [mallopt(option, value) for option, value in wanted]
    return done == [1] * len(wanted)
