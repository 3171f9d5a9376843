"""Drawing on the canvas, in a real browser."""

from playwright.sync_api import Browser, Page, expect

from scripts.demonstration import draw
from tests.browsing import PATIENCE, STROKES, draw_with_a_finger, settled

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
