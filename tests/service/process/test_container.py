"""Limits of containers, read from files as the kernel writes them."""

import os
from pathlib import Path

import pytest

from digits.recognizer import shipped_model
from digits.service.process import container
from digits.service.process.container import decoding_memory, decoding_slots, memory_limit, processors
from digits.service.settings import Settings
from digits.service.state import ServiceState

MB = 1024 * 1024
CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def group(tmp_path: Path, membership: str, **files: str) -> tuple[Path, Path]:
    """Control groups with some files; `__` in a name stands for a slash, `_dot_` for a dot."""
    root, listing = tmp_path / "cgroup", tmp_path / "self"
    root.mkdir()
    for name, content in files.items():
        file = root / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    listing.write_text(membership)
    return root, listing


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("50000 100000", 1), ("100000 100000", 1), ("1000 100000", 1), ("max 100000", CPUS), ("99999999 100000", CPUS)],
)
def test_the_quota_of_version_2_bounds_the_processors(tmp_path: Path, quota: str, expected: int) -> None:
    assert processors(*group(tmp_path, "0::/\n", cpu_dot_max=quota + "\n")) == expected


def test_the_quota_of_version_1_bounds_the_processors(tmp_path: Path) -> None:
    files = {"cpu__cpu_dot_cfs_quota_us": "100000\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}
    assert processors(*group(tmp_path, "4:cpu,cpuacct:/\n2:memory:/\n", **files)) == 1


def test_a_quota_of_minus_one_is_none(tmp_path: Path) -> None:
    files = {"cpu__cpu_dot_cfs_quota_us": "-1\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}
    assert processors(*group(tmp_path, "4:cpu:/\n", **files)) == CPUS


def test_the_strictest_group_above_the_process_counts(tmp_path: Path) -> None:
    groups = group(
        tmp_path,
        "0::/kubepods/pod1/app\n",
        kubepods__pod1__memory_dot_max=f"{600 * MB}\n",
        kubepods__pod1__app__memory_dot_max="max\n",
        kubepods__memory_dot_max=f"{900 * MB}\n",
    )
    assert memory_limit(*groups) == 600 * MB


def test_version_1_without_a_limit_of_memory_has_none(tmp_path: Path) -> None:
    groups = group(tmp_path, "2:memory:/\n", memory__memory_dot_limit_in_bytes="9223372036854771712\n")
    assert memory_limit(*groups) is None


@pytest.mark.parametrize(
    ("limit", "workers", "slots", "expected"),
    [("max", 1, 2, 128), ("max", 1, 16, 1024), ("1024", 2, 2, 128), ("500", 2, 2, 100), ("256", 2, 1, 64)],
)
def test_memory_for_decoding_is_what_the_container_leaves(
    tmp_path: Path, limit: str, workers: int, slots: int, expected: int
) -> None:
    text = limit if limit == "max" else str(int(limit) * MB)
    groups = group(tmp_path, "0::/\n", memory_dot_max=text + "\n")
    assert decoding_memory(slots, 150 * MB, workers, *groups) == expected * MB


def test_outside_of_containers_all_processors_count(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert processors(missing, missing) == CPUS
    assert memory_limit(missing, missing) is None


@pytest.mark.parametrize(("limit", "workers", "expected"), [(512, 1, 1), (100, 1, 1), (10_000, 1, CPUS), (1300, 2, 1)])
def test_memory_bounds_the_images_at_a_time(tmp_path: Path, limit: int, workers: int, expected: int) -> None:
    groups = group(tmp_path, "0::/\n", memory_dot_max=f"{limit * MB}\n")
    assert decoding_slots(300 * MB, 200 * MB, workers, *groups) == expected


@pytest.mark.parametrize(("limit", "expected"), [(2_000, 128), (300, 108), (100, 64)])
def test_a_worker_decodes_in_what_the_container_leaves_besides_the_worker_and_bodies(
    monkeypatch: pytest.MonkeyPatch, limit: int, expected: int
) -> None:
    monkeypatch.setattr(container, "memory_limit", lambda *_: limit * MB)
    monkeypatch.setattr(container, "processors", lambda *_: 2)
    state = ServiceState(Settings(model=shipped_model(), metrics=False))
    try:
        assert state.queue.memory is not None
        assert state.queue.memory.most_bytes == expected * MB
    finally:
        state.close()


@pytest.mark.parametrize(("limit", "workers", "expected"), [(2_000, 1, True), (1_024, 2, True), (900, 2, False)])
def test_where_memory_is_short_images_are_read_without_further_processes(
    monkeypatch: pytest.MonkeyPatch, limit: int, workers: int, expected: bool
) -> None:
    monkeypatch.setattr(container, "memory_limit", lambda *_: limit * MB)
    monkeypatch.setenv(container.WORKERS_VARIABLE, str(workers))
    state = ServiceState(Settings(model=shipped_model(), metrics=False))
    try:
        assert state.processes.is_used == expected
    finally:
        state.close()


def test_workers_that_share_the_processors_decode_twice_their_share_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "processors", lambda *_: 16)
    monkeypatch.setattr(container, "memory_limit", lambda *_: None)
    slots = {}
    for workers in (1, 4, 16):
        monkeypatch.setenv(container.WORKERS_VARIABLE, str(workers))
        state = ServiceState(Settings(model=shipped_model(), metrics=False))
        slots[workers] = state.queue.threads.total_tokens
        state.close()
    assert slots == {1: 16, 4: 8, 16: 2}
