"""The files that connections take are asked for at the start."""

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import pytest

from digits.errors import SettingError
from digits.service.process.connection_room import ConnectionRoom, Place, allow_connections, is_short_of_files

resource = pytest.importorskip("resource")


def test_a_limit_that_may_be_raised_is_raised() -> None:
    code = (
        "import resource; from digits.service.process.connection_room import allow_connections;"
        "most = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, most)); allow_connections(500);"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(shown.stdout) == 564


def test_connections_for_which_files_may_not_be_opened_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    allow_connections(192)
    with pytest.raises(SettingError, match=r"open 256 files\. Set DIGITS_MAX_CONNECTIONS to 192 or less, or have 964"):
        allow_connections(900)


def test_no_limit_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    allow_connections(1_000_000)


class Connected(asyncio.Transport):
    """A connection of some descriptor."""

    def __init__(self, handle: int) -> None:
        super().__init__({"socket": SimpleNamespace(fileno=lambda: handle)})


@pytest.mark.parametrize(
    ("allowed", "handle", "short"),
    [(100, 67, False), (100, 68, True), (100, 99, True), (20, 5, True), (resource.RLIM_INFINITY, 5_000, False)],
)
def test_the_newest_descriptor_tells_whether_few_are_left(
    monkeypatch: pytest.MonkeyPatch, allowed: int, handle: int, short: bool
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    assert is_short_of_files(Connected(handle)) is short


def test_while_files_are_short_connections_are_taken_for_health_checks_alone() -> None:
    room = ConnectionRoom(100)
    assert room.take("10.0.0.1") is Place.FULL
    assert [room.take("10.0.0.1", is_short_of_files=True) for _ in range(17)] == [Place.FOR_HEALTH] * 16 + [Place.NONE]
    assert room.why_full("10.0.0.1").startswith("The service can open few files more")
    assert room.take("10.0.0.1") is Place.FULL
