"""Runs a program on a file, within limits: what each process runs that `digits.images.apart.process` starts.

It imports nothing of Digits, so that it starts fast and takes little memory. Nor do the programs.

    starter.py PROGRAM DESCRIPTOR MEMORY_BYTES CPU_SECONDS ARGUMENTS

PROGRAM is the path of a module, which imports what it needs. Once it is loaded, the first line of the standard output
is `ready`. If it cannot be loaded, that line says why, and begins with `lacks` if memory or files lack for a moment.
Then the file is read from the descriptor. The module's `main` gets its bytes and the arguments, which are whole
numbers, answers on the standard output, and returns the exit code. With PROGRAM alone, it is only loaded: so a person
sees what is wrong with it.
"""

import errno
import os
import runpy
import sys
from collections.abc import Callable

# As many characters of an error are told.
_SHOWN = 150
# What the system may lack for a moment. Libraries that cannot be loaded tell it in their text alone.
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Limits memory and time of this process, and keeps it from writing files, where the system has such limits."""
    try:
        import resource
    except ImportError:
        return
    limits = {
        "RLIMIT_AS": memory_bytes,
        "RLIMIT_CPU": cpu_seconds,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 64,
    }
    for name, most in limits.items():
        if hasattr(resource, name):
            kind = getattr(resource, name)
            _, allowed = resource.getrlimit(kind)
            # Nobody but root may raise a limit that is lower already.
            lower = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
            resource.setrlimit(kind, (lower, lower))


def main(program: str, descriptor: int, memory_bytes: int, cpu_seconds: int, *arguments: int) -> int:
    """Loads the program, reads the file and runs the program; returns the exit code.

    Args:
        program: path of its module.
        descriptor: of the file, which is read from its start.
        memory_bytes: most memory that the process may take.
        cpu_seconds: most processor time.
        arguments: of the program.
    """
    work = load(program)
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        data = file.read()
    limit(memory_bytes, cpu_seconds)
    return int(work(data, *arguments))


def load(program: str) -> Callable[..., int]:
    """Loads the module of a path, and says so; returns its `main`."""
    try:
        work: Callable[..., int] = runpy.run_path(program)["main"]
    except Exception as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        if is_lack(error):
            told = f"lacks {told}"
        # A character is a byte, of which the first line may have only so many.
        print(told.encode("ascii", "backslashreplace").decode()[:_SHOWN], flush=True)
        raise
    print("ready", flush=True)
    return work


def is_lack(error: BaseException | None) -> bool:
    """Returns whether an error, or what caused it, is that the system has too little memory or too few files."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in _PASSING:
            return True
        if isinstance(error, OSError | ImportError) and any(os.strerror(number) in str(error) for number in _PASSING):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    if len(sys.argv) == 2:
        load(sys.argv[1])
    else:
        raise SystemExit(main(sys.argv[1], *map(int, sys.argv[2:])))
