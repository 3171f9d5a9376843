"""The time, the work and the memory that reading one image may take."""

from digits.budget.memory_bound import MemoryBound, bounded_memory, memory
from digits.budget.work import (
    TIME_OVER,
    Budget,
    add_time,
    bounded_work,
    check,
    current,
    each_with_its_time,
    is_work_left,
    limited,
    spend,
    wall_seconds,
    work_left,
)

__all__ = [
    "TIME_OVER",
    "Budget",
    "MemoryBound",
    "add_time",
    "bounded_memory",
    "bounded_work",
    "check",
    "current",
    "each_with_its_time",
    "is_work_left",
    "limited",
    "memory",
    "spend",
    "wall_seconds",
    "work_left",
]
