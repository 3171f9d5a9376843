"""The app and the docs as a person sees them: in a real browser."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from digits.feedback import FEEDBACK_FILE, FeedbackStore
from scripts.find_browser import BROWSER_ARGUMENTS
from tests.conftest import SAMPLES

PATIENCE = 20_000  # Milliseconds.


@pytest.fixture(scope="module")
def browser(browser_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path, args=BROWSER_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


def test_an_uploaded_image_is_shown_beside_its_digit(page: Page, app_server: str, sample: Path) -> None:
    page.goto(app_server)
    page.locator("input[type=file]").set_input_files(sample)
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Sure: 7")).to_be_visible()
    expect(page.get_by_text("Confidence: ")).to_be_visible()
    expect(page.get_by_text("The image")).to_be_visible()
    page.get_by_text("What the network saw").click()
    expect(page.get_by_text("The digit alone")).to_be_visible()
    page.get_by_text("Why 7?").click()
    expect(page.get_by_text("spoke for 7")).to_be_visible()
    expect(page.get_by_text("Reads with models/mnist_model.keras")).to_be_visible()
    # The chart of the ten probabilities is drawn.
    expect(page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")).to_be_visible()
    yours = page.locator("[data-testid=stImage] img").first
    assert yours.evaluate("image => image.naturalWidth") > 100


def test_several_images_become_a_table_that_can_be_downloaded(page: Page, app_server: str, tmp_path: Path) -> None:
    page.goto(app_server)
    page.locator("input[type=file]").set_input_files(SAMPLES)
    table = page.locator("[data-testid=stDataFrame]")
    expect(table).to_be_visible(timeout=PATIENCE)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    download.value.save_as(tmp_path / "digits.csv")
    with (tmp_path / "digits.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["digit"] for row in rows] == [file.name[0] for file in SAMPLES]
    # The left end of the second row, under the header.
    table.click(position={"x": 20, "y": 35 + 56 + 28})
    expect(page.get_by_role("img", name=f"Predicted digit: {SAMPLES[1].name[0]}")).to_be_visible(timeout=PATIENCE)


def test_what_a_person_says_of_an_answer_is_kept_and_can_be_taken_back(
    page: Page, app_server: str, repository: Path, sample: Path
) -> None:
    store = FeedbackStore(repository / FEEDBACK_FILE)
    page.goto(app_server)
    page.locator("input[type=file]").set_input_files(sample)
    page.get_by_role("button", name="Right").click()
    expect(page.get_by_text("The picture is kept as a 7")).to_be_visible(timeout=PATIENCE)
    assert len(store) == 1
    page.get_by_role("button", name="Take it back").click()
    page.get_by_role("button", name="It was a …").click()
    assert len(store) == 0
    page.get_by_role("radio", name="1", exact=True).click()
    expect(page.get_by_text("The picture is kept as a 1")).to_be_visible(timeout=PATIENCE)
    assert len(store) == 1


def test_a_sample_can_be_clicked(page: Page, app_server: str) -> None:
    page.goto(app_server)
    page.get_by_role("button", name="chalk").click()
    expect(page.get_by_role("img", name="Predicted digit: 4")).to_be_visible(timeout=PATIENCE)


def test_a_broken_file_gets_a_sentence(page: Page, app_server: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("only text")
    page.goto(app_server)
    page.locator("input[type=file]").set_input_files(broken)
    expect(page.get_by_text("This is not an image that can be read.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_the_training_report_shows_curves_and_confusion_matrix(page: Page, app_server: str) -> None:
    page.goto(app_server)
    page.get_by_role("link", name="Training report").click()
    expect(page.get_by_text("Confusion matrix")).to_be_visible(timeout=PATIENCE)
    charts = page.locator("[data-testid=stVegaLiteChart]")
    expect(charts).to_have_count(3, timeout=PATIENCE)


def test_the_docs_page_sends_a_real_request(page: Page, api: str, sample: Path) -> None:
    page.goto(api + "/docs")
    page.get_by_text("/predict/").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.locator("input[type=file]").set_input_files(sample)
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response-col_description code").first
    expect(answer).to_contain_text('"predicted_digit": 7', timeout=PATIENCE)
