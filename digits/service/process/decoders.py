"""Settings of the libraries that decode and compute: their threads, and what they print."""

import ctypes
import sys

import cv2


def one_thread_for_each_image() -> None:
    """Keeps OpenCV from spreading the work on one image over all processors.

    A busy service reads as many images at a time as there are processors, so that this only costs time. It costs memory
    as well: for a page of 640,000 dots, OpenCV takes 44 MB on one thread, 186 on two and 1,370 on sixteen.
    """
    cv2.setNumThreads(1)


# From glibc's libio.h: the stream takes no output. The flags are the first member of a stream.
_NO_WRITES = 0x0008


def silence_decoders() -> bool:
    """Discards what libraries in C print on standard error, such as libjpeg in OpenCV about each damaged file.

    Clients could fill the operator's log with such lines. Only the C library's stream is closed for output, and not the
    descriptor: Python's log, tracebacks and fatal errors, and what the C library says of a crash, go there as before.

    Returns:
        Whether they are silent: False if the C library is not glibc, of which the form of a stream is known.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    ctypes.POINTER(ctypes.c_int).in_dll(library, "stderr").contents.value |= _NO_WRITES
    return True
