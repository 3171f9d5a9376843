"""Every way to give a picture puts it on one stage, with the answer in sight."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, ViewportSize, expect

from digits.images.limits import ImageLimits
from scripts.demonstration import draw
from scripts.find_browser import BROWSER_ARGUMENTS
from tests.browsing import PATIENCE, SCROLLED, STROKES, at_rest, choose_sample, give, opened, paste_file, settled
from tests.conftest import ROOT, SAMPLES, encode_png
from tests.pictures import side_by_side

SIZES: dict[str, ViewportSize] = {
    "laptop": {"width": 1280, "height": 800},
    "projector": {"width": 1920, "height": 1080},
    "phone": {"width": 390, "height": 844},
}
SEVEN = next(file for file in SAMPLES if file.name.startswith("7"))


def take_photo(page: Page) -> None:
    page.get_by_role("button", name="Camera").click()
    # The first frames of a camera may be black.
    page.wait_for_function("() => document.querySelector('video')?.currentTime > 0.3")
    page.get_by_role("button", name="Take Photo").click()


WAYS: dict[str, Callable[[Page], None]] = {
    "draw": lambda page: draw(page, STROKES[7]),
    "upload": lambda page: give(page, SEVEN),
    "paste": lambda page: paste_file(page, SEVEN),
    "camera": take_photo,
    "sample": lambda page: choose_sample(page, "a 7, stylus"),
}


@pytest.fixture(scope="module")
def browser_with_camera(
    browser: Browser, browser_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A browser whose camera looks at a sheet of paper with a 7."""
    video = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with Image.open(SEVEN) as image:
        ImageOps.pad(image.convert("RGB"), (640, 480), color="white").save(video, "JPEG")
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    camera.append(f"--use-file-for-fake-video-capture={video}")
    chromium = browser.browser_type.launch(executable_path=browser_path, args=[*BROWSER_ARGUMENTS, *camera])
    yield chromium
    chromium.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", WAYS)
def test_the_answer_is_in_sight_without_scrolling(
    way: str, size: str, browser_with_camera: Browser, shipped_app: str
) -> None:
    context = browser_with_camera.new_context(viewport=SIZES[size], has_touch=size == "phone")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(shipped_app)
    bars = opened(page).get_by_role("img", name="The probability of each digit")
    # Ten bars before there is an answer.
    expect(bars).to_be_in_viewport(ratio=1)
    place = bars.bounding_box()
    WAYS[way](page)
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    expect(page.get_by_text("Sure: 7", exact=True)).to_be_in_viewport(ratio=1)
    settled(page)
    expect(bars).to_be_in_viewport(ratio=1)
    assert page.evaluate(SCROLLED) == 0
    # Where it was, but for a camera, which is not as high as the canvas: the answer comes back with the canvas.
    assert bars.bounding_box() == place
    # So is the way to the other pages.
    for link in ("Try", "Numbers", "Class", "Model", "API"):
        expect(page.get_by_role("link", name=link, exact=True)).to_be_in_viewport(ratio=1)
    context.close()


def test_the_canvas_is_as_wide_as_a_phone_and_the_samples_scroll_sideways(browser: Browser, shipped_app: str) -> None:
    context = browser.new_context(viewport=SIZES["phone"], has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(shipped_app)
    box = settled(page).get_by_role("application", name="Draw a digit here").bounding_box()
    assert box is not None
    assert box["width"] >= 360
    strip = page.get_by_role("group", name="Sample pictures")
    wide, shown = strip.evaluate("(strip) => [strip.scrollWidth, strip.clientWidth]")
    assert wide > shown <= 390
    context.close()


def test_a_picture_takes_the_place_of_a_drawing_and_a_stroke_that_of_a_picture(page: Page, shipped_app: str) -> None:
    page.goto(shipped_app)
    draw(settled(page), STROKES[4])
    expect(page.get_by_role("img", name="Predicted digit: 4")).to_be_visible(timeout=PATIENCE)
    picture = page.get_by_role("img", name="The picture that you gave")
    expect(picture).to_have_count(0)
    choose_sample(page, "an 8, photo")
    expect(page.get_by_role("img", name="Predicted digit: 8")).to_be_visible(timeout=PATIENCE)
    expect(picture).to_have_count(1)
    draw(settled(page), STROKES[7])
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    expect(picture).to_have_count(0)
    choose_sample(settled(page), "an 8, photo")
    expect(picture).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(picture).to_have_count(0)
    expect(page.get_by_role("img", name="No digit yet")).to_be_visible(timeout=PATIENCE)


def test_an_upload_replaces_the_one_before(page: Page, shipped_app: str) -> None:
    page.goto(shipped_app)
    for file in SAMPLES[:2]:
        give(page, file)
        expect(page.get_by_role("img", name=f"Predicted digit: {file.name[0]}")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(0)


def test_a_file_over_the_limit_takes_the_place_of_the_answer(page: Page, shipped_app: str, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(bytes(ImageLimits.max_bytes + 1))
    page.goto(shipped_app)
    give(page, SEVEN)
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    give(page, large)
    expect(page.get_by_text("The file is larger than the 20 MB allowed", exact=True).first).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.get_by_text("Choose a smaller picture.", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_have_count(0)
    expect(page.get_by_text("large.png")).to_have_count(0)
    # The next one is read as ever.
    give(page, SEVEN)
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    # Of several, the others are read.
    give(page, large, *SAMPLES[:2])
    expect(page.get_by_text("A file is larger than 20 MB, and was left out.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(1)


def test_on_a_tablet_the_tools_of_the_canvas_stay_in_one_row(page: Page, shipped_app: str) -> None:
    page.set_viewport_size({"width": 820, "height": 1180})
    page.goto(shipped_app)
    settled(page)
    undo = page.get_by_role("button", name="Undo", exact=True).bounding_box()
    pen = page.get_by_role("slider", name="Pen").bounding_box()
    assert undo is not None
    assert pen is not None
    assert undo["y"] < pen["y"] < undo["y"] + undo["height"]


def test_the_samples_are_one_tab_stop_in_which_the_arrow_keys_move(page: Page, shipped_app: str) -> None:
    page.goto(shipped_app)
    settled(page)
    first = page.get_by_role("button", name="Sample: a 0, red pen")
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="Predicted digit: 2")).to_be_visible(timeout=PATIENCE)
    stops = page.get_by_role("group", name="Sample pictures").evaluate(
        "(strip) => [...strip.children].filter((button) => button.tabIndex === 0).length"
    )
    assert stops == 1


def test_a_number_is_drawn_on_its_own_page_and_its_text_is_shown_once(page: Page, shipped_app: str) -> None:
    page.set_viewport_size(SIZES["laptop"])
    page.goto(shipped_app + "/read")
    canvas = settled(page).get_by_role("application", name="Draw a number here")
    page.wait_for_function("(canvas) => canvas.strokes", arg=canvas.element_handle())
    box = canvas.bounding_box()
    assert box is not None
    for i, digit in enumerate((1, 7, 4)):
        for stroke in STROKES[digit]:
            for k, (x, y) in enumerate(stroke):
                across, down = 0.02 + 0.3 * (i + x), 0.2 + 0.6 * y
                page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
                if k == 0:
                    page.mouse.down()
            page.mouse.up()
    text = page.get_by_test_id("stCode")
    expect(text).to_have_text("174", timeout=PATIENCE)
    expect(text).to_have_count(1)
    expect(text).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("img", name="The drawing with a box around each digit: 174")).to_be_visible()


def test_a_picture_of_several_digits_is_taken_to_the_page_of_numbers(
    page: Page, shipped_app: str, tmp_path: Path
) -> None:
    number = tmp_path / "number.png"
    Image.fromarray(side_by_side("5_marker", "2_blue_pen")).save(number)
    page.goto(shipped_app)
    give(page, number)
    settled(page).get_by_role("button", name="Read all digits").click()
    expect(page.get_by_role("status")).to_have_text("Digits read: 52", timeout=PATIENCE)


def test_a_number_that_is_not_accepted_is_paler_than_one_that_is(page: Page, shipped_app: str, tmp_path: Path) -> None:
    page.goto(shipped_app + "/read")
    number = cv2.imread(str(ROOT / "digits" / "samples" / "numbers" / "two_lines.png"), cv2.IMREAD_GRAYSCALE)
    assert number is not None
    doubted = np.pad(number, ((0, 0), (0, 300)), mode="edge")
    letter = np.add([(0, 40), (30, 160), (60, 60), (90, 160), (110, 40)], (number.shape[1] + 20, 0))
    cv2.polylines(doubted, [letter], False, 0, 10)
    weights = []
    for picture, said in ((number, "Digits read: 2024, 375-08"), (doubted, "Not everything here looks like a digit")):
        (tmp_path / "number.png").write_bytes(encode_png(picture))
        give(page, tmp_path / "number.png")
        expect(page.get_by_role("status")).to_contain_text(said, timeout=PATIENCE)
        code = at_rest(page).locator(".st-key-number-text code")
        weights.append(code.evaluate("(code) => [getComputedStyle(code).fontWeight, getComputedStyle(code).color]"))
    assert [weight for weight, _ in weights] == ["700", "400"]
    assert weights[0][1] != weights[1][1] == "rgb(90, 102, 114)"
