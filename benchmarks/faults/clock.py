"""Sets the wall clock forwards and backwards under the service: python -m benchmarks.faults.clock

libfaketime shows the service a wall clock that jumps by years, between requests, while its rate limit is on. Every
request must be answered, no time in an answer may be negative, and the service must stay alive. If not, the exit code
is 1. Debian has the library in the package faketime.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.support.client import Connection, address_of, request, upload
from benchmarks.support.machine import describe_machine
from benchmarks.support.operating import SAMPLE
from benchmarks.support.servers import SERVE, running
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, whole_number
from digits.recognizer import shipped_model

_JUMPS = ("+30d", "-3650d", "+0", "+7300d", "-1d")


def library() -> Path | None:
    """Returns the path of libfaketime; None if it is not installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


def failures(requests: int) -> list[str]:
    """Sends requests after each jump of the clock; returns what was wrong with the answers.

    Args:
        requests: the number after each jump.

    Raises:
        RuntimeError: libfaketime is not installed, or the service does not start.
    """
    if (preloaded := library()) is None:
        raise RuntimeError("This benchmark needs libfaketime: apt-get install faketime")
    image, wrong = SAMPLE.read_bytes(), []
    with tempfile.TemporaryDirectory() as folder:
        offset = Path(folder) / "offset"
        offset.write_text("+0")
        environment = {
            "DIGITS_MODEL": str(shipped_model()),
            # So many that a limit that counts rightly refuses none, and one that a jump locks refuses all.
            "DIGITS_RATE_LIMIT": f"{2 * (len(_JUMPS) + 1) * requests + 10}/day",
            "XDG_RUNTIME_DIR": folder,
            "LD_PRELOAD": str(preloaded),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            # The system's own monotonic clock does not jump either.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        with running(SERVE, image, environment) as server, Connection(address_of(server.url), 60.0) as connection:
            for jump in _JUMPS:
                offset.write_text(jump)
                for _ in range(requests):
                    answer = connection.exchange(upload(image))
                    seconds = json.loads(answer.body).get("prediction_time_ms", -1.0)
                    if answer.status != 200 or seconds < 0.0:
                        wrong.append(f"after {jump}: {answer.status}, {answer.body[:200]!r}")
                if (live := connection.exchange(request("GET", "/health/live")).status) != 200:
                    wrong.append(f"after {jump}: /health/live answers {live}")
            if server.process.poll() is not None:
                wrong.append(f"the service ended with {server.process.returncode}")
    return wrong


def main(argv: Sequence[str] | None = None) -> int:
    """Prints what was wrong; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=whole_number(1, 100_000), default=100, help="after each jump; default: 100")
    options = parser.parse_args(argv)
    wrong = failures(options.requests)
    print(f"{describe_machine()}\n")
    print(f"jumps of the clock: {', '.join(_JUMPS)}; requests after each: {options.requests}; wrong: {len(wrong)}")
    for line in wrong:
        print(f"- {line}")
    return EXIT_FAILED if wrong else EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
