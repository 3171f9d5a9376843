"""Runs benchmarks one after the other and writes what they print into docs/benchmarks.md.

python -m benchmarks.support.all serving latency

Sections of other benchmarks stay as they are.
"""

import argparse
import datetime
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PAGE = Path("docs/benchmarks.md")

_HEAD = """# Benchmarks

Written by `make bench`. Ratios say more than figures: each comes from one run, side by side.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs them; a page is written only if all of them succeed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", nargs="+", help="modules of this package")
    options = parser.parse_args(argv)
    sections = {one.split("\n", 1)[0]: one for one in _sections(PAGE)}
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
        title = title.replace(f"python -m benchmarks.{name}", f"`python -m benchmarks.{name}`")
        table = printed if "|" in printed else f"```text\n{printed}\n```"
        sections[name] = (
            f"{name}\n\n{title}\n\n{table}\n\nMeasured on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}.\n"
        )
    PAGE.write_text("\n## ".join([_HEAD, *sections.values()]), encoding="utf-8")
    return 0


def _sections(page: Path) -> list[str]:
    """What follows the head of the page, cut at its titles."""
    return page.read_text(encoding="utf-8").split("\n## ")[1:] if page.exists() else []


if __name__ == "__main__":
    raise SystemExit(main())
