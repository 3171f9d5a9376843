"""Drawing on the canvas, in a real browser."""

import time

from playwright.sync_api import Browser, Page, expect

from scripts.demonstration import draw
from tests.browsing import PATIENCE, STROKES, draw_with_a_finger, settled

# Keeps the least opacity of any part of the page from now on.
WATCH_OPACITY = """() => {
  window.leastOpacity = 1
  const look = () => {
    for (const part of document.querySelectorAll("[data-testid=stMain] [data-stale]")) {
      window.leastOpacity = Math.min(window.leastOpacity, Number(getComputedStyle(part).opacity))
    }
    requestAnimationFrame(look)
  }
  look()
}"""
# How many points each stroke on the canvas has.
STROKE_LENGTHS = "(canvas) => canvas.strokes.map((stroke) => stroke.points.length)"


def test_a_selection_of_text_does_not_break_a_stroke_of_the_mouse(page: Page, shipped_app: str) -> None:
    page.goto(shipped_app)
    canvas = settled(page).get_by_role("application", name="Draw a digit here")
    box = canvas.bounding_box()
    assert box is not None
    # A press beside the canvas that ends on it selects the text between.
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 60, steps=8)
    page.mouse.up()
    draw(page, STROKES[7])
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Clear").click()
    # The last point of each stroke that is drawn with everything selected arrives.
    page.locator("body").press("Control+a")
    draw(page, STROKES[4])
    expect(page.get_by_role("img", name="Predicted digit: 4")).to_be_visible(timeout=PATIENCE)
    assert all(length > 4 for length in canvas.evaluate(STROKE_LENGTHS))


def test_a_selection_of_text_does_not_break_a_stroke_of_a_finger(browser: Browser, shipped_app: str) -> None:
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(shipped_app)
    canvas = settled(page).get_by_role("application", name="Draw a digit here")
    page.evaluate("getSelection().selectAllChildren(document.body)")
    draw_with_a_finger(page, STROKES[7])
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    assert canvas.evaluate(STROKE_LENGTHS) == [len(STROKES[7][0])]
    assert page.evaluate("getSelection().toString()") == ""
    phone.close()


def test_the_answer_is_there_while_one_draws_and_is_asked_for_every_100_ms_at_most(
    page: Page, shipped_app: str
) -> None:
    sent: list[float] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(time.monotonic())))
    page.goto(shipped_app)
    canvas = settled(page).get_by_role("application", name="Draw a digit here")
    page.wait_for_function("(canvas) => canvas.strokes", arg=canvas.element_handle())
    bars = page.get_by_role("img", name="The probability of each digit")
    box, place = canvas.bounding_box(), bars.bounding_box()
    assert box is not None
    sent.clear()
    page.evaluate(WATCH_OPACITY)
    started = time.monotonic()
    for i, (x, y) in enumerate(STROKES[7][0]):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=40 if i else 1)
        if i == 0:
            page.mouse.down()
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    # The stroke goes on, and nothing has moved or dimmed.
    assert canvas.evaluate(STROKE_LENGTHS) == []
    assert bars.bounding_box() == place
    assert page.evaluate("window.leastOpacity") == 1
    assert 1 <= len(sent) <= 1 + 10 * (time.monotonic() - started)
    page.mouse.up()
    expect(page.get_by_role("button", name="Yes, a 7")).to_be_visible(timeout=PATIENCE)
    assert bars.bounding_box() == place


def test_the_loops_of_a_small_8_stay_open_whatever_the_pen(page: Page, shipped_app: str) -> None:
    page.goto(shipped_app)
    settled(page).get_by_role("slider", name="Pen").fill("64")
    small = [[(0.5 + 0.2 * (x - 0.5), 0.5 + 0.2 * (y - 0.5)) for x, y in stroke] for stroke in STROKES[8]]
    draw(page, small)
    expect(page.get_by_role("img", name="Predicted digit: 8")).to_be_visible(timeout=PATIENCE)


def test_a_pen_that_is_pressed_harder_draws_wider(page: Page, shipped_app: str) -> None:
    page.goto(shipped_app)
    canvas = settled(page).get_by_role("application", name="Draw a digit here")
    page.wait_for_function("(canvas) => canvas.strokes", arg=canvas.element_handle())
    box = canvas.bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(page)
    for y, force in ((0.3, 0.1), (0.7, 0.9)):
        for i in range(9):
            place = {"x": box["x"] + (0.2 + 0.07 * i) * box["width"], "y": box["y"] + y * box["height"]}
            pen = place | {"pointerType": "pen", "force": force, "button": "left", "buttons": 1}
            kind = "mouseMoved" if i else "mousePressed"
            devtools.send("Input.dispatchMouseEvent", {"type": kind, **pen})
        devtools.send("Input.dispatchMouseEvent", {"type": "mouseReleased", **pen})
    # How many rows have ink, in the middle of the upper and of the lower stroke.
    light, heavy = canvas.evaluate(
        """(canvas) => [0, 280].map((top) => {
          const column = canvas.getContext("2d").getImageData(280, top, 1, 280).data
          return column.filter((value, i) => i % 4 === 3 && value > 128).length
        })"""
    )
    assert 0 < light < 0.6 * heavy


def test_what_was_taken_back_comes_again_until_a_new_stroke(page: Page, shipped_app: str) -> None:
    page.goto(shipped_app)
    canvas = settled(page).get_by_role("application", name="Draw a digit here")
    hint, undo, redo = page.locator(".hint"), *(page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(hint).to_be_visible()
    draw(page, STROKES[4])
    expect(page.get_by_role("img", name="Predicted digit: 4")).to_be_visible()
    expect(hint).to_be_hidden()
    lengths = canvas.evaluate(STROKE_LENGTHS)
    for _ in lengths:
        undo.click()
    expect(hint).to_be_visible()
    expect(page.get_by_role("img", name="No digit yet")).to_be_visible()
    redo.click()
    canvas.press("Control+y")
    expect(page.get_by_role("img", name="Predicted digit: 4")).to_be_visible()
    assert canvas.evaluate(STROKE_LENGTHS) == lengths
    expect(redo).to_be_disabled()
    undo.click()
    expect(redo).to_be_enabled()
    draw(page, STROKES[1])
    expect(redo).to_be_disabled()
