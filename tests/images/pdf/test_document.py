"""PDF files: pages as pixels, and files that are built to harm."""

import gc
import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile.pdf_files import HOSTILE, many_pages, page_of
from benchmarks.hostile.specimens import encode
from digits.budget import Budget, MemoryBound, bounded_memory, limited
from digits.errors import (
    BrokenImageError,
    ComputationStoppedError,
    ComputeTimeError,
    EncryptedFileError,
    MemoryBusyError,
    NoSuchPageError,
    TooManyFramesError,
    UnsupportedFormatError,
)
from digits.images.decode import OpenedImage, open_image
from digits.images.limits import ImageLimits
from digits.images.pdf import document
from tests.memory import taken_by_another_thread
from tests.processes import children_of

STROKE = b"20 w 300 200 m 300 600 l S\n"
# The hostile files that hold something to see, which is shown.
DRAWN = ("a page of 200 x 200 inches", "scripts and a form", "nested arrays")
# What opening and drawing any file may take, on a busy machine.
SECONDS = 20.0


def children() -> set[int]:
    """The processes that draw for this one and have not ended."""
    return children_of(os.getpid(), "renderer.py")


def test_pages_are_drawn_at_200_dots_per_inch_in_their_order() -> None:
    pages = [Image.new("RGB", (300 + 100 * number, 400), (200, 50 * number, 0)) for number in range(3)]
    data = encode(pages[0], "PDF", save_all=True, append_images=pages[1:])
    with open_image(data) as opened:
        assert opened.pages == 3
        for number in (1, 2, 3, 2):
            opened.turn_to(number)
            assert opened.upright_size == (200 + 100 * number, 400)
            pixels = opened.decode()
            assert pixels.shape == (400, 200 + 100 * number, 3)
            assert pixels.reshape(-1, 3).mean(axis=0) == pytest.approx((200, 50 * (number - 1), 0), abs=3)
    with pytest.raises(NoSuchPageError, match="3 pages, and page 4"):
        open_image(data, page=4)


def test_a_document_is_counted_where_memory_is_bounded_until_it_is_closed() -> None:
    data = encode(Image.new("RGB", (300, 400)), "PDF")
    bound = MemoryBound(10**9, 0.0)
    with bounded_memory(bound):
        with open_image(data) as opened:
            of_document = bound.taken_bytes
            opened.decode()
            assert bound.taken_bytes == of_document > 50_000_000
        assert bound.taken_bytes == 0
        with pytest.raises(BrokenImageError), open_image(b"%PDF-1.7 and nothing else" + bytes(100)):
            pass
        assert bound.taken_bytes == 0
        with taken_by_another_thread(bound, 10**9 - of_document + 1), pytest.raises(MemoryBusyError):
            open_image(data)


@pytest.mark.parametrize(("turn", "place"), [(0, "left"), (90, "top"), (180, "right"), (270, "bottom")])
def test_a_scan_that_is_turned_by_its_page_is_upright(turn: int, place: str) -> None:
    data = page_of(b"50 w 60 0 m 60 842 l S\n", page=b"/Rotate %d" % turn)
    pixels = open_image(data).decode(3000)
    dark = {
        "left": pixels[:, : pixels.shape[1] // 5],
        "right": pixels[:, -pixels.shape[1] // 5 :],
        "top": pixels[: pixels.shape[0] // 5],
        "bottom": pixels[-pixels.shape[0] // 5 :],
    }
    assert pixels.shape == ((2339, 1653) if turn % 180 == 0 else (1653, 2339))
    assert min(dark, key=lambda side: float(dark[side].mean())) == place


def test_what_was_written_on_a_page_later_is_drawn() -> None:
    line = b"/C[0 0 0]/BS<</W 20>>/InkList[[150 150 450 450]]"
    ink = b"<</Type/Annot/Subtype/Ink/Rect[100 100 500 500]%s/P 3 0 R/F 4>>" % line
    assert open_image(page_of(b"", ink, page=b"/Annots[5 0 R]")).decode().min() < 100
    assert open_image(page_of(b"")).decode().min() == 255


def test_a_large_page_is_drawn_smaller_and_no_larger_than_the_limit() -> None:
    large = page_of(STROKE, box="[0 0 14400 7200]")
    opened = open_image(large)
    assert opened.width * opened.height == pytest.approx(document.PAGE_PIXELS, rel=0.01)
    assert opened.width == pytest.approx(2 * opened.height, abs=1)
    small = open_image(large, ImageLimits(max_pixels=10_000))
    assert small.width * small.height <= 10_200
    reduced = open_image(page_of(STROKE)).decode(720)
    assert reduced.shape == (780, 551)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_drawn_or_refused_within_time_and_memory(name: str) -> None:
    data = HOSTILE[name]()
    start = time.monotonic()
    try:
        opened = open_image(data)
        assert opened.width * opened.height <= 1.01 * document.PAGE_PIXELS
        opened.decode()
    except (BrokenImageError, ComputeTimeError, EncryptedFileError, TooManyFramesError):
        # What each says is tested below.
        assert name not in DRAWN
    assert time.monotonic() - start < SECONDS
    assert not children()


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("10,000 pages", TooManyFramesError, "has 10,000 pages, more than the 200 allowed"),
        ("encrypted", EncryptedFileError, "needs a password. Save it without one"),
        ("cut off", BrokenImageError, "damaged or cut off"),
        ("a header alone", BrokenImageError, "damaged or cut off"),
        ("noise", BrokenImageError, "its pages cannot be found"),
        ("a stream that unpacks to a gigabyte", BrokenImageError, "needs too much memory"),
    ],
)
def test_each_refusal_says_why(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_image(HOSTILE[name]()).decode()


def test_drawing_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_image(HOSTILE["an image of a gigapixel"]())
    monkeypatch.setattr(document, "RENDER_SECONDS", 0.2)
    start = time.monotonic()
    with pytest.raises(ComputeTimeError, match=r"more than the 0\.2 seconds of processor time allowed\. Save it"):
        opened.decode()
    assert time.monotonic() - start < 5.0
    assert not children()


def test_drawing_ends_when_the_time_of_the_request_is_over_or_its_client_has_left() -> None:
    data = HOSTILE["an image of a gigapixel"]()
    opened = open_image(data)
    # The process has taken nearly all of it, and not the thread that waits for it.
    start = time.thread_time()
    with limited(Budget(0.2)), pytest.raises(ComputeTimeError, match=r"more than the 0\.2 seconds of processor time"):
        opened.decode()
    assert time.thread_time() - start < 0.1
    opened, budget = open_image(data), Budget(60.0)
    budget.stop()
    with limited(budget), pytest.raises(ComputationStoppedError):
        opened.decode()
    del opened
    assert not children()


def test_no_process_outlives_its_file() -> None:
    data = many_pages(2)
    opened = open_image(data)
    assert len(children()) == 1
    assert opened.decode().min() == 0
    assert not children()
    # It can be decoded again.
    assert opened.decode().min() == 0
    with open_image(data) as held:
        held.decode()
        held.turn_to(2)
        held.decode()
        assert len(children()) == 1
    assert not children()
    for page in (1, 3):
        try:
            opened = open_image(data, page=page)
        except NoSuchPageError:
            assert len(children()) == 1
    del opened
    gc.collect()
    assert not children()


def test_a_process_that_dies_is_a_problem_of_the_file() -> None:
    opened = open_image(many_pages(1))
    (process,) = children()
    os.kill(process, 9)
    with opened:
        for _ in range(2):
            with pytest.raises(BrokenImageError, match="drawing it fails"):
                opened.decode()
    assert not children()


def test_the_process_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_API_KEYS", "one 0123456789abcdef")
    opened = open_image(many_pages(1))
    (process,) = children()
    variables = Path(f"/proc/{process}/environ").read_bytes()
    assert b"PATH=" in variables
    assert b"0123456789abcdef" not in variables
    opened.decode()


def test_without_its_library_a_pdf_file_is_refused_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.images.formats.importlib.util.find_spec", lambda name: None if "pdf" in name else name)
    with pytest.raises(
        UnsupportedFormatError, match=r"PDF files need pypdfium2.* Install it with: .*Use a PNG"
    ) as caught:
        open_image(many_pages(1))
    assert "or PDF" not in str(caught.value)


def test_a_line_before_the_header_and_bytes_behind_the_end_do_no_harm() -> None:
    data = b"From: scanner@example.com\r\n\r\n" + page_of(STROKE) + b"\0" * 3000
    opened = open_image(data)
    assert isinstance(opened, OpenedImage)
    assert opened.decode().min() == 0


def test_scans_keep_their_writing(tmp_path: Path) -> None:
    paper = np.full((2339, 1654), 255, np.uint8)
    paper[500:700, 800:830] = 0
    for options in ({}, {"quality": 30}):
        file = io.BytesIO()
        Image.fromarray(paper).save(file, "PDF", resolution=200, **options)
        pixels = open_image(file.getvalue()).decode(3000)
        assert pixels.shape == paper.shape
        assert np.abs(pixels.astype(int) - paper).mean() < 1
