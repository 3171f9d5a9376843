"""`digits reload`: has a running server load its model file again."""

import argparse
import contextlib
import os
import signal
import sys
import time
from typing import Any

from digits.cli.arguments import EXIT_FAILED, EXIT_OK, Commands, add_command, whole_number
from digits.errors import SettingError

# A model takes a second to load, and a worker that is busy longer.
_PATIENCE_SECONDS = 60.0


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "reload", "have the running server load its model file again")
    parser.add_argument(
        "--pid", type=whole_number(1, 2**31), metavar="N", help="process id of the server, if several run"
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Asks each worker, and prints each outcome; returns the exit code."""
    from digits.service.process.runtime import INSTALLATION, base_folder, running

    if not hasattr(signal, "SIGHUP"):
        raise SettingError("This system has no signal for reloading. Restart the server.")
    servers = running()
    if options.pid is not None:
        servers = {pid: workers for pid, workers in servers.items() if pid == options.pid}
    else:
        # A server that runs another copy of Digits is none of ours.
        others = {pid: workers for pid, workers in servers.items() if _said(workers, "installation") != INSTALLATION}
        servers = {pid: workers for pid, workers in servers.items() if pid not in others}
        if others and not servers:
            raise SettingError(
                f"No server of this copy of Digits runs, but of others: {_list(others)}. Name one with --pid."
            )
    if not servers:
        which = "No server" if options.pid is None else f"No server with process {options.pid}"
        raise SettingError(
            f"{which} of this user is known in {base_folder()}. Start one with: digits serve. One that runs with "
            "another XDG_RUNTIME_DIR keeps its folder there: set it likewise, or send SIGHUP to its first process."
        )
    if len(servers) > 1:
        raise SettingError(f"Several servers run. Name one of them with --pid: {_list(servers)}")
    ((pid, before),) = servers.items()
    print(f"server {_list(servers)}")
    return _ask_all(pid, before)


def _ask_all(server: int, before: dict[int, dict[str, Any]]) -> int:
    """Asks each worker of a server, also those that are starting, and prints each outcome; returns the exit code."""
    from digits.service.process.runtime import running

    count = max((state.get("workers") or 0 for state in before.values()), default=0)
    asked: dict[int, dict[str, Any]] = {}
    done: dict[int, dict[str, Any]] = {}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    now = before
    while True:
        # A worker that has just started may have read the file before it was replaced.
        for pid in set(now) - set(asked):
            asked[pid] = _reload(now[pid])
            # It may have ended meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)
        now = running().get(server, {})
        done = {pid: _reload(state) for pid, state in now.items() if _reload(state) != asked.get(pid, _reload(state))}
        waiting = [pid for pid in now if pid not in done]
        starting = count - len(now)
        if not (waiting or starting > 0) or not _lives(server) or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for pid, outcome in done.items():
        print(f"worker {pid}: {outcome['outcome']}. {outcome['detail']}")
    for pid in waiting:
        print(f"digits: worker {pid} has not answered yet; its log will tell.", file=sys.stderr)
    if starting > 0:
        others = "the other is" if starting == 1 else "the others are"
        print(
            f"digits: an answer came from {len(done)} of {count} workers; {others} still starting. The log says why. "
            "Then run digits reload again.",
            file=sys.stderr,
        )
    failed = waiting or starting > 0 or not done or any(outcome["outcome"] == "failed" for outcome in done.values())
    return EXIT_FAILED if failed else EXIT_OK


def _lives(server: int) -> bool:
    """Returns whether the first process of a server, which starts its workers again, has not ended."""
    try:
        os.kill(server, 0)
    except ProcessLookupError:
        return False
    return True


def _said(workers: dict[int, dict[str, Any]], name: str) -> str:
    """Returns what the workers of a server say of it."""
    return next((str(state[name]) for state in workers.values() if name in state), "unknown")


def _list(servers: dict[int, dict[int, dict[str, Any]]]) -> str:
    """Returns servers in words: process, address and folder."""
    return "; ".join(
        f"{pid} ({_said(workers, 'address')}, started in {_said(workers, 'folder')})"
        for pid, workers in sorted(servers.items())
    )


def _reload(state: dict[str, Any]) -> dict[str, Any]:
    return state.get("last_reload") or {}
