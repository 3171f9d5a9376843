"""The app on a phone, with keys alone, and in the dark: in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from scripts.demonstration import draw
from tests.browsing import (
    PATIENCE,
    SCROLLED,
    STROKES,
    at_rest,
    choose_sample,
    draw_with_a_finger,
    give,
    opened,
    settled,
)
from tests.conftest import SAMPLES

PHONE: ViewportSize = {"width": 390, "height": 844}
# How far what can be scrolled sideways is wider than the screen; what scrolls the page, and not a part of it.
OVERFLOW = """() => Math.max(...[document.documentElement, document.querySelector("[data-testid=stMain]")].map(
  (element) => element.scrollWidth - element.clientWidth))"""
# What has the focus, in whichever component it is: its name, and whether a ring around it can be seen.
FOCUSED = """async () => {
  const fading = document.getAnimations().filter((animation) => animation instanceof CSSTransition)
  await Promise.allSettled(fading.map((animation) => animation.finished))
  let element = document.activeElement
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
  const style = getComputedStyle(element)
  const ring = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none"
  return [element.ariaLabel || element.innerText || element.type || "", ring]
}"""
# The gray of a place on the canvas as it is seen, 0..255: of its ink, or of the ground that lies under it.
GRAYS = """(canvas) => {
  const gray = (color) => color.match(/[\\d.]+/g).slice(0, 3).map(Number).reduce((sum, value) => sum + value) / 3
  const style = getComputedStyle(canvas)
  const drawn = canvas.getContext("2d").getImageData(280, 280, 1, 1).data
  return [gray(style.backgroundColor), gray(`${drawn[0]} ${drawn[1]} ${drawn[2]}`), drawn[3]]
}"""

# Whether there is ink near the left lower corner.
OPACITY = "(canvas) => canvas.getContext('2d').getImageData(112, 504, 1, 1).data[3]"


def open_app(page: Page, address: str) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    return opened(page)


@pytest.fixture
def phone(browser: Browser, shipped_app: str) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    yield open_app(context.new_page(), shipped_app)
    context.close()


def test_on_a_phone_a_finger_draws_and_the_digit_is_in_sight(phone: Page) -> None:
    draw_with_a_finger(phone, STROKES[7])
    digit = phone.get_by_role("img", name="Predicted digit: 7")
    expect(digit).to_be_visible(timeout=PATIENCE)
    assert phone.evaluate(SCROLLED) == 0
    expect(digit).to_be_in_viewport(ratio=1)
    phone.get_by_role("button", name="Undo").tap()
    expect(digit).to_have_count(0, timeout=PATIENCE)


def test_on_a_phone_nothing_is_wider_than_the_screen(phone: Page) -> None:
    choose_sample(phone, "an 8, photo")
    expect(phone.get_by_role("img", name="Predicted digit: 8")).to_be_visible(timeout=PATIENCE)
    settled(phone).get_by_text("What it saw").tap()
    why = settled(phone).locator("details").filter(has_text="Why 8?")
    while why.get_attribute("open") is None:
        # A tap is lost if the page moves under it.
        why.locator("summary").tap()
        settled(phone)
    expect(phone.get_by_text("spoke for 8")).to_be_visible(timeout=PATIENCE)
    assert at_rest(phone).evaluate(OVERFLOW) == 0
    give(phone, *SAMPLES)
    expect(phone.get_by_test_id("stDataFrame")).to_be_visible(timeout=PATIENCE)
    assert at_rest(phone).evaluate(OVERFLOW) == 0
    for name in ("Numbers", "Class", "Model", "API"):
        phone.get_by_role("link", name=name, exact=True).tap()
        expect(phone.get_by_role("heading", level=1)).to_be_attached(timeout=PATIENCE)
        assert at_rest(phone).evaluate(OVERFLOW) == 0


def test_everything_is_reached_with_the_tab_key_and_seen_to_be(page: Page, shipped_app: str) -> None:
    open_app(page, shipped_app)
    names: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, ring = page.evaluate(FOCUSED)
        assert ring, f"no ring around {name}"
        names.append(name.strip())
        if name.startswith("Sample"):
            break
    wanted = ["Try", "Numbers", "Class", "Model", "API", "Draw a digit here", "Paste", "Sample: a 0, red pen"]
    assert [name for name in names if name in wanted] == wanted
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="Predicted digit: 0")).to_be_visible(timeout=PATIENCE)


def test_a_drawing_is_undone_and_cleared_with_keys(page: Page, shipped_app: str) -> None:
    open_app(page, shipped_app)
    draw(page, STROKES[7])
    digit = page.get_by_role("img", name="Predicted digit: 7")
    expect(digit).to_be_visible(timeout=PATIENCE)
    canvas = page.get_by_role("application", name="Draw a digit here")
    canvas.focus()
    for undo in ("Control+z", "Backspace"):
        draw(page, [[(0.1, 0.9), (0.9, 0.9)]])
        assert canvas.evaluate(OPACITY) == 255
        page.keyboard.press(undo)
        assert canvas.evaluate(OPACITY) == 0
        expect(digit).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Delete")
    expect(digit).to_have_count(0, timeout=PATIENCE)
    draw(page, STROKES[7])
    expect(digit).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Clear").press("Enter")
    expect(digit).to_have_count(0, timeout=PATIENCE)
    # The button is now off: the focus is where the next digit is drawn.
    assert page.evaluate(FOCUSED)[0] == "Draw a digit here"


def test_canvas_and_drawing_turn_dark_with_the_page_and_the_digit_stays_the_same(page: Page, shipped_app: str) -> None:
    open_app(page, shipped_app)
    draw(page, [[(0.5, 0.15), (0.5, 0.85)]])
    digit = page.get_by_role("img", name="Predicted digit: 1")
    expect(digit).to_be_visible(timeout=PATIENCE)
    canvas = page.get_by_role("application", name="Draw a digit here")
    ground, ink, opacity = canvas.evaluate(GRAYS)
    assert (ground, ink, opacity) == (255, 0, 255)
    page.get_by_test_id("stMainMenu").click()
    page.get_by_text("Dark").click()
    page.wait_for_function("canvas => getComputedStyle(canvas).colorScheme === 'dark'", arg=canvas.element_handle())
    page.wait_for_timeout(100)
    ground, ink, opacity = canvas.evaluate(GRAYS)
    assert ground < 60
    assert ink > 200
    assert opacity == 255
    page.keyboard.press("Escape")
    draw(page, [[(0.5, 0.15), (0.5, 0.86)]])
    expect(digit).to_be_visible(timeout=PATIENCE)


def test_every_picture_and_chart_says_what_it_shows(page: Page, shipped_app: str) -> None:
    open_app(page, shipped_app)
    choose_sample(page, "a 7, stylus")
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    settled(page).get_by_text("What it saw").click()
    settled(page).get_by_text("Why 7?").click()
    expect(page.get_by_text("spoke for 7")).to_be_visible(timeout=PATIENCE)
    pictures = page.locator("[data-testid=stMain] img")
    assert pictures.count() >= 6
    for picture in pictures.all():
        # The picture of a sample is named by its button.
        named = picture.get_attribute("alt") or picture.evaluate("image => image.parentElement.ariaLabel")
        assert named, picture.get_attribute("src")
    expect(page.get_by_role("img", name="The probability of each digit; the highest is that of 7")).to_be_visible()
