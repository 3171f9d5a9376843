"""Pictures from the clipboard, in a real browser."""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import PATIENCE, at_rest, choose_sample, paste_file, settled
from tests.conftest import ROOT

# Puts a picture on the browser's own clipboard, as copying it on a web page does.
COPY = """async (url) => {
  const picture = await (await fetch(url)).blob()
  await navigator.clipboard.write([new ClipboardItem({ [picture.type]: picture })])
}"""

# The styles that the app gives to its page.
RULES = "() => [...document.querySelectorAll('.stHtml style')].map((style) => style.textContent).sort()"


@pytest.fixture
def app(page: Page, shipped_app: str) -> Page:
    """The app's first page, which may use the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=shipped_app)
    page.goto(shipped_app)
    # The button is there a moment before its script.
    button = settled(page).get_by_role("button", name="Paste", exact=True)
    page.wait_for_function("(button) => button.listeners", arg=button.element_handle())
    return page


def base64_of(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def copy(page: Page, sample: str) -> None:
    page.evaluate(COPY, f"data:image/png;base64,{base64_of(ROOT / 'digits' / 'samples' / sample)}")


def assert_styled(page: Page) -> None:
    """Asserts that the page has its style once a note is shown: only those who listen to it meet the heading."""
    at_rest(page)
    heading = page.get_by_role("heading", level=1).first.bounding_box()
    assert heading is not None
    assert heading["height"] == 1


def test_a_copied_picture_is_pasted_with_the_keys_anywhere_and_with_the_button(app: Page) -> None:
    copy(app, "7_stylus.png")
    app.keyboard.press("Control+v")
    expect(app.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    expect(app.get_by_role("img", name="The picture that you gave")).to_be_visible()
    copy(app, "5_marker.png")
    settled(app).get_by_role("button", name="Paste", exact=True).click()
    expect(app.get_by_role("img", name="Predicted digit: 5")).to_be_visible(timeout=PATIENCE)


def test_a_copied_number_is_pasted_on_the_page_of_numbers(page: Page, shipped_app: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=shipped_app)
    page.goto(shipped_app + "/read")
    button = settled(page).get_by_role("button", name="Paste", exact=True)
    page.wait_for_function("(button) => button.listeners", arg=button.element_handle())
    copy(page, "numbers/two_lines.png")
    page.keyboard.press("Control+v")
    expect(page.get_by_role("status")).to_have_text("Digits read: 2024, 375-08", timeout=PATIENCE)


def test_a_clipboard_without_a_picture_gets_a_sentence_and_the_answer_stays(app: Page) -> None:
    choose_sample(app, "a 7, stylus")
    expect(app.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    app.evaluate("navigator.clipboard.writeText('seven')")
    app.keyboard.press("Control+v")
    expect(app.get_by_text("There is no picture on the clipboard.")).to_be_visible(timeout=PATIENCE)
    expect(app.get_by_role("img", name="Predicted digit: 7")).to_be_visible()
    assert_styled(app)


@pytest.mark.parametrize("locale", ["en", "de"])
def test_a_note_leaves_the_styles_of_every_page(locale: str, browser: Browser, shipped_app: str) -> None:
    context = browser.new_context(locale=locale)
    try:
        page = context.new_page()
        for path in ("/", "/read"):
            page.goto(shipped_app + path)
            paste = page.get_by_role("button", name="Paste" if locale == "en" else "Einfügen", exact=True)
            page.wait_for_function("(button) => button.listeners", arg=paste.element_handle())
            if path == "/read":
                page.get_by_role("button", name="2024").click()
                expect(page.get_by_role("status")).to_contain_text("375-08", timeout=PATIENCE)
            before = at_rest(page).evaluate(RULES)
            paste.click()
            expect(page.get_by_test_id("stToast")).to_be_visible(timeout=PATIENCE)
            assert at_rest(page).evaluate(RULES) == before
            assert_styled(page)
    finally:
        context.close()


def test_a_copied_file_is_pasted_and_a_broken_one_gets_a_sentence(app: Page, sample: Path, tmp_path: Path) -> None:
    paste_file(app, sample)
    expect(app.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    (tmp_path / "broken.png").write_text("only text")
    paste_file(app, tmp_path / "broken.png")
    expect(app.get_by_text("This is not an image that can be read").first).to_be_visible(timeout=PATIENCE)
    (tmp_path / "document.pdf").write_bytes(sample.read_bytes())
    paste_file(app, tmp_path / "document.pdf")
    expect(app.get_by_text("There is no picture on the clipboard.")).to_be_visible(timeout=PATIENCE)


def test_where_a_page_may_not_read_the_clipboard_the_button_says_which_keys_to_press(app: Page) -> None:
    app.context.clear_permissions()
    app.get_by_role("button", name="Paste", exact=True).click()
    expect(app.get_by_text("or press Ctrl+V (on a Mac ⌘V) instead")).to_be_visible(timeout=PATIENCE)
    assert_styled(app)
    # As in a browser that has no such function, or over plain HTTP.
    app.evaluate("delete Clipboard.prototype.read")
    app.get_by_role("button", name="Paste", exact=True).click()
    expect(app.get_by_text("This browser does not let the button read the clipboard.")).to_be_visible(timeout=PATIENCE)
