"""The process in which `python -m benchmarks.hostile.fuzz_coverage` fuzzes.

Atheris instruments modules as they are loaded: this one loads none of Digits before it says which.
"""

import random
import sys
from pathlib import Path

FINDING = "FINDING "
_ROUTES = ("digits.service.routes", "digits.images.ink")
# For each target, the packages and modules whose branches count as coverage.
INSTRUMENTED = {
    "screening": ("digits.images", "PIL"),
    "forms": (*_ROUTES, "multipart"),
    "strokes": _ROUTES,
    "tensors": _ROUTES,
    "card": ("digits.model", "digits.explain", "digits.service.schemas"),
    "expect": ("digits.numbers.expectation",),
}
# A call that has not ended after so many seconds hangs.
_PATIENCE = 20
# Of changes to JSON, this share is made to its bytes.
_BYTES = 0.3


def _fuzz(name: str, folder: Path, seconds: int, seed: int) -> None:
    import atheris

    with atheris.instrument_imports(include=list(INSTRUMENTED[name])):
        from benchmarks.hostile.fuzz_targets import TARGETS, attempt, changed_json
    target, seen = TARGETS[name], set[str]()
    for number, data in enumerate(target.seeds()):
        (folder / "inputs" / f"seed-{number}").write_bytes(data)

    def call(data: bytes) -> None:
        finding = attempt(target, data)
        if finding is not None and finding.place not in seen:
            seen.add(finding.place)
            file = folder / "findings" / f"{name}-{len(seen)}"
            file.write_bytes(data)
            print(f"{FINDING}{finding.place}: {finding.what}; input {data[:200]!r}", flush=True)

    def change(data: bytes, most: int, number: int) -> bytes:
        rng = random.Random(number)  # noqa: S311 - libFuzzer wants the same change for the same number
        changed = atheris.Mutate(data, most) if rng.random() < _BYTES else changed_json(data, rng)
        return bytes(changed[:most])

    words = [sys.argv[0], f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={target.longest}"]
    words += [f"-timeout={_PATIENCE}", "-rss_limit_mb=3000", "-print_final_stats=1"]
    words += [f"-artifact_prefix={folder / 'findings'}/", str(folder / "inputs")]
    atheris.Setup(words, call, **({"custom_mutator": change} if target.is_json else {}))
    atheris.Fuzz()


if __name__ == "__main__":
    _fuzz(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
