"""Measures how many digits that are drawn in the app are read right: python -m benchmarks.accuracy.drawn

Opens the app on the shipped model in a real browser and draws the ten digits with the mouse, in ten hands: slanted,
tiny, huge, flat, shaky and so on. Prints how many are read right, accepted, and accepted but wrong, for each hand. The
hands are transformations of one way to write each digit, so the figures say what size, slant and place do, and not how
people differ.
"""

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.support.servers import free_port
from digits.cli.arguments import EXIT_FAILED, EXIT_OK
from digits.cli.launcher import services
from scripts.demonstration import DIGITS, draw, served
from scripts.find_browser import BROWSER_ARGUMENTS, find_browser

Point = tuple[float, float]
Strokes = list[list[Point]]
# Milliseconds.
_PATIENCE = 20_000.0
_AT_REST = "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
# Whether the drawing that was sent last, with its last stroke, has been answered.
_ANSWERED = """() => [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")].some(
  (host) => host.shadowRoot?.querySelector("canvas")?.dataset.waiting === "false")"""
_SEED = 18

# The state of the answer: the digit that is shown, and whether it answers the finished drawing.
_ANSWER = """() => {
  const roots = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")].map((host) => host.shadowRoot)
  const answer = roots.map((root) => root?.querySelector(".answer")).find(Boolean)
  return [answer.querySelector(".digit").getAttribute("aria-label"), answer.dataset.live]
}"""
_EMPTY = f"() => ({_ANSWER})()[0] === 'No digit yet'"
_FINISHED = f"() => {{ const [label, live] = ({_ANSWER})(); return label !== 'No digit yet' && live === 'false' }}"
_HIGHEST = """() => {
  const roots = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")].map((host) => host.shadowRoot)
  const answer = roots.map((root) => root?.querySelector(".answer")).find(Boolean)
  return [...answer.querySelectorAll(".column")].findIndex((column) => column.classList.contains("highest"))
}"""


def _scaled(across: float, down: float, center: Point = (0.5, 0.5)) -> Callable[[Point], Point]:
    return lambda point: (center[0] + across * (point[0] - 0.5), center[1] + down * (point[1] - 0.5))


def _slanted(by: float) -> Callable[[Point], Point]:
    return lambda point: (point[0] + by * (0.5 - point[1]), point[1])


def _turned(degrees: float) -> Callable[[Point], Point]:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return lambda point: (
        0.5 + cos * (point[0] - 0.5) - sin * (point[1] - 0.5),
        0.5 + sin * (point[0] - 0.5) + cos * (point[1] - 0.5),
    )


def _shaky(by: float) -> Callable[[Point], Point]:
    random = np.random.default_rng(_SEED)
    return lambda point: (point[0] + float(random.normal(0.0, by)), point[1] + float(random.normal(0.0, by)))


HANDS: Mapping[str, Callable[[Point], Point]] = {
    "plain": _scaled(1.0, 1.0),
    "slanted to the right": _slanted(0.3),
    "slanted to the left": _slanted(-0.2),
    "turned": _turned(12.0),
    "tiny": _scaled(0.22, 0.22),
    "tiny, in a corner": _scaled(0.25, 0.25, (0.15, 0.85)),
    "huge": _scaled(1.4, 1.4),
    "flat": _scaled(1.5, 0.6),
    "narrow": _scaled(0.55, 1.15),
    "shaky": _shaky(0.015),
}


def written(digit: int, hand: str) -> Strokes:
    """Returns the strokes of a digit in a hand, as shares of the canvas.

    Args:
        digit: 0..9.
        hand: one of `HANDS`.
    """
    transform = HANDS[hand]
    return [[transform(point) for point in stroke] for stroke in DIGITS[digit]]


def read(page: Page, strokes: Strokes) -> tuple[int, bool]:
    """Draws on an empty canvas, and clears it; returns the most likely digit and whether it was accepted."""
    draw(page, strokes)
    # The answer to the last stroke, and not to one before it.
    page.wait_for_function(_ANSWERED, timeout=_PATIENCE)
    page.wait_for_function(_AT_REST, timeout=_PATIENCE)
    page.wait_for_function(_FINISHED, timeout=_PATIENCE)
    label, _ = page.evaluate(_ANSWER)
    digit = int(page.evaluate(_HIGHEST))
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function(_EMPTY, timeout=_PATIENCE)
    return digit, label.startswith("Predicted digit")


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table, in Markdown."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    executable = find_browser()
    if executable is None:
        print("No Chromium or Chrome was found.", file=sys.stderr)
        return EXIT_FAILED
    _, app = services(8000, free_port())
    print("| hand | read right | accepted | accepted, but wrong | not right |\n| --- | --- | --- | --- | --- |")
    with served([app]), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(app.address)
        page.get_by_text("Reads with").wait_for()
        total = np.zeros(3, np.int64)
        for hand in HANDS:
            answers = {digit: read(page, written(digit, hand)) for digit in DIGITS}
            right = [digit for digit, (answer, _) in answers.items() if answer == digit]
            accepted = [digit for digit, (_, accepted) in answers.items() if accepted]
            counts = np.array([len(right), len(accepted), len(set(accepted) - set(right))])
            total += counts
            wrong = ", ".join(f"{digit} as {answers[digit][0]}" for digit in DIGITS if digit not in right)
            print(f"| {hand} | {counts[0]} of 10 | {counts[1]} | {counts[2]} | {wrong} |", flush=True)
        print(f"| all | {total[0]} of {10 * len(HANDS)} | {total[1]} | {total[2]} | |")
        browser.close()
    return EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
