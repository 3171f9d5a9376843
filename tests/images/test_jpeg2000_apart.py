"""JPEG 2000 files that a process of its own decodes, since no thread runs Python meanwhile."""

import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from benchmarks.hostile.rare_bombs import codestream, jpeg2000_passes
from benchmarks.hostile.specimens import encode, specimens
from digits.budget import Budget, MemoryBound, bounded_memory, limited
from digits.errors import BrokenImageError, ComputationStoppedError, ComputeTimeError
from digits.images.codecs import jpeg2000
from digits.images.decode import decode, open_image
from digits.images.screening.screened import broken
from tests.conftest import ROOT, run_python
from tests.processes import children_of

LARGE, SMALL = jpeg2000_passes(), jpeg2000_passes(2)
NOISE = np.random.default_rng(0).integers(0, 256, (1500, 301, 4), dtype=np.uint8)
FILES = {
    **{name: file for name, file in specimens().items() if "jpeg2000" in name},
    **{mode: encode(Image.fromarray(NOISE, "RGBA").convert(mode), "JPEG2000") for mode in ("L", "LA", "RGB", "RGBA")},
    "16 bits": encode(Image.fromarray(NOISE[..., :2].copy().view(np.uint16)[..., 0]), "JPEG2000"),
    "tiles": encode(Image.fromarray(NOISE[..., 0]), "JPEG2000", tile_size=(100, 100)),
    "passes": LARGE,
}


def children() -> set[int]:
    """The processes that decode for this one and have not ended."""
    return children_of(os.getpid(), "jpeg2000_program.py")


def decoded_apart(data: bytes, enough: int, patch: pytest.MonkeyPatch, *, apart: bool) -> npt.NDArray[np.uint8]:
    """Returns the pixels of a file from a process of its own, or from this one, whatever its size."""
    patch.setattr(jpeg2000, "_QUICK_SAMPLES", 0 if apart else 10**9)
    patch.setattr(jpeg2000, "_QUICK_BYTES", 10**9)
    return open_image(data).decode(enough)


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_the_same_as_without_a_process(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for enough in (720, 1600):
        apart, inside = (decoded_apart(FILES[name], enough, monkeypatch, apart=apart) for apart in (True, False))
        np.testing.assert_array_equal(apart, inside)


def test_a_damaged_file_is_told_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    data = codestream(400, 400, style=b"\0\0\0\1\0\0\4\4\0\1")
    words = set[str]()
    for apart in (True, False):
        with pytest.raises(BrokenImageError) as caught:
            decoded_apart(data, 720, monkeypatch, apart=apart)
        words.add(str(caught.value))
    assert words == {str(broken("broken data stream when reading image file"))}


def test_a_small_file_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("A process was started.")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert decode(SMALL).shape == (128, 128)
    with pytest.raises(BrokenImageError, match="A process was started"):
        decode(LARGE)


def test_as_large_a_file_as_is_decoded_in_place_takes_some_milliseconds() -> None:
    data = jpeg2000_passes(2)
    opened = open_image(data)
    assert opened.width * opened.height * 2 == jpeg2000._QUICK_SAMPLES
    taken = list[float]()
    for _ in range(10):
        start = time.thread_time()
        decode(data)
        taken.append(time.thread_time() - start)
    assert min(taken) < 0.02


def test_other_threads_run_meanwhile_and_the_own_one_only_waits() -> None:
    ticks, is_done = list[float](), threading.Event()

    def tick() -> None:
        while not is_done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start, before = time.monotonic(), time.thread_time()
    decode(LARGE)
    end, taken = time.monotonic(), time.thread_time() - before
    is_done.set()
    thread.join()
    assert len([at for at in ticks if start < at < end]) > 50
    assert taken < 0.1


def test_a_process_that_is_killed_is_told_as_a_file_that_cannot_be_decoded() -> None:
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(decode, LARGE)
        while not (found := children()):
            assert not answer.done()
            time.sleep(0.001)
        os.kill(found.pop(), 9)
        with pytest.raises(BrokenImageError, match=r"decoding it fails, or needs too much memory\)\. Save or"):
            answer.result()
    assert not children()


def test_decoding_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg2000, "DECODE_SECONDS", 0.05)
    with pytest.raises(ComputeTimeError, match=r"more than the 0\.05 seconds of processor time allowed\. Save it anew"):
        decode(LARGE)
    assert not children()


def test_decoding_ends_when_the_time_of_the_request_is_over_or_its_client_has_left() -> None:
    # The process takes it, and not the thread that waits for it.
    with limited(Budget(0.1)), pytest.raises(ComputeTimeError, match=r"more than the 0\.1 seconds of processor time"):
        decode(LARGE)
    assert not children()
    budget = Budget(60.0)
    with ThreadPoolExecutor(1) as thread:

        def within_budget() -> None:
            with limited(budget):
                decode(LARGE)

        answer = thread.submit(within_budget)
        while not children():
            assert not answer.done()
            time.sleep(0.001)
        budget.stop()
        with pytest.raises(ComputationStoppedError):
            answer.result()
    assert not children()


def test_the_process_counts_where_memory_is_bounded() -> None:
    bound = MemoryBound(10**9, 0.0)
    with bounded_memory(bound), ThreadPoolExecutor(1) as thread:
        plain = open_image(SMALL).decoding_bytes()
        opened = open_image(LARGE)
        assert opened.decoding_bytes() > jpeg2000.PROCESS_BYTES > plain
        thread.submit(opened.decode).result()
        assert bound.taken_bytes == 0


def test_a_script_without_a_guard_reads_a_file(tmp_path: Path) -> None:
    paper = np.full((300, 300), 255, np.uint8)
    paper[60:240, 140:170] = 0
    (tmp_path / "one.jp2").write_bytes(encode(Image.fromarray(paper), "JPEG2000"))
    (tmp_path / "script.py").write_text(
        "import digits\nprint('started')\ndata = open('one.jp2', 'rb').read()\n"
        "print(digits.Recognizer.load().recognize(data).digit)\n"
    )
    done = run_python([str(tmp_path / "script.py")], tmp_path)
    assert done.stdout.split() == ["started", "1"], done.stderr
    shown = run_python(["-m", "digits", "predict", str(tmp_path / "one.jp2")], ROOT)
    assert shown.returncode == 0, shown.stderr
    assert "1" in shown.stdout
