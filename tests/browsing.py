"""What a person does in the app, for the tests in a real browser."""

import base64
import math
import mimetypes
from pathlib import Path

from playwright.sync_api import Page, expect

PATIENCE = 20_000  # Milliseconds.

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


def at_rest(page: Page) -> Page:
    """Any of the app's pages once nothing runs for it."""
    state = page.get_by_test_id("stApp")
    expect(state).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
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


# How each digit is written: strokes of points, as shares of the canvas.
_RING = [(0.5 + 0.2 * math.sin(i * math.pi / 8), 0.5 - 0.32 * math.cos(i * math.pi / 8)) for i in range(17)]
_HOOK = [(0.35, 0.3), (0.4, 0.2), (0.5, 0.17), (0.62, 0.22), (0.64, 0.34)]
STROKES = {
    0: [_RING],
    1: [[(0.5, 0.18), (0.5, 0.82)]],
    2: [[*_HOOK, (0.58, 0.48), (0.32, 0.8), (0.7, 0.8)]],
    3: [[*_HOOK, (0.58, 0.45), (0.46, 0.48), (0.6, 0.52), (0.67, 0.65), (0.6, 0.78), (0.46, 0.82), (0.34, 0.75)]],
    4: [[(0.42, 0.18), (0.3, 0.55), (0.7, 0.55)], [(0.6, 0.35), (0.58, 0.85)]],
    5: [[(0.66, 0.2), (0.4, 0.2), (0.37, 0.46), (0.52, 0.42), (0.66, 0.52), (0.65, 0.7), (0.52, 0.81), (0.35, 0.76)]],
    6: [[(0.6, 0.17), (0.44, 0.35), (0.36, 0.58), (0.4, 0.76), (0.52, 0.82), (0.64, 0.74), (0.64, 0.6), (0.38, 0.62)]],
    7: [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]],
    8: [
        [
            (0.62, 0.25),
            (0.5, 0.17),
            (0.38, 0.26),
            (0.42, 0.4),
            (0.6, 0.56),
            (0.64, 0.72),
            (0.5, 0.83),
            (0.36, 0.72),
            (0.6, 0.4),
            (0.63, 0.27),
        ]
    ],
    9: [[(0.62, 0.3), (0.5, 0.18), (0.37, 0.26), (0.37, 0.42), (0.5, 0.5), (0.62, 0.4), (0.63, 0.28), (0.6, 0.85)]],
}
