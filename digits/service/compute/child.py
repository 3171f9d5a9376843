"""Starts a compute process: `python -P child.py`. Its worker talks to it on standard input and output.

With the input closed, it ends at once: so a person sees whether it can be started at all.
"""

import contextlib
import os
import sys
from pathlib import Path

# Small requests, which the worker itself answers, go first.
_NICE = 5


def main() -> None:
    """Computes until the worker closes the pipe."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    # The package may lie where Python does not look by itself, as in a clone.
    sys.path.append(str(Path(__file__).resolve().parents[3]))

    from digits.service.compute.computing import answer_jobs

    # What a library prints must not come between messages.
    to_worker = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    answer_jobs(sys.stdin.fileno(), to_worker)


if __name__ == "__main__":
    main()
