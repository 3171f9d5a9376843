"""Fuzzes what reads strangers' bytes by coverage: python -m benchmarks.hostile.fuzz_coverage forms --seconds 600

Atheris changes inputs and keeps those that reach new branches. The targets are listed in fuzz_targets.py: how image
files are screened, forms, strokes, tensors, the card of a model, and patterns of expected digits. An exception that is
no answer, a result that breaks a rule, a call that takes long, or a process that dies is a finding; the exit code is
then 1. Atheris has wheels for Linux on x86-64: pip install --require-hashes -r requirements/bench-atheris.txt
"""

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.hostile.fuzz_inside import FINDING, INSTRUMENTED
from benchmarks.support.machine import describe_machine
from digits.cli.arguments import whole_number

_INSTALL = "pip install --require-hashes -r requirements/bench-atheris.txt"


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzzes in a process of its own, prints what it found, and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=INSTRUMENTED)
    parser.add_argument("--seconds", type=whole_number(1, 1_000_000), default=60, help="default: 60")
    parser.add_argument("--seed", type=whole_number(1, 2**31), default=1, help="default: 1")
    parser.add_argument("--folder", type=Path, help="keeps the inputs that reached new branches, and the findings")
    options = parser.parse_args(argv)
    if importlib.util.find_spec("atheris") is None:
        parser.error(f"this benchmark needs Atheris: {_INSTALL}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for name in ("inputs", "findings"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "benchmarks.hostile.fuzz_inside", options.target, str(folder)]
        command += [str(options.seconds), str(options.seed)]
        # A decoder that brings the process down is a finding, and not the end of this one.
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return report(options.target, options.seconds, done.stdout + done.stderr, done.returncode)


def report(target: str, seconds: int, output: str, code: int) -> int:
    """Prints what the other process found; returns the exit code.

    Args:
        target: its name.
        seconds: how long it ran.
        output: what the process printed.
        code: its exit code.
    """
    findings = [line.removeprefix(FINDING) for line in output.splitlines() if line.startswith(FINDING)]
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    coverage = re.findall(r"cov: (\d+)", output)
    if code or runs is None:
        findings.append(f"the process ended with {code}: {' '.join(output.split())[-600:]}")
    print(f"{describe_machine()}\n")
    print("| target | seconds | inputs tried | branches at the start, at the end | findings |")
    print("| --- | --- | --- | --- | --- |")
    branches = f"{coverage[0]}, {coverage[-1]}" if coverage else "-"
    print(f"| {target} | {seconds} | {int(runs[1]) if runs else 0:,} | {branches} | {len(findings)} |")
    for finding in findings:
        print(f"- {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
