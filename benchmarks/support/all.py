"""Runs benchmarks one after the other and writes what they print to docs/benchmarks.md.

python -m benchmarks.support.all serving latency

Each benchmark that succeeds replaces its own section of the page, as soon as it has ended. The other sections, and the
head of the page, stay as they are.
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

_PACKAGES = ("speed", "accuracy", "hostile", "faults")
_FOLDER = Path(__file__).resolve().parents[1]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmarks, and writes the section of each that succeeds; returns 1 if one failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="+", metavar="NAME", help="a benchmark, such as latency")
    options = parser.parse_args(argv)
    try:
        modules = {name: module_of(name) for name in options.benchmarks}
    except ValueError as error:
        parser.error(str(error))
    head, *old = PAGE.read_text(encoding="utf-8").split("\n## ")
    sections = {section.split("\n", 1)[0]: section for section in old}
    failed = 0
    for name, module in modules.items():
        title = (importlib.import_module(module).__doc__ or "").strip()
        print(f"== {module}", flush=True)
        with tempfile.TemporaryFile("w+") as output:
            # Each benchmark has a process of its own, so that it leaves nothing behind for the next.
            code = subprocess.run([sys.executable, "-m", module], stdout=output, check=False).returncode
            output.seek(0)
            printed = output.read().strip()
        print(printed, flush=True)
        if code:
            print(f"{module} failed with exit code {code}. Its section of {PAGE} stays as it was.", file=sys.stderr)
            failed = 1
            continue
        title = title.replace(f"python -m {module}", f"`python -m {module}`")
        table = printed if "|" in printed else f"```text\n{printed}\n```"
        sections[name] = (
            f"{name}\n\n{title}\n\n{table}\n\nMeasured on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}.\n"
        )
        PAGE.write_text("\n## ".join([head, *sections.values()]), encoding="utf-8")
    return failed


def module_of(name: str) -> str:
    """Returns the module of a benchmark, such as `benchmarks.speed.latency` for `latency`.

    Raises:
        ValueError: no benchmark has this name.
    """
    for package in _PACKAGES:
        if (_FOLDER / package / f"{name}.py").is_file():
            return f"benchmarks.{package}.{name}"
    known = sorted(file.stem for package in _PACKAGES for file in (_FOLDER / package).glob("[a-z]*.py"))
    raise ValueError(f"There is no benchmark {name!r}. There are: {', '.join(known)}.")


if __name__ == "__main__":
    raise SystemExit(main())
