"""What a person does in the app, for the tests in a real browser."""

import base64
import mimetypes
from pathlib import Path

from playwright.sync_api import Page, expect

from scripts.demonstration import DIGITS, draw

PATIENCE = 20_000  # Milliseconds.
# As long for what a test does not give a time: on a busy machine the five seconds of the default pass without a fault.
expect.set_options(timeout=PATIENCE)
# How each digit is written: strokes of points, as shares of the canvas.
STROKES = DIGITS

# How far the page is scrolled, in pixels.
SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"
PASTE = """([content, type]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
  const clipboardData = new DataTransfer()
  clipboardData.items.add(new File([bytes], "file", { type }))
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }))
}"""


def settled(page: Page) -> Page:
    """The app's page once it has drawn all of itself: a click on what is just drawn anew would be lost."""
    # The first page's last line; a file that is given before it is drawn may be lost.
    expect(page.get_by_text("Reads with")).to_be_visible(timeout=PATIENCE)
    return at_rest(page)


def opened(page: Page) -> Page:
    """The app's first page once its own components have loaded, too: until then, what is below them moves."""
    settled(page)
    for part in (
        page.get_by_role("application", name="Draw a digit here"),
        page.get_by_role("button", name="Sample: a 0, red pen"),
        page.get_by_role("img", name="The probability of each digit"),
    ):
        expect(part).to_be_visible(timeout=PATIENCE)
    page.wait_for_load_state("networkidle")
    return page


def at_rest(page: Page) -> Page:
    """Any of the app's pages once nothing runs for it."""
    state = page.get_by_test_id("stApp")
    expect(state).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    # What the script shows anew is pale until its transition ends.
    page.wait_for_function("() => document.getAnimations().every((one) => !(one instanceof CSSTransition))")
    return page


def give(page: Page, *files: Path) -> None:
    """Uploads files."""
    settled(page).locator("[data-testid=stFileUploader] input").set_input_files(files)


def choose_sample(page: Page, shows: str) -> None:
    """Clicks on a sample picture, such as "a 7, stylus"."""
    page.get_by_role("button", name=f"Sample: {shows}").click()


def paste_file(page: Page, file: Path) -> None:
    """Pastes a file that was copied in the computer's file manager."""
    # The button appears shortly before its script has run.
    button = page.get_by_role("button", name="Paste", exact=True)
    page.wait_for_function("(button) => button.listeners", arg=button.element_handle())
    kind = mimetypes.guess_type(file.name)[0]
    page.evaluate(PASTE, [base64.b64encode(file.read_bytes()).decode(), kind])


def count_drawing(page: Page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draws on the page for a class, and counts what was read."""
    canvas = page.get_by_role("application", name="Draw the digit here")
    canvas.wait_for()
    draw(page, strokes, "Draw the digit here")
    page.get_by_role("button", name="Count it, next person").click()
    # It is empty for the next person.
    page.wait_for_function("(canvas) => canvas.strokes.length === 0", arg=canvas.element_handle())


def draw_with_a_finger(page: Page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draws on the canvas by touch; points are shares of the canvas, 0..1."""
    canvas = page.get_by_role("application", name="Draw a digit here")
    page.wait_for_function("(canvas) => canvas.strokes", arg=canvas.element_handle())
    box = canvas.bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(page)
    for stroke in strokes:
        for i, (x, y) in enumerate(stroke):
            place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            kind = "touchMove" if i else "touchStart"
            devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
        devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
