"""The systemd unit, whose commands run here without systemd."""

import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.conftest import BIN, ROOT, Server, child_environment, free_port

UNIT = ROOT / "deploy" / "digits.service"


def entries() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_the_services_commands_start_reload_and_stop_it(tmp_path: Path) -> None:
    unit, port = entries(), free_port()
    words = shlex.split(unit["ExecStart"][0].replace("--port 8000", f"--port {port}"))
    assert words[0] == "/opt/digits/bin/digits"
    variables = dict(pair.split("=", 1) for pair in unit["Environment"])
    assert Path(variables.pop("XDG_RUNTIME_DIR")).name == unit["RuntimeDirectory"][0]
    own = variables | {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "DIGITS_DRAIN_SECONDS": "0.5"}
    server = Server([str(BIN / "digits"), *words[1:]], tmp_path, f"http://127.0.0.1:{port}", own)
    try:
        server.wait_until("/health/ready")
        reload = shlex.split(unit["ExecReload"][0].replace("$MAINPID", str(server.process.pid)))
        subprocess.run(["kill", *reload[1:]], check=True, env=child_environment(tmp_path))
        found = None
        while found is None:
            found = httpx.get(server.url + "/model").json()["last_reload"]
        assert found["outcome"] == "unchanged"
        # KillMode=mixed: the first process alone gets the signal.
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(20) == 0
    finally:
        server.stop()


def test_the_service_is_given_the_time_that_it_may_take_to_stop() -> None:
    unit = entries()
    variables = dict(pair.split("=", 1) for pair in unit["Environment"])
    longest = float(variables["DIGITS_DRAIN_SECONDS"]) + float(variables["DIGITS_SHUTDOWN_SECONDS"])
    assert float(unit["TimeoutStopSec"][0]) > longest
    assert unit["KillMode"] == ["mixed"]
    assert unit["DynamicUser"] == ["yes"]
    assert unit["EnvironmentFile"] == ["-/etc/digits.env"]


def test_the_service_may_call_what_services_need_and_nothing_else() -> None:
    unit = entries()
    assert unit["SystemCallFilter"] == ["@system-service", "~@privileged @resources", "mbind setpriority"]
    assert unit["SystemCallErrorNumber"] == ["EPERM"]
    assert unit["CapabilityBoundingSet"] == [""]
    closed = ("NoNewPrivileges", "MemoryDenyWriteExecute", "PrivateUsers", "RestrictNamespaces", "LockPersonality")
    assert {name: unit[name] for name in closed} == {name: ["yes"] for name in closed}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_the_unit_and_finds_little_exposed(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    # Programs that are not there would be reported.
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/digits/bin/digits", "/bin/true"))
    checked = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    # In tenths: 5.0 of 10 before system calls were filtered.
    exposed = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(copy)]
    shown = subprocess.run(exposed, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stdout[-300:]
