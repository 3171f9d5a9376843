"""Who visits the app: somebody new, speakers of other languages, and a class; in a real browser."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from digits.app.language import LANGUAGES, catalogue
from scripts.demonstration import draw
from tests.browsing import PATIENCE, SCROLLED, STROKES, at_rest, count_drawing, settled
from tests.pictures import side_by_side, tiff_of

PHONE: ViewportSize = {"width": 390, "height": 844}
SIZES: dict[str, ViewportSize] = {
    "phone": PHONE,
    "tablet": {"width": 820, "height": 1180},
    "laptop": {"width": 1280, "height": 720},
}
# How far the page can be scrolled sideways.
OVERFLOW = """() => Math.max(...[document.documentElement, document.querySelector("[data-testid=stMain]")].map(
  (element) => element.scrollWidth - element.clientWidth))"""


def test_the_tour_has_three_steps_and_never_comes_back(browser: Browser, shipped_app: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(shipped_app)
    tour = settled(page).get_by_role("note")
    for step in (1, 2, 3):
        expect(tour).to_contain_text(f"{step}/3", timeout=PATIENCE)
        if step == 2:
            # It stays where it was while its visitor tries what it says.
            draw(page, STROKES[7])
            expect(page.get_by_role("button", name="Yes, a 7")).to_be_visible(timeout=PATIENCE)
            expect(tour).to_contain_text("2/3", timeout=PATIENCE)
        tour.get_by_role("button").last.click()
    expect(tour).to_have_count(0, timeout=PATIENCE)
    page.reload()
    expect(settled(page).locator(".tour")).to_have_attribute("data-step", "3", timeout=PATIENCE)
    expect(tour).to_have_count(0)
    # Nor does it where it was only seen.
    others = browser.new_context()
    for step in (0, 3):
        page = others.new_page()
        page.goto(shipped_app)
        expect(settled(page).locator(".tour")).to_have_attribute("data-step", str(step), timeout=PATIENCE)
        expect(page.get_by_role("note")).to_have_count(1 if step == 0 else 0)
        page.close()
    for each in (context, others):
        each.close()


@pytest.mark.parametrize("size", SIZES)
def test_the_tour_is_in_sight_without_scrolling(size: str, browser: Browser, shipped_app: str) -> None:
    context = browser.new_context(viewport=SIZES[size])
    page = context.new_page()
    page.goto(shipped_app)
    expect(settled(page).get_by_role("note")).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    assert page.evaluate(SCROLLED) == 0
    context.close()


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_app_speaks_the_language_of_the_browser(code: str, browser: Browser, shipped_app: str) -> None:
    say = catalogue(code)
    context = browser.new_context(locale=code, viewport=PHONE)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(shipped_app)
    invitation = say["Draw a digit from 0 to 9, or give a picture of one"]
    expect(page.get_by_role("paragraph").filter(has_text=invitation)).to_be_visible(timeout=PATIENCE)
    html = page.locator("html")
    expect(html).to_have_attribute("lang", code, timeout=PATIENCE)
    expect(html).to_have_attribute("dir", "rtl" if code == "ar" else "ltr", timeout=PATIENCE)
    expect(at_rest(page).get_by_role("note")).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    draw(page, STROKES[7], say["Draw a digit here"])
    expect(page.get_by_role("img", name=say["Predicted digit: {digit}"].format(digit=7))).to_be_in_viewport(
        ratio=1, timeout=PATIENCE
    )
    highest = say["The probability of each digit; the highest is that of {digit}, {confidence}"].split("{")[0]
    bars = page.get_by_role("img", name=highest)
    expect(bars).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    # From 0 at the left to 9 at the right, in every language.
    places = bars.locator("b").evaluate_all("(all) => all.map((one) => [one.innerText, one.getBoundingClientRect().x])")
    assert [text for text, _ in places] == [*"0123456789"]
    assert [x for _, x in places] == sorted(x for _, x in places)
    # The pages stay in one row, in sight.
    links = [
        page.get_by_role("link", name=say[name], exact=True) for name in ("Try", "Numbers", "Class", "Model", "API")
    ]
    boxes = [link.bounding_box() for link in links]
    assert len({box["y"] for box in boxes if box is not None}) == 1
    # The menu is at the end of their row, and covers none of them.
    menu, last = page.get_by_test_id("stMainMenu").bounding_box(), boxes[-1]
    assert menu is not None
    assert last is not None
    if code == "ar":
        assert menu["x"] + menu["width"] <= last["x"]
    else:
        assert menu["x"] >= last["x"] + last["width"]
    for link in links:
        expect(link).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    upload = page.get_by_test_id("stFileUploaderDropzone").locator("button p")
    assert upload.evaluate("(text) => getComputedStyle(text, '::after').content") == f'"{say["Upload"]}"'
    assert page.evaluate(OVERFLOW) == 0
    context.close()


def test_a_class_draws_one_after_the_other_and_sees_its_score_on_one_screen(page: Page, shipped_app: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(shipped_app + "/class")
    count_drawing(page, STROKES[4])
    score = page.get_by_text("Read right: 1 of 1")
    expect(score).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    count_drawing(page, STROKES[7])
    expect(page.get_by_text("Read right: 1 of 2")).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    expect(page.get_by_role("cell", name="7 (1)")).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    expect(page.get_by_role("application", name="Draw the digit here")).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    assert page.evaluate(SCROLLED) == 0
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Read right: 1 of 1")).to_be_visible(timeout=PATIENCE)
    # Another visit has a score of its own.
    page.reload()
    expect(page.get_by_text("No drawing is kept.")).to_be_visible(timeout=PATIENCE)


def test_on_a_phone_the_text_of_a_document_of_many_pages_is_in_sight(
    browser: Browser, shipped_app: str, tmp_path: Path
) -> None:
    document = tmp_path / "pages.tif"
    number = side_by_side("5_marker", "2_blue_pen")
    document.write_bytes(tiff_of(*[np.asarray(number)] * 8))
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(shipped_app + "/read")
    settled(page).locator("[data-testid=stFileUploader] input").set_input_files(document)
    text = page.get_by_test_id("stCode")
    expect(text).to_have_text("52", timeout=PATIENCE)
    expect(text).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    expect(page.get_by_role("button", name="Page 1", exact=True)).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    assert page.evaluate(SCROLLED) == 0
    assert page.evaluate(OVERFLOW) == 0
    context.close()
