"""Runs benchmarks one after the other and writes what they print into docs/benchmarks.md.

python -m benchmarks.all serving latency
"""

import argparse
import datetime
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe_machine

PAGE = Path("docs/benchmarks.md")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs them; a page is written only if all of them succeed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", nargs="+", help="modules of this package")
    options = parser.parse_args(argv)
    sections = [
        "# Benchmarks",
        f"Written by `make bench` on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}: {describe_machine()}. Ratios say "
        "more than figures: each comes from one run, side by side.",
    ]
    for name in options.benchmarks:
        title = (importlib.import_module(f"benchmarks.{name}").__doc__ or "").strip()
        print(f"== benchmarks.{name}", flush=True)
        with tempfile.TemporaryFile("w+") as output:
            # A process of its own, so that one benchmark leaves nothing behind for the next.
            code = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], stdout=output, check=False).returncode
            output.seek(0)
            printed = output.read().strip()
        print(printed, flush=True)
        if code:
            print(f"benchmarks.{name} failed; {PAGE} is as it was.", file=sys.stderr)
            return 1
        sections += [f"## {name}", title.replace(f"python -m benchmarks.{name}", f"`python -m benchmarks.{name}`")]
        sections.append(printed if "|" in printed else f"```text\n{printed}\n```")
    PAGE.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
