import sys

import pytest

from tests.conftest import ROOT, run_python

# What decoders do: pieces of megabytes, and between them small ones that stay.
SCRIPT = """
from pathlib import Path
from digits.service.process.heap import keep_heap_small
SET = {set} and keep_heap_small()
def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
import numpy as np
np.ones(30_000_000, np.uint8)
before, kept, large = memory(), [], []
for _ in range(20):
    large.append(np.ones(8_000_000, np.uint8))
    kept.append(b"x" * 100_000 + bytes(len(kept)))
del large
print(SET, memory() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have another C library")
def test_memory_that_large_images_took_goes_back_to_the_system() -> None:
    left = {}
    for choice in (True, False):
        done = run_python(["-c", SCRIPT.format(set=choice)], ROOT)
        assert done.returncode == 0, done.stderr
        was_set, grown = done.stdout.split()
        assert was_set == str(choice)
        left[choice] = float(grown)
    assert left[True] < 15.0
    # By itself the C library keeps all of it, or this module would not be needed.
    assert left[False] > 100.0


TRIMMED = """
from pathlib import Path
from digits.service.process.heap import HeapTrimmer, keep_heap_small
keep_heap_small()
def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
import numpy as np
trimmer, before = HeapTrimmer(8_000_000), memory()
pieces = [np.ones(1_000_000, np.uint8) for _ in range(100)]
kept = pieces[::10]
del pieces
full = memory() - before
print(full, trimmer.trim(), memory() - before, trimmer.trim())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have another C library")
def test_memory_between_pieces_in_use_goes_back_to_the_system_once_in_a_while() -> None:
    done = run_python(["-c", TRIMMED], ROOT)
    assert done.returncode == 0, done.stderr
    full, first, left, again = done.stdout.split()
    assert float(full) > 90.0
    assert float(left) < 30.0
    # The second time is a moment later.
    assert (first, again) == ("True", "False")
