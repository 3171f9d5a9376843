"""What the container lets a process use: the quota of processor time and the limit of memory of its control groups.

`os.cpu_count()` counts the processors of the machine, of which a container may have a small share.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")

# Servers that start several workers set it, or are told by it.
WORKERS_VARIABLE = "WEB_CONCURRENCY"

# A worker decodes so many images at a time, if there are as many processors.
_LEAST_SLOTS = 2
# Memory for decoding: the first number, or the second for each image decoded at a time, whichever is more.
_DECODING_BYTES, _SLOT_BYTES = 128 * 2**20, 64 * 2**20
# What a small container has for it at the least.
_LEAST_DECODING_BYTES = 64 * 2**20

# Groups without a limit of memory report a number near 2^63 (version 1).
_UNLIMITED = 2**60


def processors(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int:
    """Returns how many processors the process can keep busy, at least 1.

    Args:
        root: where the control groups are mounted.
        membership: file that names the groups of the process.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for folder in _folders(root, membership, "cpu") if (quota := _quota(folder)) is not None]
    # Half a processor too few wastes less than half a processor too many, which waits in the middle of its work.
    return max(1, min([affinity, *(math.floor(quota + 0.5) for quota in quotas)]))


def memory_limit(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """Returns the most bytes that the container may hold; None if there is no limit.

    Args:
        root: where the control groups are mounted.
        membership: file that names the groups of the process.
    """
    limits = [
        limit
        for folder in _folders(root, membership, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (limit := _number(folder / name)) is not None and limit < _UNLIMITED
    ]
    return min(limits, default=None)


def workers_here() -> int:
    """Returns how many workers share the container with this one, itself included, as far as it was told."""
    text = os.environ.get(WORKERS_VARIABLE, "")
    return max(1, int(text)) if text.isdecimal() else 1


def has_room(bytes_each: int, workers: int = 1, root: Path = ROOT, membership: Path = MEMBERSHIP) -> bool:
    """Returns whether each worker may take so many bytes.

    Args:
        bytes_each: memory of a worker.
        workers: processes that share the container.
        root: where the control groups are mounted.
        membership: file that names the groups of the process.
    """
    limit = memory_limit(root, membership)
    return limit is None or limit // workers >= bytes_each


def decoding_slots(
    bytes_each: int, bytes_kept: int, workers: int = 1, root: Path = ROOT, membership: Path = MEMBERSHIP
) -> int:
    """Returns how many images a worker should decode at a time, at least 1.

    There are no more than processors, and of many processors no more than twice the worker's share of them: requests
    do not come to all workers alike.

    Args:
        bytes_each: memory that one large image takes.
        bytes_kept: memory that a worker takes besides.
        workers: processes that share the container.
        root: where the control groups are mounted.
        membership: file that names the groups of the process.
    """
    here = processors(root, membership)
    slots = min(here, max(_LEAST_SLOTS, math.ceil(2 * here / workers)))
    limit = memory_limit(root, membership)
    if limit is not None:
        slots = min(slots, (limit // workers - bytes_kept) // bytes_each)
    return max(1, slots)


def decoding_memory(
    slots: int, bytes_kept: int, workers: int = 1, root: Path = ROOT, membership: Path = MEMBERSHIP
) -> int:
    """Returns how many bytes of memory the images may take that a worker decodes at a time.

    Args:
        slots: images decoded at a time.
        bytes_kept: memory that a worker takes besides.
        workers: processes that share the container.
        root: where the control groups are mounted.
        membership: file that names the groups of the process.
    """
    wanted = max(_DECODING_BYTES, slots * _SLOT_BYTES)
    limit = memory_limit(root, membership)
    return wanted if limit is None else max(_LEAST_DECODING_BYTES, min(wanted, limit // workers - bytes_kept))


def _folders(root: Path, membership: Path, controller: str) -> Iterator[Path]:
    """Yields the folders of the process's group and of all groups above it, whose limits hold, too."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            base = root
        elif controller in controllers.split(","):
            base = root / controller
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for depth in range(len(parts), -1, -1):
            yield base.joinpath(*parts[:depth])


def _quota(folder: Path) -> float | None:
    """Returns the processors of a group's quota; None if it has none."""
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        pass
    allowed, period_v1 = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return allowed / period_v1 if allowed is not None and allowed > 0 and period_v1 else None


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
