"""axe-core finds no serious barrier on any page of the app, in either theme."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from scripts.demonstration import draw
from tests.browsing import PATIENCE, STROKES, at_rest, choose_sample, count_drawing, settled

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
ZIGZAG = [[(0.2, 0.2), (0.35, 0.8), (0.5, 0.4), (0.65, 0.8), (0.8, 0.2)]]


def fill(page: Page, path: str) -> None:
    """Has a page show what it can show."""
    if path == "/":
        draw(settled(page), ZIGZAG)
        expect(page.get_by_role("button", name="Right, no digit")).to_be_visible(timeout=PATIENCE)
        choose_sample(settled(page), "a 7, stylus")
        expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
        settled(page).get_by_text("What it saw").click()
        settled(page).get_by_text("Why 7?").click()
        expect(page.get_by_text("spoke for 7")).to_be_visible(timeout=PATIENCE)
    elif path == "/read":
        choose_sample(settled(page), "two lines, 2024 and 375-08")
        expect(page.get_by_test_id("stCode")).to_be_visible(timeout=PATIENCE)
    elif path == "/class":
        count_drawing(page, STROKES[7])
        expect(page.get_by_text("Read right: 0 of 1")).to_be_visible(timeout=PATIENCE)
    else:
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("path", ["/", "/read", "/class", "/model", "/api"])
@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_serious(theme: Theme, path: str, browser: Browser, shipped_app: str) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(shipped_app + path)
    expect(page.get_by_role("heading", level=1)).to_be_attached(timeout=PATIENCE)
    for filled in (False, True):
        if filled:
            fill(page, path)
        result = Axe().run(at_rest(page)).response
        # It did look.
        assert len(result["passes"]) > 10
        barriers = {
            violation["id"]: [(node["target"], node["failureSummary"]) for node in violation["nodes"]]
            for violation in result["violations"]
            if violation["impact"] in ("serious", "critical")
        }
        assert barriers == {}
    context.close()


def test_axe_finds_text_without_contrast(page: Page) -> None:
    page.set_content("<html lang=en><title>Pale</title><main><h1 style='color: #ccc'>Pale</h1></main></html>")
    violations = Axe().run(page).response["violations"]
    assert ("color-contrast", "serious") in [(violation["id"], violation["impact"]) for violation in violations]
