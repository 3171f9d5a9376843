"""The app and the docs as a person sees them: in a real browser."""

import csv
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from digits.data.mnist import Mnist
from digits.feedback import FEEDBACK_FILE, FeedbackStore
from digits.model.artifact import read
from scripts.demonstration import draw
from tests.browsing import PATIENCE, STROKES, give, settled
from tests.conftest import SAMPLES, encode_png
from tests.pictures import handwritten


def test_an_uploaded_image_is_shown_beside_its_digit(page: Page, shipped_app: str, sample: Path) -> None:
    page.goto(shipped_app)
    give(page, sample)
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Sure: 7", exact=True)).to_be_visible()
    expect(page.get_by_text("over 99.9%", exact=True)).to_be_visible()
    yours = page.get_by_role("img", name="The picture that you gave")
    assert yours.evaluate("image => image.naturalWidth") > 100
    settled(page).get_by_text("What it saw").click()
    expect(page.get_by_text("The digit alone")).to_be_visible()
    settled(page).get_by_text("Why 7?").click()
    expect(page.get_by_text("spoke for 7")).to_be_visible(timeout=PATIENCE)


def test_each_digit_can_be_drawn_undone_and_cleared(page: Page, shipped_app: str) -> None:
    page.goto(shipped_app)
    settled(page)
    for digit, strokes in STROKES.items():
        draw(page, strokes)
        expect(page.get_by_role("img", name=f"Predicted digit: {digit}")).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Clear").click()
        expect(page.get_by_role("img", name="Predicted digit")).to_have_count(0, timeout=PATIENCE)
    draw(page, STROKES[7])
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    draw(page, [[(0.15, 0.9), (0.85, 0.1)]])
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)


def test_a_drawing_and_an_upload_outlive_a_look_at_another_page(page: Page, shipped_app: str, sample: Path) -> None:
    page.goto(shipped_app)
    draw(settled(page), STROKES[7])
    digit = page.get_by_role("img", name="Predicted digit: 7")
    expect(digit).to_be_visible(timeout=PATIENCE)
    look_elsewhere(page)
    expect(digit).to_be_visible(timeout=PATIENCE)
    # It is on the canvas, too, and more can be drawn on it, or taken back.
    draw(settled(page), [[(0.15, 0.9), (0.85, 0.1)]])
    page.get_by_role("button", name="Undo").click()
    expect(digit).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Undo").click()
    expect(digit).to_have_count(0, timeout=PATIENCE)
    give(page, sample)
    expect(digit).to_be_visible(timeout=PATIENCE)
    look_elsewhere(page)
    expect(digit).to_be_visible(timeout=PATIENCE)


def look_elsewhere(page: Page) -> None:
    """Leaves the app's first page, and comes back."""
    settled(page).get_by_role("link", name="API").click()
    expect(page.get_by_role("heading", name="Ask from a program")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Try", exact=True).click()
    settled(page)


def test_several_images_become_a_table_that_can_be_downloaded(page: Page, shipped_app: str, tmp_path: Path) -> None:
    page.goto(shipped_app)
    give(page, *SAMPLES)
    table = page.locator("[data-testid=stDataFrame]")
    expect(table).to_be_visible(timeout=PATIENCE)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV", exact=True).click()
    download.value.save_as(tmp_path / "digits.csv")
    with (tmp_path / "digits.csv").open(newline="", encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["digit"] for row in rows] == [file.name[0] for file in SAMPLES]
    settled(page)
    stage = page.get_by_role("img", name="The picture that you gave")
    first = str(stage.get_attribute("src"))
    # The left end of the second row, under the header.
    table.click(position={"x": 20, "y": 35 + 56 + 28})
    expect(page.get_by_role("img", name=f"Predicted digit: {SAMPLES[1].name[0]}")).to_be_visible(timeout=PATIENCE)
    # It is on the stage, too.
    expect(stage).not_to_have_attribute("src", first)
    # The rows are others now, none of them was chosen, and the first is on the stage.
    give(page, *SAMPLES[2:])
    expect(page.get_by_text(f"of {len(SAMPLES) - 2} accepted")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("img", name=f"Predicted digit: {SAMPLES[2].name[0]}")).to_be_visible(timeout=PATIENCE)


def test_what_a_person_says_of_an_answer_is_kept_and_can_be_taken_back(
    page: Page, app_server: str, repository: Path, sample: Path
) -> None:
    store = FeedbackStore(repository / FEEDBACK_FILE)
    page.goto(app_server)
    give(page, sample)
    settled(page).get_by_role("button", name="Yes, a 7").click()
    expect(page.get_by_text("The picture is kept as a 7")).to_be_visible(timeout=PATIENCE)
    assert len(store) == 1
    settled(page).get_by_role("button", name="Take it back").click()
    settled(page).get_by_role("button", name="No, it is …").click()
    assert len(store) == 0
    settled(page).get_by_role("radio", name="1", exact=True).click()
    expect(page.get_by_text("The picture is kept as a 1")).to_be_visible(timeout=PATIENCE)
    assert len(store) == 1


def test_a_number_is_read_corrected_and_copied_on_a_phone(
    browser: Browser, app_server: str, mnist: Mnist, tmp_path: Path
) -> None:
    number = tmp_path / "number.png"
    number.write_bytes(encode_png(handwritten(mnist, "24", "715")[0]))
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.grant_permissions(["clipboard-read", "clipboard-write"])
    page = phone.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(app_server + "/read")
    page.get_by_role("button", name="Use the one that ships").tap()
    expect(page.get_by_text("Reads with the model that ships")).to_be_visible(timeout=PATIENCE)
    page.locator("[data-testid=stFileUploader] input").set_input_files(number)
    expect(page.get_by_role("status")).to_have_text("Digits read: 24, 715", timeout=PATIENCE)
    drawn = page.get_by_role("img", name="The picture with a box around each digit: 24, 715")
    expect(drawn).to_be_visible()
    assert drawn.evaluate("image => image.naturalWidth") > 200
    page.get_by_role("radiogroup", name="Choose it").get_by_role("radio").nth(2).tap()
    page.get_by_role("radiogroup", name="What is it?").get_by_role("radio", name="1", exact=True).tap()
    expect(page.get_by_role("status")).to_have_text("Digits read: 24, 115", timeout=PATIENCE)
    page.get_by_role("button", name="Copy to clipboard").tap()
    assert page.evaluate("navigator.clipboard.readText()") == "24\n115"
    # Nothing is wider than the screen.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()


def test_a_broken_file_gets_a_sentence_and_a_photo_after_it_its_digit(
    page: Page, shipped_app: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("only text")
    page.goto(shipped_app)
    give(page, broken)
    expect(page.get_by_text("This is not an image that can be read", exact=True).first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    photo = tmp_path / "photo.jpg"
    Image.open(SAMPLES[-1]).convert("RGB").resize((3000, 3000)).save(photo)
    give(page, photo)
    expect(page.get_by_role("img", name="Predicted digit: 8")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("This is not an image that can be read")).to_have_count(0)


def test_a_click_on_a_cell_of_the_confusion_matrix_shows_its_images_and_so_do_the_arrow_keys(
    page: Page, app_server: str, repository: Path
) -> None:
    page.goto(app_server)
    page.get_by_role("link", name="Model", exact=True).click()
    expect(page.locator("[data-testid=stVegaLiteChart]")).to_have_count(3, timeout=PATIENCE)
    confusion = read(repository / "models" / "mnist_model.keras").card.metrics["test"]["confusion"]
    row = confusion[4]
    column = next(i for i, count in enumerate(row) if count and i != 4)
    images = f"{row[column]} image" + ("s" if row[column] > 1 else "")
    cell = page.get_by_role("button", name=f"4 read as {column}: {images}")
    cell.click()
    expect(page.get_by_text(f"4 read as {column}: {images}", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(cell).to_have_attribute("aria-pressed", "true")
    first = page.locator(".digits-gallery").first.locator("img")
    expect(first).to_have_count(row[column])
    assert first.first.evaluate("image => image.naturalWidth") == 28

    # Along the row to the diagonal and on it, past cells that count nothing.
    right = page.get_by_role("button", name="4 read correctly")
    for _ in range(9):
        if right.evaluate("button => button.getRootNode().activeElement === button"):
            break
        page.keyboard.press("ArrowRight" if column < 4 else "ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"4 read correctly: {row[4]} images", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(right).to_have_attribute("aria-pressed", "true")
    # The choice outlives a look at the other page.
    page.get_by_role("link", name="Try", exact=True).click()
    page.get_by_role("link", name="Model", exact=True).click()
    expect(page.get_by_text(f"4 read correctly: {row[4]} images", exact=True)).to_be_visible(timeout=PATIENCE)


def test_the_docs_page_sends_a_real_request(page: Page, api: str, sample: Path) -> None:
    page.goto(api + "/docs")
    page.get_by_text("/predict/").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.locator("input[type=file]").set_input_files(sample)
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response-col_description code").first
    expect(answer).to_contain_text('"predicted_digit": 7', timeout=PATIENCE)
