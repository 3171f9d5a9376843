"""How long the app takes to show itself, and a digit: python -m benchmarks.speed.app

Opens the real app, on the shipped model, in a real browser that has not seen it before, in a wide window and in one as
wide as a phone. Then draws digits: each time runs from the moment in which the last stroke ends, in the page, to the
frame in which its digit is on the screen. Before each drawing the canvas is cleared. The first drawing in a page that
was just opened waits for the parts of the page that charts need, and has a row of its own.
"""

import argparse
import socket
import sys
from collections.abc import Sequence
from itertools import cycle, islice

import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks.support.machine import describe_machine
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, whole_number
from digits.cli.launcher import services
from scripts.demonstration import draw, served
from scripts.find_browser import BROWSER_ARGUMENTS, find_browser

_WINDOWS: dict[str, ViewportSize] = {
    "1280 pixels wide": {"width": 1280, "height": 900},
    "390 pixels wide": {"width": 390, "height": 844},
}
# Each with its last stroke in one piece; as shares of the canvas.
_DIGITS = {
    1: [[(0.5, 0.18), (0.5, 0.82)]],
    7: [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]],
    4: [[(0.42, 0.18), (0.3, 0.55), (0.7, 0.55)], [(0.6, 0.35), (0.58, 0.85)]],
}
# The time in the page from the end of the last stroke to the frame after the digit was put into the page.
_WATCH = """(digit) => {
  window.shown = new Promise((resolve) => {
    let ended
    addEventListener("pointerup", () => (ended = performance.now()), { capture: true })
    const observer = new MutationObserver(() => {
      if (ended && document.querySelector(`[aria-label="Predicted digit: ${digit}"]`)) {
        observer.disconnect()
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - ended)))
      }
    })
    observer.observe(document.body, { childList: true, subtree: true, attributes: true })
  })
}"""
# What feels like at once, in milliseconds: the app's own target.
_TARGET_MS = 500.0
_HEAD = (
    "| | median | 95% within | longest | under 500 ms | mean ± standard deviation | n |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)
_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_READY = "performance.now()"


def open_page(browser: Browser, size: ViewportSize, address: str) -> tuple[Page, float, float]:
    """Opens the app in a browser without a cache; the page, and the milliseconds to first paint and to the canvas."""
    page = browser.new_context(viewport=size).new_page()
    page.goto(address)
    page.get_by_role("application", name="Draw a digit here").wait_for()
    ready = float(page.evaluate(_READY))
    page.get_by_text("Reads with").wait_for()
    return page, float(page.evaluate(_FIRST_PAINT)), ready


def time_to_digit(page: Page, digit: int) -> float:
    """Draws a digit, returns the milliseconds until it is shown, and clears the canvas."""
    page.evaluate(_WATCH, digit)
    draw(page, _DIGITS[digit])
    taken = float(page.evaluate("window.shown"))
    # As a person, who does not clear the canvas while the rest of the answer is still coming.
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("img", name="Predicted digit").wait_for(state="detached")
    page.wait_for_timeout(300)
    return taken


def row(name: str, taken: Sequence[float]) -> str:
    """A row of the table: how long something took.

    Args:
        name: what.
        taken: milliseconds, two or more.
    """
    values = np.array(taken)
    return (
        f"| {name} | {np.median(values):.0f} ms | {np.quantile(values, 0.95):.0f} ms | {values.max():.0f} ms | "
        f"{(values < _TARGET_MS).mean():.0%} | {values.mean():.0f} ± {values.std(ddof=1):.0f} ms | {len(values)} |"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=whole_number(3, 10_000), default=45, help="of each window; default: 45")
    parser.add_argument("--opened", type=whole_number(2, 1_000), default=10, help="how often it is; default: 10")
    options = parser.parse_args(argv)
    executable = find_browser()
    if executable is None:
        print("No Chromium or Chrome was found.", file=sys.stderr)
        return EXIT_FAILED
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        _, app = services(8000, probe.getsockname()[1])
    print(f"{describe_machine()}\n")
    print(*_HEAD, sep="\n")
    with served([app]), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        print(f"{browser.browser_type.name} {browser.version}", file=sys.stderr)
        for name, size in _WINDOWS.items():
            opened, first = [], []
            digits = cycle(_DIGITS)
            for _ in range(options.opened):
                page, *times = open_page(browser, size, app.address)
                opened.append(times)
                first.append(time_to_digit(page, next(digits)))
                page.context.close()
            page, *_ = open_page(browser, size, app.address)
            time_to_digit(page, next(digits))
            later = [time_to_digit(page, digit) for digit in islice(digits, options.drawings)]
            page.context.close()
            for what, taken in (
                ("opened to first paint", [paint for paint, _ in opened]),
                ("opened to canvas", [canvas for _, canvas in opened]),
                ("end of the stroke to the digit, first drawing", first),
                ("end of the stroke to the digit, later drawings", later),
            ):
                print(row(f"{name}: {what}", taken), flush=True)
        browser.close()
    return EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
