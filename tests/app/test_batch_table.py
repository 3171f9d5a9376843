import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from benchmarks.hostile.pdf_files import many_pages
from digits.app.components.batch_table import as_csv
from digits.recognizer import shipped_model
from tests.app.test_recognize import run_app, texts
from tests.conftest import SAMPLES, encode_png
from tests.processes import open_no_more, start_no_more


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)


def upload_all(app: AppTest, files: dict[str, bytes]) -> pd.DataFrame:
    app.file_uploader[0].set_value([(name, data, "image/png") for name, data in files.items()]).run()
    assert not app.exception
    return app.dataframe[0].value


def jpeg(file: Path) -> bytes:
    photo = io.BytesIO()
    Image.open(file).convert("RGB").save(photo, "JPEG")
    return photo.getvalue()


def test_several_pictures_get_a_row_each_in_their_order() -> None:
    app = run_app()
    table = upload_all(app, {file.name: file.read_bytes() for file in SAMPLES})
    assert table["file"].tolist() == [file.name for file in SAMPLES]
    assert table["digit"].tolist() == [int(file.name[0]) for file in SAMPLES]
    assert table["accepted"].all()
    assert ((table["confidence"] > 0.5) & (table["confidence"] < 1.0)).all()
    assert table["picture"].str.startswith("data:image/png;base64,").all()
    assert f"{len(SAMPLES)} of {len(SAMPLES)} accepted" in texts(app)


def test_a_broken_and_a_blank_picture_keep_their_place_and_say_what_is_wrong(sample: Path) -> None:
    blank = encode_png(np.full((60, 60), 255, np.uint8))
    app = run_app()
    table = upload_all(app, {"broken.png": b"only text", "blank.png": blank, "seven.png": sample.read_bytes()})
    assert table["accepted"].tolist() == [False, False, True]
    assert table["digit"].isna().tolist() == [True, True, False]
    assert table["answer"][0].startswith("This is not an image that can be read.")
    assert table["answer"][1].startswith("No ink was found")
    assert table["answer"][2] == "Sure: 7"
    assert "1 of 3 accepted" in texts(app)
    # Streamlit shows "None" where it is given nothing else.
    assert app.dataframe[0].proto.placeholder == "–"


@pytest.mark.parametrize(("code", "shown"), [("en", "99.99%"), ("de", "99,99\u00a0%")])
def test_the_table_writes_numbers_as_the_page_does(
    code: str, shown: str, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The browser would write them in its own language, for which there may be no catalogue.
    monkeypatch.setattr("digits.app.language.language", lambda: code)
    app = run_app()
    upload_all(app, {"broken.png": b"only text", "seven.png": sample.read_bytes()})
    shown_table = app.dataframe[0].proto
    written = pa.ipc.open_stream(shown_table.arrow_data.styler.display_values).read_pandas()
    assert written["confidence"].tolist() == ["–", shown]
    assert "percent" not in shown_table.columns


@pytest.mark.parametrize("lack", [start_no_more, open_no_more])
def test_a_file_for_which_no_process_can_be_started_keeps_its_place(
    lack: Callable[[pytest.MonkeyPatch], None], sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = run_app()
    with monkeypatch.context() as patch:
        lack(patch)
        table = upload_all(app, {"scan.pdf": many_pages(1), "seven.png": sample.read_bytes()})
    assert table["accepted"].tolist() == [False, True]
    assert table["answer"][0].startswith("The picture cannot be read now")
    # When one can be, it is read.
    app.run()
    assert not app.exception
    assert "Try again in a moment" not in app.dataframe[0].value["answer"][0]


@pytest.mark.parametrize("lack", [start_no_more, open_no_more])
def test_a_picture_for_which_no_process_can_be_started_is_read_when_one_can(
    lack: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = run_app()
    with monkeypatch.context() as patch:
        lack(patch)
        app.file_uploader[0].set_value([("scan.pdf", many_pages(1), "application/pdf")]).run()
        assert not app.exception
        assert "Try again in a moment." in texts(app)
    app.run()
    assert not app.exception
    assert "Try again in a moment." not in texts(app)


@pytest.mark.parametrize("start", [*"=+-@\t\r\n＝＋－＠"])
def test_no_cell_of_the_csv_is_a_formula(start: str) -> None:
    name = f'{start}HYPERLINK("http://127.0.0.1", "a").png'
    rows = [{"file": name, "digit": 7, "confidence": 0.99, "accepted": True, "answer": "Sure: 7"}]
    rows.append({"file": "plain=-.png", "digit": None, "confidence": None, "accepted": False, "answer": "@home"})
    table = pd.DataFrame(rows).astype({"digit": "Int64", "confidence": "Float64"})
    text = as_csv(table).decode("utf-8-sig")
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["file"], first["answer"], first["digit"]) == (f"'{name}", "Sure: 7", "7")
    assert (second["file"], second["answer"], second["digit"]) == ("plain=-.png", "'@home", "")
    assert table["file"][0] == name


def test_the_csv_says_that_it_is_utf8_so_that_excel_shows_names_as_they_are() -> None:
    table = pd.DataFrame([{"file": "zażółć.png", "digit": 7}])
    assert as_csv(table) == b"\xef\xbb\xbf" + "file,digit\r\nzażółć.png,7\r\n".encode()


def test_a_second_model_gives_its_opinion_of_each_picture(sample: Path, tmp_path: Path) -> None:
    files = {"seven.png": sample.read_bytes(), "blank.png": encode_png(np.full((60, 60), 255, np.uint8))}
    app = run_app()
    assert "second opinion" not in upload_all(app, files)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mnist_model.keras").write_bytes(shipped_model().read_bytes())
    app.run()
    table = app.dataframe[0].value
    assert table["second opinion"].tolist() == ["Sure: 7", "No answer"]


def test_one_picture_alone_gets_no_table(sample: Path) -> None:
    app = run_app()
    app.file_uploader[0].set_value([("seven.png", sample.read_bytes(), "image/png")]).run()
    assert not app.dataframe
    assert "Predicted digit: 7" in texts(app)


def test_the_camera_is_there_only_once_it_is_opened(sample: Path) -> None:
    app = run_app()
    assert not app.get("camera_input")
    app.button(key="digit open camera").click().run()
    app.camera_input[0].set_value(("photo.jpg", jpeg(sample), "image/jpeg")).run()
    assert not app.exception
    assert "Predicted digit: 7" in texts(app)
    app.session_state["way"] = "Draw"
    app.run()
    assert "Predicted digit: 7" in texts(app)
