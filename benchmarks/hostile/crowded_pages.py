"""Pages on which there is as much as possible that may be a digit, made by code: the worst that `/read/` can get.

Each is as large as a page is read. Among them are pages of nothing but thin lines: if these were brought to the size of
digits, they would grow beyond all bounds.
"""

from collections.abc import Callable, Iterator, Mapping

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.hostile.specimens import encode
from digits.numbers.reader import PAGE_SIDE

Page = npt.NDArray[np.uint8]


def blank() -> Page:
    """White paper."""
    return np.full((PAGE_SIDE, PAGE_SIDE), 255, np.uint8)


def _places(across: int, down: int) -> Iterator[tuple[int, int]]:
    """(left, top) of places that fill a page, so far from one another."""
    for top in range(10, PAGE_SIDE - down, down):
        for left in range(10, PAGE_SIDE - across, across):
            yield left, top


def bars() -> Page:
    """Thousands of strokes side by side, any of which may belong to the next."""
    page = blank()
    for left, top in _places(5, 60):
        page[top : top + 40, left : left + 2] = 0
    return page


def dots() -> Page:
    """Thousands of dots."""
    page = blank()
    for left, top in _places(12, 12):
        page[top : top + 3, left : left + 3] = 0
    return page


def boxes() -> Page:
    """Thousands of boxes of a digit's size, each of which can be cut in many places."""
    page = blank()
    for left, top in _places(30, 30):
        cv2.rectangle(page, (left, top), (left + 10, top + 16), 0, 2)
    return page


def waves(length: int, period: float) -> Page:
    """Wavy lines of so many pixels, which look like many digits that touch."""
    page = blank()
    for top in range(30, PAGE_SIDE - 20, 50 if length > PAGE_SIDE // 2 else 30):
        for left in range(10, PAGE_SIDE - length + 1, length + 10):
            x = np.arange(left, min(left + length, PAGE_SIDE - 5))
            y = top + 9.0 * np.sin((x - left) * 2.0 * np.pi / period)
            cv2.polylines(page, [np.stack([x, y], axis=1).astype(np.int32)], False, 0, 2)
    return page


def grain() -> Page:
    """Black pixels strewn over all of it."""
    page = blank()
    page[np.random.default_rng(0).random(page.shape) < 0.02] = 0
    return page


def sticks() -> Page:
    """Short lines in all directions."""
    page, rng = blank(), np.random.default_rng(0)
    for _ in range(3_000):
        start = rng.integers(0, PAGE_SIDE, 2)
        end = start + rng.integers(-20, 20, 2)
        cv2.line(page, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 0, 2)
    return page


def digits() -> Page:
    """As many small printed digits as there is room for."""
    page, rng = blank(), np.random.default_rng(0)
    for left, top in _places(12, 24):
        cv2.putText(page, str(rng.integers(10)), (left, top + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 0, 1)
    return page


def entangled() -> Page:
    """Thin boxes and combs that overlap: strokes that can be cut in very many places."""
    page, rng = blank(), np.random.default_rng(0)
    for left, top in _places(56, 49):
        if rng.random() < 0.4:
            x, y = np.maximum(0, np.add((left, top), rng.normal(0.0, 5.0, 2).astype(int))).tolist()
            if rng.random() < 0.5:
                cv2.rectangle(page, (x, y), (x + 33, y + 50), 60, 1)
            else:
                page[y : y + 51, x : x + 51 : 3] = page[y + 25, x : x + 51] = 60
    return page


def blots() -> Page:
    """Faint rows of blots that run into one another."""
    page, rng = blank(), np.random.default_rng(0)
    for left, top in _places(36, 13):
        x, y = np.maximum(0, np.add((left, top), rng.normal(0.0, (9.0, 3.0)).astype(int))).tolist()
        page[y : y + 45, x : x + 45] = 220
    return np.asarray(cv2.GaussianBlur(page, (0, 0), 2.0), dtype=np.uint8)


def hairlines() -> Page:
    """A narrow strip with three lines of one pixel across all of it."""
    page = blank()[:10]
    page[2::3] = 0
    return page


def dashes() -> Page:
    """Lines of one pixel, nearly half as long as the page is wide."""
    page = blank()
    page[50::100, 5:795] = 0
    return page


def form() -> Page:
    """A photographed form on which nothing was filled in: six lines on paper that is not evenly lit."""
    page, rng = blank()[:1200], np.random.default_rng(0)
    for top in range(170, 1200, 170):
        page[top - 1 : top + 2, 200:900] = 40
    light = np.linspace(0.9, 0.7, PAGE_SIDE)
    return np.clip(page * light + rng.normal(0.0, 3.0, page.shape), 0, 255).astype(np.uint8)


def _file(make: Callable[[], Page]) -> Callable[[], bytes]:
    return lambda: encode(Image.fromarray(make()), "PNG")


CROWDED: Mapping[str, Callable[[], bytes]] = {
    name: _file(make)
    for name, make in {
        "bars": bars,
        "dots": dots,
        "boxes": boxes,
        "waves": lambda: waves(100, 10.0),
        "long waves": lambda: waves(PAGE_SIDE - 15, 13.0),
        "grain": grain,
        "sticks": sticks,
        "small digits": digits,
        "entangled": entangled,
        "blots": blots,
        "hairlines": hairlines,
        "dashes": dashes,
        "form": form,
    }.items()
}
