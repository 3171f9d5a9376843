"""Measures how long the app takes to open and to show a digit: python -m benchmarks.speed.app

Opens the real app on the shipped model, in a real browser with an empty cache, in a wide window and in one as wide as a
phone. Then it draws digits on an empty canvas, and measures in the page from the end of the last stroke to the first
frame that shows the digit. The app answers while a stroke goes on, so the digit may be shown when the stroke ends. The
time to the answer to the finished drawing has a row of its own, and so has the first drawing in a new page.

Beside it, it opens a Streamlit page that has nothing but a button, and measures from a click to the count that Python
sends back: what Streamlit takes for itself, which no page on it can undercut.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks.support.machine import describe_machine
from benchmarks.support.servers import free_port
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, whole_number
from digits.cli.launcher import Service, services
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
# The milliseconds in the page from the end of the last stroke to the first frame that shows its digit, and to the first
# frame that shows it as the answer to the finished drawing.
_WATCH = """([digit, strokes]) => {
  const roots = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")].map((host) => host.shadowRoot)
  const answer = roots.map((root) => root?.querySelector(".answer")).find(Boolean)
  const shown = () => answer.querySelector(".digit").getAttribute("aria-label") === `Predicted digit: ${digit}`
  window.shown = new Promise((resolve) => {
    let left = strokes
    addEventListener("pointerup", () => {
      if (--left) return
      const ended = performance.now()
      let first = null
      const look = () => {
        if (first === null && shown()) first = performance.now() - ended
        if (shown() && answer.dataset.live === "false") resolve([first, performance.now() - ended])
        else requestAnimationFrame(() => setTimeout(look))
      }
      // Not before the end of the stroke has reached the component.
      answer.dataset.live = "waiting"
      look()
    }, { capture: true })
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
_BARE = Path(__file__).resolve().parent.parent / "peers" / "bare_streamlit.py"
# The milliseconds in the page from a click to the first frame with the next count.
_CLICK = """(button) => new Promise((resolve) => {
  const before = button.textContent
  const clicked = performance.now()
  const look = () => {
    if (button.textContent !== before) requestAnimationFrame(() => resolve(performance.now() - clicked))
    else setTimeout(look)
  }
  button.click()
  look()
})"""


def open_page(browser: Browser, size: ViewportSize, address: str) -> tuple[Page, float, float]:
    """Opens the app in a browser without a cache; the page, and the milliseconds to first paint and to the canvas."""
    page = browser.new_context(viewport=size).new_page()
    page.goto(address)
    page.get_by_role("application", name="Draw a digit here").wait_for()
    ready = float(page.evaluate(_READY))
    page.get_by_text("Reads with").wait_for()
    return page, float(page.evaluate(_FIRST_PAINT)), ready


def open_bare(browser: Browser, size: ViewportSize, address: str) -> tuple[float, list[float]]:
    """Opens the page with nothing but a button; the milliseconds to the button, and those of five clicks."""
    page = browser.new_context(viewport=size).new_page()
    page.goto(address)
    button = page.get_by_role("button", name="Count 0")
    button.wait_for()
    ready = float(page.evaluate(_READY))
    handle = button.element_handle()
    clicks = [float(page.evaluate(_CLICK, handle)) for _ in range(5)]
    page.context.close()
    return ready, clicks


def bare_service(app: Service) -> Service:
    """Returns the server of the page with nothing but a button, started as the app is."""
    port = free_port()
    command = [str(_BARE) if part.endswith("digits_app.py") else part for part in app.command]
    command[command.index("--server.port") + 1] = str(port)
    return dataclasses.replace(app, port=port, command=tuple(command))


def time_to_digit(page: Page, digit: int) -> tuple[float, float]:
    """Draws a digit and clears the canvas.

    Args:
        page: the page that shows the canvas.
        digit: one of `_DIGITS`.

    Returns:
        The milliseconds from the end of the last stroke until the digit is shown, and until it is shown as the answer
        to the finished drawing.
    """
    page.evaluate(_WATCH, [digit, len(_DIGITS[digit])])
    draw(page, _DIGITS[digit])
    first, final = page.evaluate("window.shown")
    # As a person, who does not clear the canvas while the rest of the answer is still coming.
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("img", name="Predicted digit").wait_for(state="detached")
    page.wait_for_timeout(300)
    return float(first), float(final)


def row(name: str, taken: Sequence[float]) -> str:
    """Returns a row of the table in Markdown.

    Args:
        name: the first cell: the window and what was measured.
        taken: the measured times in milliseconds, two or more.
    """
    values = np.array(taken)
    return (
        f"| {name} | {np.median(values):.0f} ms | {np.quantile(values, 0.95):.0f} ms | {values.max():.0f} ms | "
        f"{(values < _TARGET_MS).mean():.0%} | {values.mean():.0f} ± {values.std(ddof=1):.0f} ms | {len(values)} |"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table in Markdown; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=whole_number(3, 10_000), default=45, help="in each window (default: 45)")
    parser.add_argument(
        "--opened",
        type=whole_number(2, 1_000),
        default=10,
        help="how often to open the app in each window (default: 10)",
    )
    options = parser.parse_args(argv)
    executable = find_browser()
    if executable is None:
        print("There is no Chromium or Chrome. Install one, or name it in DIGITS_BROWSER.", file=sys.stderr)
        return EXIT_FAILED
    _, app = services(8000, free_port())
    bare = bare_service(app)
    print(f"{describe_machine()}\n")
    print(*_HEAD, sep="\n")
    with served([app, bare]), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        print(f"{browser.browser_type.name} {browser.version}", file=sys.stderr)
        for name, size in _WINDOWS.items():
            opened, early, bare_opened, clicks = [], [], [], []
            digits = cycle(_DIGITS)
            for _ in range(options.opened):
                # In turn, so that what else the machine does slows both.
                ready, clicked = open_bare(browser, size, bare.address)
                bare_opened.append(ready)
                clicks.extend(clicked)
                page, *times = open_page(browser, size, app.address)
                opened.append(times)
                early.append(time_to_digit(page, next(digits)))
                page.context.close()
            page, *_ = open_page(browser, size, app.address)
            time_to_digit(page, next(digits))
            later = [time_to_digit(page, digit) for digit in islice(digits, options.drawings)]
            page.context.close()
            for event, taken in (
                ("opened to first paint", [paint for paint, _ in opened]),
                ("opened to canvas", [canvas for _, canvas in opened]),
                ("Streamlit alone, opened to a button", bare_opened),
                ("Streamlit alone, a click to its count", clicks),
                ("end of the stroke to the digit, first drawing", [shown for shown, _ in early]),
                ("end of the stroke to the digit, later drawings", [shown for shown, _ in later]),
                ("end of the stroke to the final answer, later drawings", [final for _, final in later]),
            ):
                print(row(f"{name}: {event}", taken), flush=True)
        browser.close()
    return EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
