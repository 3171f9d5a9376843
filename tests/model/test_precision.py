"""The int8 form of a model: when it answers, and what it answers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.errors import ModelFileError, SettingError
from digits.model import engine
from digits.model.artifact import Artifact, read, replace_card
from digits.model.engine import Precision
from digits.numbers.decoding_file import shipped_decoding
from digits.recognizer import Recognizer, shipped_model
from tests.conftest import SAMPLES
from tests.model_files import CARD, INT8, OWN_CARD, repack, with_card

FIT = "processor : 0\nflags\t\t: fpu avx2 {} sse\n"


@pytest.fixture
def cpu_info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in which Linux says that the processor has AVX-512 VNNI."""
    file = tmp_path / "cpuinfo"
    file.write_text(FIT.format("avx512_vnni"))
    monkeypatch.setattr(engine, "_CPU_INFO", file)
    return file


def test_int8_answers_where_the_model_has_it_and_the_processor_is_fit(cpu_info: Path) -> None:
    recognizer = Recognizer.load(shipped_model(), precision="int8")
    assert (recognizer.precision, recognizer.notes) == ("int8", [])
    assert recognizer.card.thresholds == OWN_CARD["int8"]["thresholds"]
    assert recognizer.card.temperature == OWN_CARD["int8"]["temperature"]
    assert recognizer.card.test_accuracy == OWN_CARD["int8"]["test"]["accuracy"]
    assert recognizer.description.endswith(", computes in int8)")
    for file in SAMPLES:
        answer = recognizer.recognize(file.read_bytes())
        assert (answer.digit, answer.accepted) == (int(file.stem[0]), True)


def test_float32_answers_unless_int8_is_asked_for(cpu_info: Path) -> None:
    recognizer = Recognizer.load(shipped_model())
    assert (recognizer.precision, recognizer.notes) == ("float32", [])
    assert recognizer.card.temperature == OWN_CARD["temperature"]


@pytest.mark.parametrize(("flags", "fit"), [("avx512_vnni", True), ("avx_vnni", True), ("avx512f", False)])
def test_the_processor_is_fit_if_it_has_the_instructions(cpu_info: Path, flags: str, fit: bool) -> None:
    cpu_info.write_text(FIT.format(flags))
    assert engine.has_int8_instructions() == fit


@pytest.mark.parametrize("text", [None, "", "Features : asimd asimddp\n"], ids=["no file", "empty", "ARM"])
def test_a_processor_of_which_nothing_is_known_answers_in_float32_and_says_why(
    cpu_info: Path, text: str | None
) -> None:
    cpu_info.unlink() if text is None else cpu_info.write_text(text)
    recognizer = Recognizer.load(shipped_model(), precision="int8")
    assert recognizer.precision == "float32"
    assert recognizer.digest == Recognizer.load(shipped_model()).digest
    (note,) = recognizer.notes
    assert note.startswith("The model answers in float32, and not in int8 as asked: this processor")


def test_a_model_without_the_form_answers_in_float32_and_says_how_to_add_it(tmp_path: Path, cpu_info: Path) -> None:
    recognizer = Recognizer.load(without_int8(tmp_path), precision="int8")
    assert recognizer.precision == "float32"
    assert recognizer.notes[0].endswith("this adds one: digits model quantize changed.keras.")


def test_auto_is_int8_only_where_that_costs_no_accuracy(tmp_path: Path, cpu_info: Path) -> None:
    assert Recognizer.load(shipped_model(), precision="auto").precision == "int8"
    int8 = OWN_CARD["int8"]
    better, worse = (
        int8 | {"test": int8["test"] | {"accuracy": OWN_CARD["metrics"]["test"]["accuracy"] + more}}
        for more in (1e-4, -1e-4)
    )
    assert Recognizer.load(with_card(tmp_path, int8=better), precision="auto").precision == "int8"
    assert Recognizer.load(with_card(tmp_path, int8=worse), precision="int8").precision == "int8"
    for file in with_card(tmp_path, int8=worse), without_int8(tmp_path):
        recognizer = Recognizer.load(file, precision="auto")
        assert (recognizer.precision, recognizer.notes) == ("float32", [])
    cpu_info.write_text(FIT.format("avx512f"))
    recognizer = Recognizer.load(shipped_model(), precision="auto")
    assert (recognizer.precision, recognizer.notes) == ("float32", [])


def without_int8(folder: Path) -> Path:
    return repack(folder, {INT8: None, CARD: json.dumps(OWN_CARD | {"int8": None}).encode()})


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(SettingError, match="no precision 'int4'; there are float32 and int8, and auto, which chooses"):
        Recognizer.load(shipped_model(), precision=cast("Precision", "int4"))


def test_a_form_changes_no_digest_of_float32_and_has_one_of_its_own(tmp_path: Path, cpu_info: Path) -> None:
    model = read(shipped_model())
    assert read(without_int8(tmp_path)).digest == model.digest
    form, _, _ = model.in_precision("int8")
    assert form.digest != model.digest
    assert form.digest != replace(form, card=replace(form.card, temperature=2.0)).digest


def test_numbers_are_read_with_the_weights_of_the_model(cpu_info: Path) -> None:
    assert shipped_decoding().suits(Recognizer.load(shipped_model(), precision="int8").card.onnx_sha256)


@pytest.mark.skipif(not engine.has_int8_instructions(), reason="this processor does not answer in int8")
def test_the_test_images_are_read_as_the_card_says(mnist: Mnist, cpu_info: Path) -> None:
    float32, int8 = (
        np.concatenate([recognizer.classify(images) for images in np.array_split(mnist.x_test, 20)])
        for recognizer in (Recognizer.load(shipped_model(), precision=precision) for precision in engine.PRECISIONS)
    )
    stated = OWN_CARD["int8"]
    assert abs(float((int8.argmax(axis=1) == mnist.y_test).mean()) - stated["test"]["accuracy"]) <= 2e-4
    changed = int((int8.argmax(axis=1) != float32.argmax(axis=1)).sum())
    assert changed <= stated["changed"]["digits"] + 2
    assert changed <= 10
    assert np.abs(int8 - float32).mean() < 0.001


@pytest.mark.parametrize("content", [None, b"another graph"], ids=["lost", "changed"])
def test_a_file_whose_form_is_not_that_of_its_card_is_refused(tmp_path: Path, content: bytes | None) -> None:
    with pytest.raises(ModelFileError, match="its int8 form do not match its card"):
        read(repack(tmp_path, {INT8: content}))


@pytest.mark.parametrize(
    ("int8", "said"),
    [
        (5, "the card's int8 is 5, not an object"),
        ({}, "the card's int8 is {}, not an object with"),
        (OWN_CARD["int8"] | {"temperature": 0}, "of the int8 form, the card's temperature is 0"),
        (OWN_CARD["int8"] | {"thresholds": {"confidence": 2}}, "of the int8 form, the card's thresholds are"),
        (OWN_CARD["int8"] | {"test": 5}, "of the int8 form, the card's test metrics are 5"),
    ],
)
def test_a_card_whose_form_cannot_be_used_is_refused(tmp_path: Path, int8: Any, said: str) -> None:
    with pytest.raises(ModelFileError, match=said):
        read(with_card(tmp_path, int8=int8))


def test_a_new_card_drops_or_keeps_the_form_with_what_it_says(tmp_path: Path) -> None:
    path = repack(tmp_path, {})
    model = read(path)
    replace_card(path, replace(model.card, temperature=2.0), model.int8)
    assert read(path) == Artifact(path, replace(model.card, temperature=2.0), model.onnx, model.int8)
    replace_card(path, replace(model.card, int8=None))
    assert read(path).int8 is None
