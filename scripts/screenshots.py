"""Takes the screenshots of the README: python -m scripts.screenshots"""

import math
import sys

from playwright.sync_api import Browser, Page, sync_playwright

from digits.cli.launcher import services
from scripts.demonstration import ROOT, draw, served
from scripts.find_browser import BROWSER_ARGUMENTS, find_browser

IMAGES = ROOT / "docs" / "images"
API_PORT, APP_PORT = 8000, 8501

# A 2 as it is drawn, as shares of the canvas: an arc, and two lines.
TWO = [
    *((0.5 - 0.18 * math.cos(angle), 0.36 - 0.18 * math.sin(angle)) for angle in (0.1 * i for i in range(-1, 34))),
    *((0.62, 0.52), (0.5, 0.65), (0.32, 0.81), (0.7, 0.81)),
]


def take(browser: Browser) -> None:
    """Opens app and docs and writes a picture of each, and one of the app on a phone in the dark."""
    page = draw_two(browser.new_page(viewport={"width": 1280, "height": 800}))
    page.screenshot(path=IMAGES / "app.png")
    phone = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    page = draw_two(phone.new_page())
    page.screenshot(path=IMAGES / "phone.png")
    page = browser.new_page(viewport={"width": 1280, "height": 780})
    page.goto(f"http://127.0.0.1:{APP_PORT}/read")
    page.get_by_role("button", name="Sample: two lines").click()
    page.get_by_test_id("stCode").wait_for()
    page.get_by_role("radio", name="7").or_(page.get_by_role("button", name="7", exact=True)).first.click()
    page.mouse.move(1, 1)
    page.wait_for_timeout(2_000)
    page.screenshot(path=IMAGES / "number.png")
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.goto(f"http://127.0.0.1:{API_PORT}/docs")
    page.get_by_text("/predict/").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.locator("input[type=file]").set_input_files(ROOT / "digits" / "samples" / "2_blue_pen.png")
    execute = page.get_by_role("button", name="Execute")
    # The first answer takes longer than any later one, since much is loaded for it.
    for _ in range(2):
        execute.click()
        page.get_by_text("Response headers").wait_for()
        page.wait_for_timeout(1_000)
    # Below it come the call and the whole answer.
    execute.evaluate("(button) => button.scrollIntoView()")
    page.wait_for_timeout(1_000)
    page.screenshot(path=IMAGES / "api.png")


def draw_two(page: Page) -> Page:
    """Opens the app, draws a 2 and waits until the page has settled."""
    page.goto(f"http://127.0.0.1:{APP_PORT}")
    page.get_by_text("Reads with").wait_for()
    page.wait_for_timeout(1_000)  # Until the page has settled.
    # The tour would stand over what the picture is to show.
    page.get_by_role("button", name="Skip").click()
    draw(page, [TWO])
    page.get_by_role("button", name="Yes, a 2").wait_for()
    page.mouse.move(1, 1)
    page.wait_for_timeout(1_000)
    return page


def main() -> int:
    """Starts both servers on the shipped model, takes the screenshots, and stops the servers; returns the exit code."""
    executable = find_browser()
    if executable is None:
        print("There is no Chromium or Chrome. Install one, or name it in DIGITS_BROWSER.", file=sys.stderr)
        return 1
    with served(services(API_PORT, APP_PORT)), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        take(browser)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
