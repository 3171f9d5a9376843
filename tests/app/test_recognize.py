import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from digits.app.pages.recognize import STAGE
from digits.app.stage import OnStage
from digits.errors import ImageTooLargeError
from digits.model.artifact import read
from digits.recognizer import Recognizer, shipped_model
from tests.conftest import ROOT, SAMPLES, encode_png
from tests.model_files import OWN_CARD, with_card
from tests.pictures import side_by_side, tiff_of


@pytest.fixture(autouse=True)
def no_trained_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)
    monkeypatch.delenv("DIGITS_FEEDBACK", raising=False)


def run_app() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not app.exception
    return app


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, data, "image/png")).run()
    assert not app.exception
    return app


def give_sample(app: AppTest, digit: int) -> AppTest:
    """Puts the sample of a digit on the stage, as a click on it does."""
    (file,) = (file for file in SAMPLES if file.name.startswith(str(digit)))
    app.session_state[STAGE.key] = OnStage(f"sample {digit}", file.read_bytes())
    app.run()
    assert not app.exception
    return app


def data_of(app: AppTest, component: str) -> dict[str, Any]:
    """What one of the app's own components is given."""
    for element in app.get("bidi_component"):
        if element.proto.component_name.startswith(f"digits_{component}_"):
            data = json.loads(element.proto.json)
            assert isinstance(data, dict)
            return data
    return {}


def texts(app: AppTest) -> str:
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.error, app.warning, app.info)
    spoken = [element.proto.body for element in app.get("html")]
    answer = [str(value) for value in data_of(app, "answer").values()]
    return "\n".join([element.value for kind in kinds for element in kind] + spoken + answer)


def test_it_says_which_model_reads_and_how_good_it_is() -> None:
    card = read(shipped_model()).card
    line = f"Reads with the model that ships with Digits (recipe {card.recipe}, test accuracy {card.test_accuracy:.2%})"
    assert line in texts(run_app())


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_a_sample_is_read(file: Path) -> None:
    app = give_sample(run_app(), int(file.name[0]))
    assert f"Predicted digit: {file.name[0]}" in texts(app)
    assert re.search(rf"Sure: {file.name[0]}|Probably {file.name[0]}, perhaps", texts(app))
    assert data_of(app, "answer")["confidence"].endswith("%")


def test_what_is_no_digit_is_called_none() -> None:
    picture = np.full((200, 200), 255, np.uint8)
    for start, end in (((20, 30), (60, 170)), ((60, 170), (100, 60)), ((100, 60), (140, 170)), ((140, 170), (180, 30))):
        cv2.line(picture, start, end, 0, 12)
    app = upload(run_app(), "w.png", encode_png(picture))
    shown = texts(app)
    assert "This does not look like a digit" in shown
    assert "Its shape is unlike the digits that the network was trained on." in shown
    assert "Predicted digit" not in shown
    assert data_of(app, "answer")["confidence"] == ""


def test_an_unsure_answer_names_the_two_digits_it_may_be(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No network is as sure as this.
    monkeypatch.setenv("DIGITS_MODEL", str(with_card(tmp_path, thresholds={"confidence": 1.0, "digit": 0.0})))
    assert "Not sure: perhaps 7, perhaps" in texts(upload(run_app(), "seven.png", sample.read_bytes()))


def test_several_digits_are_counted_and_the_page_that_reads_them_is_offered() -> None:
    picture = encode_png(side_by_side("5_marker", "2_blue_pen"))
    app = upload(run_app(), "two.png", picture)
    assert "2 digits were seen in this picture" in texts(app)
    # What programs use instead is none of a visitor's business.
    assert app.error[0].value == "Crop it to the digit that you mean."
    assert app.button(key="to numbers").label == "Read all digits"


def drawing_of(app: AppTest, drawing: npt.NDArray[np.uint8]) -> AppTest:
    """Puts a drawing on the stage, as the last stroke of it does."""
    app.session_state[STAGE.key] = OnStage(file=encode_png(drawing))
    app.run()
    assert not app.exception
    return app


def test_a_drawing_gets_no_advice_for_photos() -> None:
    scribble = np.full((280, 280), 255, np.uint8)
    cv2.polylines(scribble, [np.array([(140, 140), (142, 149), (145, 143), (147, 149), (149, 140)])], False, 0, 1)
    photo = upload(run_app(), "scribble.png", encode_png(scribble)).warning[0].value
    assert "Go closer" in photo
    assert "The writing is faint." in photo
    small = drawing_of(run_app(), scribble).warning[0].value
    assert small.startswith("- The digit is small. Draw it larger.\n")
    assert "Go closer" not in small
    assert "The writing is faint." not in small
    two = drawing_of(run_app(), side_by_side("5_marker", "2_blue_pen"))
    assert data_of(two, "answer")["sentence"] == "2 digits were seen, and one is expected"
    assert two.error[0].value == "Draw one at a time."
    assert two.button(key="to numbers").label == "Read all digits"


def test_an_upload_is_read_and_replaces_a_sample(sample: Path) -> None:
    app = give_sample(run_app(), 4)
    assert "Predicted digit: 4" in texts(app)
    upload(app, "seven.png", sample.read_bytes())
    assert "Predicted digit: 7" in texts(app)
    assert "Predicted digit: 4" not in texts(app)


@pytest.mark.parametrize(
    ("data", "message", "what_to_do"),
    [
        (b"only text", "This is not an image that can be read.", "Use a PNG"),
        (b"", "The file is empty (0 bytes).", "Choose an image file"),
        (SAMPLES[0].read_bytes()[:3000], "The image file is damaged or cut off", "Save or photograph it again"),
    ],
    ids=["text", "empty", "truncated"],
)
def test_a_broken_file_gets_a_sentence_not_a_trace(data: bytes, message: str, what_to_do: str) -> None:
    app = upload(run_app(), "broken.png", data)
    sentence = data_of(app, "answer")["sentence"]
    assert sentence.startswith(message.rstrip("."))
    # What is wrong is said once; the box says what to do.
    assert app.error[0].value.startswith(what_to_do)
    assert sentence not in app.error[0].value
    assert not app.warning
    assert "Predicted digit" not in texts(app)


def test_another_file_of_an_upload_of_several_takes_the_place_of_the_first_on_the_stage() -> None:
    app, names = run_app(), []
    for file in (SAMPLES[0].read_bytes(), b"only text", SAMPLES[1].read_bytes()):
        app.session_state[STAGE.key] = OnStage("uploads 1", file)
        app.run()
        names.append(data_of(app, "canvas")["picture"]["name"])
    # The browser shows a picture whose name it does not show yet.
    assert len(set(names)) == 3


def test_a_doubtful_answer_has_a_yellow_box_and_a_refused_picture_a_red_one() -> None:
    blank = encode_png(np.full((60, 60), 255, np.uint8))
    scribble = np.full((200, 200), 255, np.uint8)
    cv2.polylines(scribble, [np.array([(20, 30), (60, 170), (100, 60), (140, 170), (180, 30)])], False, 0, 12)
    for boxes, picture in (((0, 1), blank), ((1, 0), encode_png(scribble))):
        app = upload(run_app(), "picture.png", picture)
        assert (len(app.warning), len(app.error)) == boxes


def test_a_file_that_the_browser_keeps_back_takes_the_place_of_the_answer() -> None:
    app = give_sample(run_app(), 4)
    problem = ImageTooLargeError("The file has more bytes than allowed. Use a smaller image.")
    app.session_state[STAGE.key] = OnStage("too large 1", problem=problem)
    app.run()
    assert not app.exception
    assert data_of(app, "answer")["sentence"] == "The file has more bytes than allowed"
    assert app.error[0].value == "Use a smaller image."
    assert "Predicted digit: 4" not in texts(app)


def test_a_missing_model_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_MODEL", "nowhere.keras")
    app = run_app()
    assert app.error[0].value.startswith("There is no model file nowhere.keras. Name one that exists")


def test_a_model_that_is_retrained_is_picked_up_without_a_restart(tmp_path: Path) -> None:
    app = run_app()
    assert "the model that ships" in texts(app)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mnist_model.keras").write_bytes(shipped_model().read_bytes())
    app.run()
    assert "Reads with models/mnist_model.keras" in texts(app)


def test_a_faint_digit_cut_off_at_the_edge_gets_told_so_and_what_to_try() -> None:
    picture = np.full((200, 200), 255, np.uint8)
    cv2.line(picture, (0, 30), (199, 190), 225, 12)
    cv2.line(picture, (0, 150), (150, 0), 225, 12)
    shown = texts(upload(run_app(), "faint.png", encode_png(picture)))
    assert "The writing is faint. Press harder" in shown
    assert "cut off at the edge of the picture. Leave some room" in shown


def test_the_map_of_what_spoke_for_the_digit_is_drawn_only_when_it_is_opened() -> None:
    app = give_sample(run_app(), 7)
    assert "spoke for 7" not in texts(app)
    app.session_state["why"] = True
    app.run()
    assert not app.exception
    assert "spoke for 7" in texts(app)


def test_a_digit_is_explained_once_and_not_at_every_rerun(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(recognizer: Recognizer, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        asked.append(len(images))
        return classify(recognizer, images)

    classify = Recognizer.classify
    monkeypatch.setattr(Recognizer, "classify", counted)
    st.cache_data.clear()
    app = run_app()
    app.session_state["why"] = True
    give_sample(app, 7)
    first = sum(asked)
    app.run()
    assert first > 28 * 28 > sum(asked) - first
    # Another digit is another question.
    give_sample(app, 4)
    assert sum(asked) - first > 28 * 28


def test_two_models_can_be_picked_between_and_each_gives_its_opinion_of_the_others_answer(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mnist_model.keras").write_bytes(shipped_model().read_bytes())
    app = give_sample(run_app(), 7)
    assert "Second opinion: the model that ships with Digits reads a 7, too" in texts(app)
    app.selectbox(key="model").set_value("the model that ships with Digits").run()
    assert "Reads with the model that ships" in texts(app)
    assert "Second opinion: models/mnist_model.keras reads a 7, too" in texts(app)


def test_models_that_disagree_are_said_to(tmp_path: Path, sample: Path) -> None:
    (tmp_path / "models").mkdir()
    with_card(tmp_path, thresholds={"confidence": 1.0, "digit": 0.0}).rename(tmp_path / "models" / "mnist_model.keras")
    app = upload(run_app(), "seven.png", sample.read_bytes())
    assert "The models disagree: the model that ships with Digits reads a 7" in texts(app)


def test_a_small_shape_in_a_large_photo_is_told_its_size_in_the_photos_pixels() -> None:
    picture = np.full((3000, 4000), 255, np.uint8)
    cv2.polylines(
        picture, [np.array([[2000, 1500], [2025, 1600], [2050, 1535], [2075, 1600], [2100, 1500]])], False, 0, 8
    )
    shown = texts(upload(run_app(), "w.png", encode_png(picture)))
    assert re.search(r"The digit is only 1\d\d pixels large, of 4000\. Go closer, or crop", shown)
    assert "faint" not in shown


def test_where_noise_hides_the_ink_the_page_says_so() -> None:
    noise = np.random.default_rng(0).normal(128.0, 60.0, (200, 200))
    shown = texts(upload(run_app(), "noise.png", encode_png(np.clip(noise, 0, 255).astype(np.uint8))))
    assert "No ink was found" in shown
    assert "The picture is grainy. Give it more light" in shown


def test_a_model_worse_than_the_one_that_ships_is_said_to_be_and_the_other_one_is_offered(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    metrics = OWN_CARD["metrics"] | {"test": OWN_CARD["metrics"]["test"] | {"accuracy": 0.9771}}
    with_card(tmp_path, metrics=metrics).rename(tmp_path / "models" / "mnist_model.keras")
    app = run_app()
    assert "models/mnist_model.keras reads 97.71% of the test images correctly; the model that ships" in texts(app)
    shipped = f"{OWN_CARD['metrics']['test']['accuracy']:.2%}"
    assert [option.split(" · ")[1] for option in app.selectbox(key="model").options] == ["97.71%", shipped]
    app.button(key="use shipped").click().run()
    assert not app.exception
    assert "Reads with the model that ships" in texts(app)
    assert app.selectbox(key="model").value == "the model that ships with Digits"
    assert "97.71% of the test images" not in texts(app)


def test_a_small_sign_beside_a_digit_is_said_to_be_left_out() -> None:
    picture = np.full((300, 300), 255, np.uint8)
    curve = [(70, 90), (100, 50), (150, 50), (170, 100), (70, 230), (190, 230)]
    cv2.polylines(picture, [np.array(curve)], False, 0, 16)
    alone = upload(run_app(), "two.png", encode_png(picture))
    assert "Predicted digit: 2" in texts(alone)
    assert "left out" not in texts(alone)
    cv2.line(picture, (222, 160), (222, 235), 0, 14)
    app = upload(run_app(), "two.png", encode_png(picture))
    assert "Predicted digit: 2" in texts(app)
    assert "Beside the 2 is a smaller sign, perhaps a 1, which was left out." in texts(app)
    assert app.button(key="to numbers").label == "Read all digits"


@pytest.mark.parametrize("digit", [0, 2, 3, 4, 5, 7, 8])
def test_nothing_is_said_to_be_left_out_of_a_digit_alone(digit: int) -> None:
    assert "left out" not in texts(give_sample(run_app(), digit))


def test_the_page_of_a_document_that_is_read_names_the_page_that_reads_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seven = cv2.imread(str(ROOT / "digits" / "samples" / "7_stylus.png"), cv2.IMREAD_GRAYSCALE)
    assert seven is not None
    for code, sentence in (
        ("en", 'This is page 1 of 2. The page "Numbers" reads the others.'),
        ("de", "Das ist Seite 1 von 2. Die Seite „Zahlen“ liest die anderen."),
    ):
        monkeypatch.setattr("digits.app.language.language", lambda code=code: code)
        app = upload(run_app(), "two.tif", tiff_of(seven.astype(np.uint8), seven.astype(np.uint8)))
        assert sentence in texts(app)


def test_a_drawing_that_goes_on_is_answered_and_the_rest_of_the_page_waits_for_its_end(sample: Path) -> None:
    app = run_app()
    for live in (True, False):
        app.session_state[STAGE.key] = OnStage(file=sample.read_bytes(), live=live)
        app.run()
        assert not app.exception
        assert "Predicted digit: 7" in texts(app)
        assert data_of(app, "answer")["live"] is live
        assert ("Yes, a 7" in [button.label for button in app.button]) is not live
