"""Mapped files whose space is reserved before they are written.

A file that is only made longer takes no space yet. If the disk is full when a process writes to such a file through a
mapping, the kernel ends the process with SIGBUS. Reserving the space fails with an error instead, which can be handled.
"""

import os
import struct
import sys
from pathlib import Path

# A worker's metrics take a tenth of this.
METRICS_BYTES = 256 * 1024
# As prometheus_client names the files of a process.
_KINDS = ("counter", "histogram", "gauge_livesum")


def reserve(handle: int, size: int) -> None:
    """Makes an open file at least `size` bytes long, and takes the space for them.

    Raises:
        OSError: there is not so much space.
    """
    if sys.platform.startswith("linux"):
        os.posix_fallocate(handle, 0, size)
    elif os.fstat(handle).st_size < size:
        os.ftruncate(handle, size)


def reserve_metrics(folder: Path, pid: int) -> None:
    """Reserves the files into which prometheus_client writes the metrics of a process.

    Raises:
        OSError: there is not enough space; nothing is left in the folder.
    """
    files = [folder / f"{kind}_{pid}.db" for kind in _KINDS]
    try:
        for file in files:
            with file.open("ab") as handle:
                reserve(handle.fileno(), METRICS_BYTES)
    except OSError:
        for file in files:
            file.unlink(missing_ok=True)
        raise


def trim_metrics(folder: Path, pid: int) -> None:
    """Gives back the space that the metrics of a process reserved and did not use, once it has ended."""
    for kind in _KINDS:
        file = folder / f"{kind}_{pid}.db"
        try:
            with file.open("r+b") as handle:
                # The file begins with the number of bytes that are used.
                (used,) = struct.unpack("i", handle.read(4))
                if 8 <= used < file.stat().st_size:
                    handle.truncate(used)
        except (OSError, struct.error):
            continue
