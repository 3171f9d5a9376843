"""Files of several pages, read as numbers."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digits.budget import Budget, limited
from digits.data.mnist import Mnist
from digits.errors import (
    BrokenImageError,
    ComputeTimeError,
    NoInkError,
    NoSuchPageError,
    TooManyPagesError,
    TooManyPixelsError,
    UnexpectedNumberError,
)
from digits.images.limits import ImageLimits
from digits.model.artifact import read
from digits.numbers.document import read_document
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model
from tests.conftest import encode_png, run_python
from tests.pictures import handwritten, tiff_of

BLANK = np.full((100, 200), 255, np.uint8)


def test_each_page_is_read_as_if_it_were_alone(recognizer: Recognizer, mnist: Mnist) -> None:
    pages = [handwritten(mnist, *lines)[0] for lines in (("2024",), ("39", "715"), ("86",))]
    document = read_document(recognizer, tiff_of(*pages))
    assert document.page_count == 3
    assert [page.page for page in document.pages] == [1, 2, 3]
    assert [page.reading for page in document.pages] == [read_picture(recognizer, page) for page in pages]
    joined = document.joined
    assert joined.lines == ("2024", "39", "715", "86")
    assert joined.text == "2024\n39\n715\n86"
    assert len(joined.line_confidences) == 4
    assert [digit.box for digit in joined.digits] == [
        digit.box for page in document.pages for digit in page.reading.digits
    ]


def test_a_page_that_is_asked_for_is_read_alone(recognizer: Recognizer, mnist: Mnist) -> None:
    data = tiff_of(*(handwritten(mnist, text)[0] for text in ("24", "39")))
    document = read_document(recognizer, data, page=2)
    assert [(page.page, page.reading.text) for page in document.pages] == [(2, "39")]
    assert document.page_count == 2
    with pytest.raises(NoSuchPageError, match="2 pages, and page 3"):
        read_document(recognizer, data, page=3)


def test_a_picture_of_one_page_is_read_as_ever(recognizer: Recognizer, mnist: Mnist) -> None:
    paper, _ = handwritten(mnist, "24")
    document = read_document(recognizer, encode_png(paper))
    assert document.page_count == 1
    assert document.joined == document.pages[0].reading == read_picture(recognizer, paper)


def test_an_empty_page_is_told_of_and_spoils_no_other(recognizer: Recognizer, mnist: Mnist) -> None:
    document = read_document(recognizer, tiff_of(BLANK, handwritten(mnist, "24")[0], BLANK))
    assert [page.reading.text for page in document.pages] == ["", "24", ""]
    assert [page.problem is None for page in document.pages] == [False, True, False]
    assert (document.pages[0].reading.width, document.pages[0].reading.height) == (200, 100)
    assert document.joined.lines == ("24",)


def test_a_document_of_empty_pages_holds_no_digit(recognizer: Recognizer) -> None:
    with pytest.raises(NoInkError, match="on any of the 2 pages"):
        read_document(recognizer, tiff_of(BLANK, BLANK))
    with pytest.raises(NoInkError, match="No ink was found"):
        read_document(recognizer, tiff_of(BLANK, BLANK), page=2)


def test_a_pattern_holds_for_every_page(recognizer: Recognizer, mnist: Mnist) -> None:
    data = tiff_of(*(handwritten(mnist, text)[0] for text in ("24", "715")))
    assert read_document(recognizer, data, expect="#+").joined.lines == ("24", "715")
    with pytest.raises(UnexpectedNumberError, match=r"^Page 2 of 2: .*'715' was read"):
        read_document(recognizer, data, expect="##")


def limited_to(**limits: Any) -> Recognizer:
    return Recognizer(read(shipped_model()), ImageLimits(**limits))


def test_pages_over_a_limit_are_refused_before_any_is_read(mnist: Mnist) -> None:
    pages = [handwritten(mnist, text)[0] for text in ("24", "39", "86")]
    data, pixels = tiff_of(*pages), sum(page.size for page in pages)
    assert len(read_document(limited_to(max_pages=3, max_document_pixels=pixels), data).pages) == 3
    with pytest.raises(TooManyPagesError, match=r"3 pages, more than the 2 that are read at a time\. Ask for one"):
        read_document(limited_to(max_pages=2), data)
    assert read_document(limited_to(max_pages=2), data, page=3).joined.text == "86"
    with pytest.raises(TooManyPixelsError, match="allowed together"):
        read_document(limited_to(max_document_pixels=pixels - 1), data)
    assert read_document(limited_to(max_document_pixels=1), data, page=3).joined.text == "86"
    large = tiff_of(pages[0], np.full((600, 600), 255, np.uint8))
    with pytest.raises(TooManyPixelsError, match=r"^Page 2 of 2: The image has 600 x 600 pixels"):
        read_document(limited_to(max_pixels=300_000), large)


def test_a_damaged_page_is_named(recognizer: Recognizer, mnist: Mnist) -> None:
    pages = [handwritten(mnist, text)[0] for text in ("24", "39")]
    data = bytearray(tiff_of(*pages, compression="tiff_adobe_deflate"))
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        start = vars(image)["tag_v2"][273][0]
    data[start : start + 100] = bytes(100)
    with pytest.raises(BrokenImageError, match=r"^Page 2 of 2: "):
        read_document(recognizer, bytes(data))


def test_one_budget_holds_for_all_pages(recognizer: Recognizer, mnist: Mnist) -> None:
    ticks: Iterator[float] = (0.05 * count for count in range(1_000_000))
    budget = Budget(2.0, clock=lambda: next(ticks))
    data = tiff_of(*[handwritten(mnist, "24")[0]] * 20)
    with (
        limited(budget),
        pytest.raises(ComputeTimeError, match=r"^Page .* of 20 was not reached.* ask for one"),
    ):
        read_document(recognizer, data)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory in /proc")
def test_twenty_pages_take_hardly_more_memory_than_two(tmp_path: Path) -> None:
    page = np.full((3000, 2000, 3), 255, np.uint8)
    page[400:900, 300:360] = 0
    script = (
        "import sys\nfrom pathlib import Path\nfrom digits.numbers.document import read_document\n"
        "from digits.recognizer import Recognizer, shipped_model\n"
        "reading = read_document(Recognizer.load(shipped_model()), Path(sys.argv[1]).read_bytes())\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(len(reading.pages), status.partition('VmHWM:')[2].split()[0])"
    )
    peaks = []
    for count in (2, 20):
        file = tmp_path / f"{count}.tif"
        file.write_bytes(tiff_of(*[page] * count, compression="tiff_adobe_deflate"))
        done = run_python(["-c", script, str(file)], tmp_path)
        read_pages, peak = map(int, done.stdout.split())
        assert read_pages == count
        peaks.append(peak * 1024)
    # The pages beyond the second have 324 MB of pixels.
    assert peaks[1] - peaks[0] < 60_000_000
