"""How the C library keeps the memory that decoders give back."""

import ctypes
import sys

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

# Pixels of large images lie in pieces of memory of their own, which go back to the system when they are freed; those
# of small ones, a hundred times as many, stay with the process, which saves the system the work.
_OWN_PIECE = 4 * 1024 * 1024
_KEPT = 32 * 1024 * 1024


def keep_heap_small() -> bool:
    """Makes a process that decodes images of all sizes for months give memory back.

    By itself glibc raises the size from which memory goes back to the system to that of the largest image seen, and
    has a heap for every thread. Images of mixed sizes then fill these heaps with holes, and the process takes two to
    three times the memory that it needs. To be called before threads start.

    Returns:
        Whether it could be set: not where the C library is another than glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _OWN_PIECE), (_TRIM_THRESHOLD, _KEPT))
    done = [mallopt(option, value) for option, value in wanted]
    return done == [1] * len(wanted)
