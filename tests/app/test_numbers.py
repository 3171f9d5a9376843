"""The app's page that reads numbers."""

import io
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from benchmarks.hostile.pdf_files import many_pages
from digits.app.components.canvas import ShownPicture
from digits.app.pages.numbers import NUMBERS
from digits.app.stage import OnStage
from digits.data.mnist import Mnist
from digits.errors import ImageTooLargeError
from digits.numbers.expectation import parse_expectation
from digits.numbers.reading import ReadDigit, Reading
from digits.numbers.signs.kinds import UNKNOWN
from tests.app.test_recognize import texts
from tests.conftest import ROOT, encode_png
from tests.pictures import handwritten, tiff_of
from tests.processes import open_no_more

WRITTEN = "2024\n375-08"


@pytest.fixture(autouse=True)
def no_trained_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)


def page() -> None:
    from digits.app.pages.numbers import numbers_page

    numbers_page()


def run_page() -> AppTest:
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    return app


def upload(app: AppTest, image: bytes) -> AppTest:
    app.file_uploader[0].set_value(("number.png", image, "image/png")).run()
    assert not app.exception
    return app


def give_sample(app: AppTest) -> AppTest:
    file = ROOT / "digits" / "samples" / "numbers" / "two_lines.png"
    app.session_state[NUMBERS.key] = OnStage("sample", file.read_bytes())
    app.run()
    assert not app.exception
    return app


def choose(app: AppTest, group: int, value: object) -> AppTest:
    """A click on one of a group of pills."""
    app.pills[group].set_value(value).run()
    assert not app.exception
    return app


def test_the_sample_is_read_with_its_sign() -> None:
    app = give_sample(run_page())
    assert app.code[0].value == WRITTEN
    assert f"Digits read: {WRITTEN.replace(chr(10), ', ')}" in texts(app)
    assert "Gray boxes: 1 other sign." in texts(app)
    assert "Digits alone: `2024, 37508`" in texts(app)
    assert [option.content for option in app.pills[0].proto.options] == [*"202437", "5", "-", "0", "8"]


def test_an_upload_is_read_and_replaces_the_sample(mnist: Mnist) -> None:
    app = give_sample(run_page())
    upload(app, encode_png(handwritten(mnist, "1984")[0]))
    assert [code.value for code in app.code] == ["1984"]
    assert "Gray boxes" not in texts(app)


def test_a_digit_can_be_corrected_and_the_text_follows(mnist: Mnist) -> None:
    app = upload(run_page(), encode_png(handwritten(mnist, "24", "715")[0]))
    choose(app, 0, 2)
    assert app.pills[1].value == "7"
    choose(app, 1, "1")
    assert app.code[0].value == "24\n115"
    choose(app, 0, 0)
    assert app.pills[1].value == "2"
    choose(app, 1, "no digit")
    assert app.code[0].value == "4\n115"
    assert "Gray boxes: other signs" not in texts(app)
    assert "Gray boxes: 1 thing that is no digit or known sign." in texts(app)


def test_corrections_are_of_one_picture(mnist: Mnist) -> None:
    first, second = (encode_png(handwritten(mnist, text)[0]) for text in ("39", "86"))
    app = upload(run_page(), first)
    choose(choose(app, 0, 1), 1, "4")
    assert app.code[0].value == "34"
    upload(app, second)
    assert app.code[0].value == "86"
    upload(app, first)
    assert app.code[0].value == "34"


def test_a_sign_that_is_a_digit_can_be_made_one() -> None:
    app = give_sample(run_page())
    choose(app, 0, 7)
    assert app.pills[1].value == "no digit"
    choose(app, 1, "1")
    assert app.code[0].value.replace(" ", "") == "2024\n375108"


def test_the_last_digit_of_a_large_picture_is_shown_beside_its_correction(
    mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    monkeypatch.setattr("streamlit.image", lambda image, **_: shown.append(image))
    picture, boxes = handwritten(mnist, "24", "715")
    large = np.repeat(np.repeat(picture, 12, axis=0), 12, axis=1)
    app = choose(upload(run_page(), encode_png(large)), 0, 4)
    assert app.code[0].value == "24\n715"
    assert shown[-1].min() < 100
    # The picture is reduced to a half, and a quarter of the digit's height is shown around it.
    _, _, width, height = boxes[4]
    assert shown[-1].shape == pytest.approx((6 * 1.5 * height, 6 * (width + 0.5 * height)), rel=0.15)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"only text", "This is not an image that can be read."),
        (encode_png(np.full((60, 60), 255, np.uint8)), "No ink was found"),
        (encode_png(np.full((12, 20_000), 255, np.uint8)), "The image has 20000 x 12 pixels"),
    ],
    ids=["text", "blank", "narrow"],
)
def test_what_cannot_be_read_gets_a_sentence(image: bytes, message: str) -> None:
    app = upload(run_page(), image)
    assert message in app.error[0].value
    assert not app.code


def test_a_file_that_cannot_be_opened_now_is_opened_when_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    app = run_page()
    with monkeypatch.context() as patch:
        open_no_more(patch)
        upload(app, many_pages(1))
        assert app.error[0].value.startswith("The picture cannot be read now")
    assert not app.run().error


def test_a_reading_that_is_not_accepted_is_not_shown_as_a_sure_one(mnist: Mnist) -> None:
    paper, _ = handwritten(mnist, "2024", "715")
    app = upload(run_page(), encode_png(paper))
    assert not app.warning
    # Strokes so thick that they fill the gaps of a 5.
    upload(app, encode_png(np.asarray(cv2.erode(paper, np.ones((15, 15), np.uint8)), np.uint8)))
    assert app.code
    assert app.warning[0].value.startswith("Not sure: this is more likely wrong than right.")
    # Who has corrected it has looked at it.
    choose(choose(app, 0, 6), 1, "5")
    assert not app.warning


def test_a_sign_that_is_not_known_is_said_to_be_in_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = (ReadDigit(2, 0.9, True, (0, 0, 9, 9), 0), ReadDigit(1, 0.3, False, (10, 0, 9, 9), 0, UNKNOWN, 0.9))
    strange = Reading(digits, 40, 40, (0.9,))
    monkeypatch.setattr("digits.app.pages.numbers.read_picture", lambda *_: strange)
    app = give_sample(run_page())
    assert app.warning[0].value.startswith("Not everything here looks like a digit or a known sign: ? stands for")
    assert "crop the picture" in app.warning[0].value
    # Who listens to the page hears why, too.
    assert "Digits read: 2? Not everything here looks like a digit" in texts(app)
    # Who has corrected it has looked at it.
    choose(choose(app, 0, 1), 1, "1")
    assert "Not everything" not in texts(app)
    # A drawing cannot be cropped.
    app = run_page()
    app.session_state[NUMBERS.key] = OnStage(file=encode_png(np.full((40, 40), 255, np.uint8)))
    assert app.run().warning[0].value.endswith("Write it more clearly.")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2-", "Blue boxes: digits. Gray boxes: 1 other sign."),
        ("2-+", "Blue boxes: digits. Gray boxes: 2 other signs."),
        ("2?", "Blue boxes: digits. Gray boxes: 1 thing that is no digit or known sign."),
        ("???", "Gray boxes: 3 things that are no digit or known sign."),
        ("2-??", "Blue boxes: digits. Gray boxes: other signs: 1; neither digit nor known sign: 2."),
    ],
)
def test_what_is_no_known_sign_is_not_called_one(written: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = tuple(
        ReadDigit(2, 0.9, one.isdigit(), (10 * place, 0, 9, 9), 0, None if one.isdigit() else one)
        for place, one in enumerate(written)
    )
    monkeypatch.setattr("digits.app.pages.numbers.read_picture", lambda *_: Reading(digits, 40, 40, (0.9,)))
    assert said in [caption.value for caption in give_sample(run_page()).caption]


def test_a_picture_stays_in_sight_when_no_number_is_read_on_it(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = list[ShownPicture]()
    monkeypatch.setattr(type(NUMBERS), "show", lambda _, picture: shown.append(picture))
    app = give_sample(run_page())
    assert shown[-1].url
    app.text_input[0].set_value("##/##/####").run()
    # The page names its own field, and says what was read as programs are told.
    assert app.error[0].value.startswith("What is written does not match the form that you expect: `2024 / 375-08` was")
    assert shown[-1].url
    assert shown[-1].alt == "The picture that you gave"
    # What cannot be decoded cannot be shown.
    app.session_state[NUMBERS.key] = OnStage("upload", b"only text")
    app.run()
    assert shown[-1].url is None


def test_the_confidence_of_the_whole_is_shown() -> None:
    assert "All of it is right with a probability of " in texts(give_sample(run_page()))


@pytest.mark.parametrize(
    ("signs", "shown", "alone"),
    [("19.95", "19.95", "1995"), ("-36", "-36", "36"), ("2 + 3", "2 + 3", "23"), ("12 34", "1234", None)],
)
def test_what_is_copied_holds_the_signs(
    signs: str, shown: str, alone: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = [
        ReadDigit(
            int(one) if one.isdigit() else 1, 0.9, one.isdigit(), (10 * place, 0, 9, 9), 0,
            None if one.isdigit() else one, None if one.isdigit() else 0.9, after_blank=signs[place - 1 : place] == " ",
        )
        for place, one in enumerate(signs) if one != " "
    ]  # fmt: skip
    price = Reading(tuple(digits), 90, 40, (0.9,))
    monkeypatch.setattr("digits.app.pages.numbers.read_picture", lambda *_: price)
    app = give_sample(run_page())
    assert app.code[0].value == shown
    assert (f"Digits alone: `{alone}`" in texts(app)) == (alone is not None)
    # What a person says to be no digit, goes; a sign stays.
    choose(choose(app, 0, 0), 1, "no digit")
    assert app.code[0].value == (shown if shown[0] == "-" else shown[1:].strip())


def test_the_last_answer_goes_while_a_file_is_read(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    app = give_sample(run_page())
    said: list[str] = []
    caption = DeltaGenerator.caption

    def listen(place: DeltaGenerator, text: str) -> DeltaGenerator:
        said.append(text)
        return caption(place, text)

    monkeypatch.setattr(DeltaGenerator, "caption", listen)
    upload(app, encode_png(handwritten(mnist, "1984")[0]))
    assert said[0] == "Reading the picture …"
    assert "Reading the picture" not in texts(app)
    said.clear()
    app.run()
    assert "Reading the picture …" not in said


def test_a_file_that_the_browser_keeps_back_takes_the_place_of_the_answer() -> None:
    app = give_sample(run_page())
    app.session_state[NUMBERS.key] = OnStage(
        "too large 1", problem=ImageTooLargeError("The file has more than allowed.")
    )
    app.run()
    assert not app.exception
    assert app.error[0].value == "The file has more than allowed."
    assert not app.code


def test_what_is_expected_is_held_to_and_a_wrong_pattern_gets_a_sentence(mnist: Mnist) -> None:
    app = upload(run_page(), encode_png(handwritten(mnist, "1984")[0]))
    app.text_input[0].set_value("####").run()
    assert not app.exception
    assert app.code[0].value == "1984"
    app.text_input[0].set_value("four").run()
    assert not app.exception
    assert "pattern" in app.error[0].value


def test_the_help_on_what_is_expected_shows_patterns_that_are_understood() -> None:
    field = run_page().text_input[0]
    shown = {*re.findall(r"[\d#/+-]+(?<!-)", field.help), *field.placeholder.split(", ")}
    assert {"#", "4", "4-6", "##/##/####"} == shown
    for pattern in shown:
        parse_expectation(pattern)


def test_another_view_of_a_page_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Reading((ReadDigit(2, 0.9, True, (0, 0, 9, 9), 0),), 40, 40, (0.9,), "pen strokes")
    monkeypatch.setattr("digits.app.pages.numbers.read_picture", lambda *_: seen)
    said = "Read in another view of the picture, which shows the digits better: pen strokes."
    assert said in [caption.value for caption in give_sample(run_page()).caption]


def documents(mnist: Mnist, *texts: str) -> dict[str, bytes]:
    """The same pages as a TIFF and as a PDF file."""
    pages = [handwritten(mnist, text)[0] if text else np.full((90, 90), 255, np.uint8) for text in texts]
    first, *others = map(Image.fromarray, pages)
    file = io.BytesIO()
    first.save(file, "PDF", resolution=200, save_all=True, append_images=others)
    return {"tif": tiff_of(*pages), "pdf": file.getvalue()}


def choose_page(app: AppTest, number: int) -> AppTest:
    (button,) = (button for button in app.button if button.label == f"Page {number}")
    button.click().run()
    assert not app.exception
    return app


@pytest.mark.parametrize("kind", ["tif", "pdf"])
def test_the_pages_of_a_document_are_shown_small_and_each_is_read_when_it_is_chosen(mnist: Mnist, kind: str) -> None:
    app = upload(run_page(), documents(mnist, "24", "", "715")[kind])
    assert [button.label for button in app.button if button.label.startswith("Page")] == ["Page 1", "Page 2", "Page 3"]
    assert app.code[0].value == "24"
    assert choose_page(app, 3).code[0].value == "715"
    assert not choose_page(app, 2).code
    assert "No ink was found" in app.error[0].value
    assert choose_page(app, 1).code[0].value == "24"
    upload(app, encode_png(handwritten(mnist, "39")[0]))
    assert app.code[0].value == "39"
    assert not [button for button in app.button if button.label.startswith("Page")]


def test_a_page_of_a_long_document_is_chosen_by_its_number(mnist: Mnist) -> None:
    app = upload(run_page(), documents(mnist, *["7"] * 21, "39")["tif"])
    assert len([button for button in app.button if button.label.startswith("Page")]) == 20
    app.number_input[0].set_value(22).run()
    assert app.code[0].value == "39"
