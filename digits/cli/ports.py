"""Whether a server can listen at a port; if not, why, and what to do."""

import errno
import os
import shutil
import socket
from collections.abc import Callable

from digits.errors import SettingError

_LAST_PORT = 65_535
# Commands that show which program listens at a port, by the program that has to be there.
_SHOW_HOLDER = {"lsof": "lsof -i :{port}", "ss": "ss -ltnp 'sport = :{port}'", "netstat": "netstat -ano"}


def check_port(host: str, port: int, server: str, other_port: str) -> None:
    """Checks that a server can listen.

    Args:
        host: address or name of this machine.
        port: TCP port.
        server: what is to listen, such as "the API".
        other_port: a command that starts the server at another port; `{port}` stands for the port.

    Raises:
        SettingError: it cannot; the message says why, who holds the port as far as is known, and what to do.
    """
    problem = _problem(host, port)
    if problem is None:
        return
    if problem.errno != errno.EADDRINUSE:
        raise SettingError(
            f"{server[:1].upper()}{server[1:]} cannot listen at {host}, port {port} "
            f"({problem.strerror or problem}). Choose another port or host."
        )
    free = _next_free(port, lambda other: _problem(host, other) is None)
    raise SettingError(
        f"Port {port}, for {server}, is in use. Choose another, for example: {other_port.format(port=free)}"
        f"{_holder(port)}"
    )


def _problem(host: str, port: int) -> OSError | None:
    """Returns why a server cannot listen there; None if it can."""
    try:
        places = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:
        return OSError(errno.EINVAL, f"{host!r} is no name of a machine")
    except OSError as problem:
        return problem
    problems = []
    for family, kind, protocol, _, address in places:
        try:
            with socket.socket(family, kind, protocol) as probe:
                # As servers do: a port whose last connections are only fading counts as free.
                if os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
        except OSError as problem:
            problems.append(problem)
    # A server listens at those addresses of a name that this machine has.
    in_use = next((problem for problem in problems if problem.errno == errno.EADDRINUSE), None)
    return in_use or (problems[0] if len(problems) == len(places) else None)


def _next_free(port: int, is_free: Callable[[int], bool]) -> int:
    """Returns the first free port after this one, or the one after it if none is found among the next hundred."""
    others = range(port + 1, min(port + 100, _LAST_PORT) + 1)
    return next(filter(is_free, others), port + 1 if others else port - 1)


def _holder(port: int) -> str:
    """Returns sentences that say which server of Digits holds a port, or how to find out what does."""
    from digits.service.process.runtime import running

    for pid, workers in running().items():
        for state in workers.values():
            if str(state.get("address", "")).partition("//")[2].partition("/")[0].endswith(f":{port}"):
                return f". Or stop the server of Digits that holds it: process {pid}, started in {state.get('folder')}."
    show = next((command for program, command in _SHOW_HOLDER.items() if shutil.which(program)), None)
    return f". To see what holds it: {show.format(port=port)}" if show else ""
