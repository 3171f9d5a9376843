"""CPU time per picture for what people send, of two source trees side by side.

python -m benchmarks.speed.workloads BEFORE AFTER --rounds 7

BEFORE and AFTER are folders that hold a package `digits`, such as a worktree of an older commit and `.`. Both trees
read the same files with the same model and the same libraries, in turn, each in a process of its own. Of each workload
the table gives the CPU time by stage and the ratio AFTER / BEFORE: the median of the rounds, with their range.
`--only` measures some workloads, by their letters.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.speed.workload_files import workload_files
from benchmarks.support.machine import describe_machine
from digits.cli.arguments import whole_number
from digits.recognizer import shipped_model

_WORKER = Path(__file__).with_name("workload_worker.py")
_STAGES = ("open", "decode", "normalize", "network", "all")
# Each measurement takes about this long.
_SECONDS = 0.2
_PAGE = "h"

Stages = Mapping[str, float]


class Tree:
    """A source tree whose code runs in a process of its own.

    Args:
        folder: holds the package `digits`.
        model: the model file, the same for all trees.
    """

    def __init__(self, folder: Path, model: Path) -> None:
        self._process = subprocess.Popen(
            # -P keeps the worker's own folder, and so this tree, off the path.
            [sys.executable, "-P", str(_WORKER), str(model.resolve())],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder.resolve())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, file: Path, repeats: int, *, is_page: bool) -> Stages:
        """Returns the CPU time of each stage in ms.

        Raises:
            RuntimeError: the process ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("The worker has no pipes.")
        stdin.write(json.dumps({"file": str(file), "repeats": repeats, "is_page": is_page}) + "\n")
        stdin.flush()
        if not (line := stdout.readline()):
            raise RuntimeError("The worker ended; its message is above.")
        stages: Stages = json.loads(line)
        return stages

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def compare(trees: Sequence[Tree], files: Sequence[Path], rounds: int, *, is_page: bool) -> list[list[Stages]]:
    """Measures files with each tree in turn.

    Returns:
        For each tree, the mean of the files' stages in each round.
    """
    start = time.perf_counter()
    for tree in trees:
        tree.measure(files[0], 1, is_page=is_page)
    seconds = (time.perf_counter() - start) / len(trees)
    repeats = max(1, int(_SECONDS / seconds / len(files)))
    measured: list[list[Stages]] = [[] for _ in trees]
    for number in range(rounds):
        # Each tree goes first in every other round.
        order = range(len(trees)) if number % 2 == 0 else range(len(trees) - 1, -1, -1)
        for i in order:
            stages = [trees[i].measure(file, repeats, is_page=is_page) for file in files]
            measured[i].append({name: sum(times[name] for times in stages) / len(stages) for name in stages[0]})
    return measured


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, metavar="BEFORE", help="source tree to compare with")
    parser.add_argument("after", type=Path, metavar="AFTER", help="source tree to measure, such as .")
    parser.add_argument("--rounds", type=whole_number(1, 1000), default=7, help="default: 7")
    parser.add_argument("--only", default="abcdefgh", metavar="LETTERS", help="workloads to measure (default: all)")
    options = parser.parse_args(argv)
    for folder in (options.before, options.after):
        if not (folder / "digits" / "__init__.py").exists():
            parser.error(f"{folder} holds no package digits; name the root of a source tree")
    print(f"{describe_machine()}\n\nCPU time in ms, before → after: medians of {options.rounds} rounds.\n")
    print(f"| workload | {' | '.join(_STAGES)} | after / before |\n| --- |{' --- |' * (len(_STAGES) + 1)}")
    trees = [Tree(folder, shipped_model()) for folder in (options.before, options.after)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, contents in workload_files().items():
                if name[0] not in options.only:
                    continue
                files = []
                for i, content in enumerate(contents):
                    files.append(Path(folder) / f"{name[0]}{i}")
                    files[-1].write_bytes(content)
                print(_row(name, compare(trees, files, options.rounds, is_page=name[0] == _PAGE)), flush=True)
    finally:
        for tree in trees:
            tree.stop()
    return 0


def _row(name: str, measured: list[list[Stages]]) -> str:
    before, after = measured
    cells = []
    for stage in _STAGES:
        if stage in before[0]:
            cells.append(" → ".join(f"{median(times[stage] for times in rounds):.2f}" for rounds in measured))
        else:
            cells.append("")
    ratios = sorted(b["all"] / a["all"] for a, b in zip(before, after, strict=True))
    return f"| {name} | {' | '.join(cells)} | {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"


if __name__ == "__main__":
    raise SystemExit(main())
