"""The calls that the app shows, run as a person would paste them, against the real API."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from digits.answers import BatchPrediction
from digits.app.calls import API_URL_VARIABLE, KEY, calls, is_address
from digits.app.last_picture import LastPicture
from digits.recognizer import Recognizer, shipped_model
from scripts.demonstration import draw
from tests.browsing import PATIENCE, STROKES, settled
from tests.conftest import free_port, serve

NAMES = ["curl", "Python", "JavaScript"]


def run_pasted(name: str, text: str, folder: Path) -> dict[str, Any]:
    """What a call prints that is pasted in a folder: at a shell, at Python's prompt, and into a file for Node."""
    (folder / "call.mjs").write_text(text)
    # Playwright brings a Node, so that there is one wherever the tests run.
    node = compute_driver_executable()[0]
    commands = {"curl": ["sh", "-s"], "Python": [sys.executable, "-i", "-q"], "JavaScript": [node, "call.mjs"]}
    done = subprocess.run(commands[name], cwd=folder, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an API that asks for the key of the examples, padded to the length that a key has."""
    server = serve(tmp_path_factory.mktemp("guarded"), DIGITS_API_KEYS=f"page {KEY * 3}")
    try:
        yield server.url
    finally:
        server.stop()


@pytest.mark.parametrize("name", NAMES)
def test_a_call_answers_what_the_app_says_with_a_key_where_one_is_asked(
    name: str, guarded: str, sample: Path, tmp_path: Path
) -> None:
    picture = LastPicture.of(sample.read_bytes())
    (tmp_path / picture.name).write_bytes(picture.file)
    by_name = {call.name: call for call in calls(guarded, picture.name, picture.media_type, with_key=True)}
    answer = run_pasted(name, by_name[name].text.replace(KEY, KEY * 3), tmp_path)
    answer.pop("prediction_time_ms")
    assert answer == BatchPrediction.of(Recognizer.load(shipped_model()).recognize(picture.file)).model_dump(
        exclude_unset=True
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_picture_keeps_the_name_and_type_of_its_format(kind: str) -> None:
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, kind)
    picture = LastPicture.of(file.getvalue())
    assert (picture.name, picture.media_type) == (f"digit.{kind.lower()}", f"image/{kind.lower()}")


def test_a_photo_with_a_second_picture_in_it_goes_by_the_name_of_a_jpeg() -> None:
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "MPO", save_all=True, append_images=[Image.new("L", (8, 8), 9)])
    with Image.open(file) as image:
        assert image.format == "MPO"
    picture = LastPicture.of(file.getvalue())
    assert (picture.name, picture.media_type) == ("digit.jpeg", "image/jpeg")


def test_a_scan_goes_by_the_name_and_type_of_a_pdf_file() -> None:
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "PDF")
    picture = LastPicture.of(file.getvalue())
    assert (picture.name, picture.media_type) == ("digit.pdf", "application/pdf")


@pytest.mark.parametrize("text", ["http://127.0.0.1:8000", "https://digits.example.com/api/", "http://[::1]:8000"])
def test_an_address_is_taken(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["", "127.0.0.1:8000", "file:///etc/passwd", "http://", "http://a b", "http://a?b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not is_address(text)


def test_an_address_cannot_break_out_of_a_call() -> None:
    curl, python, javascript = calls("http://a'\"$(echo b)/", "digit.png", "image/png", with_key=False)
    assert curl.text.endswith("""'http://a'"'"'"$(echo b)/predict/'""")
    for call in (python, javascript):
        assert json.dumps("http://a'\"$(echo b)/predict/") in call.text


def api_page(monkeypatch: pytest.MonkeyPatch, folder: Path, address: str) -> AppTest:
    monkeypatch.chdir(folder)
    monkeypatch.setenv(API_URL_VARIABLE, address)
    app = AppTest.from_string("from digits.app.pages.api import api_page\napi_page()", default_timeout=30).run()
    assert not app.exception
    return app


def test_the_page_shows_the_key_where_the_api_asks_for_one(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = api_page(monkeypatch, tmp_path, guarded)
    assert app.text_input[0].value == guarded
    assert not app.info
    assert app.code[0].value == f'curl -H "X-API-Key: {KEY}" -F file=@digit.png {guarded}/predict/'
    app.checkbox[0].uncheck().run()
    assert app.code[0].value == f"curl -F file=@digit.png {guarded}/predict/"


def test_the_page_says_where_no_api_answers_and_what_is_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = api_page(monkeypatch, tmp_path, f"http://127.0.0.1:{free_port()}")
    assert "nothing answers there yet" in app.info[0].value
    app.text_input[0].set_value("ftp://example.com").run()
    assert app.error[0].value.startswith("This is no address: ftp://example.com.")
    assert not app.code


def test_the_picture_that_was_drawn_is_what_the_page_sends(
    page: Page, app_server: str, api: str, tmp_path: Path
) -> None:
    page.goto(app_server)
    draw(settled(page), STROKES[7])
    expect(page.get_by_role("img", name="Predicted digit: 7")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="API").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download digit.png").click()
    download.value.save_as(tmp_path / download.value.suggested_filename)
    address = page.get_by_label("Address of the API")
    address.fill(api)
    address.press("Enter")
    # Three calls, and the answer.
    shown = page.get_by_test_id("stCode")
    expect(shown.filter(has_text=f"{api}/predict/")).to_have_count(3, timeout=PATIENCE)
    expect(shown).to_have_count(4, timeout=PATIENCE)
    expected = json.loads(shown.last.inner_text())
    assert expected["predicted_digit"] == 7
    for name in NAMES:
        page.get_by_role("tab", name=name).click()
        answer = run_pasted(name, shown.nth(NAMES.index(name)).inner_text(), tmp_path)
        answer.pop("prediction_time_ms")
        assert answer == expected
