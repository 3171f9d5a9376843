import importlib.util
import json
import random
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digits.errors import ModelFileError, ModelNotFoundError
from digits.model.acceptance import Thresholds
from digits.model.artifact import Artifact, read, replace_card, sha256, write
from digits.model.card import Card
from digits.model.engine import Engine
from digits.recognizer import shipped_model
from tests.conftest import ROOT
from tests.model_files import CARD, EXAMPLES, INT8, ONNX, OWN_CARD, SHIPPED, WEIGHTS, repack, with_card


def save_keras(path: Path) -> None:
    """What Keras writes: the shipped model without Digits' members."""
    shutil.move(repack(path.parent, {CARD: None, ONNX: None, INT8: None, EXAMPLES: None}), path)


def make_card(weights_sha256: str, onnx_sha256: str) -> Card:
    return Card(recipe="test", seed=3, temperature=1.5, weights_sha256=weights_sha256, onnx_sha256=onnx_sha256)


@pytest.fixture
def without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("keras", "tf2onnx") else find(name, package)

    monkeypatch.setattr("digits.model.artifact.importlib.util.find_spec", find_spec)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "model.keras"
    card = write(path, save_keras, b"a graph", make_card)
    assert read(path) == Artifact(path, card, b"a graph")
    assert (card.recipe, card.onnx_sha256) == ("test", sha256(b"a graph"))
    assert list(path.parent.iterdir()) == [path]


def test_the_file_is_still_what_keras_wrote_and_more(tmp_path: Path) -> None:
    write(tmp_path / "model.keras", save_keras, b"a graph", make_card)
    save_keras(tmp_path / "plain.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as ours, zipfile.ZipFile(tmp_path / "plain.keras") as plain:
        assert set(ours.namelist()) - set(plain.namelist()) == {CARD, ONNX}
        assert all(ours.read(name) == plain.read(name) for name in plain.namelist())


def test_a_card_survives_json() -> None:
    card = Card.from_json(OWN_CARD)
    assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card
    assert card.test_accuracy == OWN_CARD["metrics"]["test"]["accuracy"]


def test_a_cards_unknown_members_are_ignored() -> None:
    assert Card.from_json(OWN_CARD | {"license": "MIT"}) == Card.from_json(OWN_CARD)


@pytest.mark.parametrize(("member", "what"), [(WEIGHTS, "weights"), (ONNX, "ONNX graph")])
def test_a_changed_member_is_refused_by_name(tmp_path: Path, member: str, what: str) -> None:
    with pytest.raises(ModelFileError, match=f"its {what} do not match its card"):
        read(repack(tmp_path, {member: b"something else"}))


@pytest.mark.parametrize("name", ["weights_sha256", "onnx_sha256"])
@pytest.mark.parametrize("digest", ["0" * 64, ""])
def test_a_card_of_another_model_is_refused(tmp_path: Path, name: str, digest: str) -> None:
    with pytest.raises(ModelFileError, match="do not match its card"):
        read(with_card(tmp_path, **{name: digest}))


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_another_format_version_is_refused_with_both_numbers(tmp_path: Path, version: object) -> None:
    with pytest.raises(ModelFileError, match=f"format version {version}; this version of Digits reads 1"):
        read(with_card(tmp_path, format_version=version))


@pytest.mark.parametrize(
    "temperature", [0, -1.5, float("nan"), float("inf"), "1.5", None, 10**400], ids=lambda value: repr(value)[:6]
)
def test_a_temperature_that_is_no_positive_number_is_refused(tmp_path: Path, temperature: object) -> None:
    with pytest.raises(ModelFileError, match="temperature"):
        read(with_card(tmp_path, temperature=temperature))


@pytest.mark.parametrize(
    "thresholds",
    [5, None, [], {"confidence": 1.5}, {"digit": "high"}, {"digit": float("nan")}, {"certainty": 0.5}],
    ids=repr,
)
def test_thresholds_that_are_none_are_refused(tmp_path: Path, thresholds: object) -> None:
    with pytest.raises(ModelFileError, match=r"the card's thresholds (is|are) .* train a new one"):
        read(with_card(tmp_path, thresholds=thresholds))


def test_a_card_keeps_its_thresholds_and_what_they_refuse(tmp_path: Path) -> None:
    thresholds, rejection = {"confidence": 0.75, "digit": 0.875}, {"test_digits": 0.01}
    card = read(with_card(tmp_path, thresholds=thresholds, rejection=rejection)).card
    assert (card.thresholds, card.rejection) == (thresholds, rejection)


def test_a_card_from_before_there_were_thresholds_gets_the_usual_ones(tmp_path: Path) -> None:
    old = {name: value for name, value in OWN_CARD.items() if name not in ("thresholds", "rejection")}
    card = read(repack(tmp_path, {CARD: json.dumps(old).encode()})).card
    assert Thresholds(**card.thresholds) == Thresholds()
    assert card.rejection == {}


@pytest.mark.parametrize("rejection", [3, None, []])
def test_a_rejection_that_is_no_object_is_refused(tmp_path: Path, rejection: object) -> None:
    with pytest.raises(ModelFileError, match=r"the card's rejection is .*, not an object"):
        read(with_card(tmp_path, rejection=rejection))


@pytest.mark.parametrize("metrics", [5, {"test": 5}, {"test": {"accuracy": "high"}}])
def test_a_card_whose_metrics_are_not_metrics_is_refused(tmp_path: Path, metrics: object) -> None:
    with pytest.raises(ModelFileError):
        read(with_card(tmp_path, metrics=metrics))


@pytest.mark.parametrize("card", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_card_that_is_not_a_json_object_is_refused(tmp_path: Path, card: bytes) -> None:
    with pytest.raises(ModelFileError, match="cannot be used"):
        read(repack(tmp_path, {CARD: card}))


@pytest.mark.parametrize("length", [0, 10, 1000, len(SHIPPED) // 2, len(SHIPPED) - 30])
def test_a_truncated_file_is_refused_with_a_way_out(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.keras"
    path.write_bytes(SHIPPED[:length])
    with pytest.raises(ModelFileError, match=r"cut.keras cannot be used: .* train a new one with python train.py"):
        read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"not a zip", "damaged or not a .keras file"), (b"\x89HDF\r\n\x1a\n" + bytes(100), "it is an HDF5 file")],
    ids=["text", "hdf5"],
)
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(ModelFileError, match=said):
        read(tmp_path / "model.keras")


def test_a_zip_that_is_no_keras_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"it has no model.weights.h5, so it is not a Keras 3 file"):
        read(repack(tmp_path, {WEIGHTS: None, ONNX: None}))


def test_a_file_that_has_lost_its_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"its weights do not match its card \(expected .*, found none\)"):
        read(repack(tmp_path, {WEIGHTS: None}))


def test_a_network_without_a_keras_form_is_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    card = write(path, None, b"a graph", make_card)
    assert read(path) == Artifact(path, card, b"a graph")
    assert card.weights_sha256 == ""
    replace_card(path, replace(card, temperature=2.0))
    assert read(path).card.temperature == 2.0


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="Is a directory"):
        read(tmp_path)


def test_a_missing_file_is_not_found_and_says_how_to_train_one(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"There is no model file .*none.keras. .* python train.py"):
        read(tmp_path / "none.keras")


# Damage anywhere, and often in the zip's directory and the two compressed members at the end.
positions = st.integers(0, len(SHIPPED) - 1) | st.integers(len(SHIPPED) - 3000, len(SHIPPED) - 1)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(positions, st.binary(min_size=1, max_size=20)), min_size=1, max_size=3))
def test_a_damaged_file_is_refused_or_gives_the_very_same_network(
    tmp_path: Path, without_keras: None, damage: list[tuple[int, bytes]]
) -> None:
    data = bytearray(SHIPPED)
    for at, content in damage:
        data[at : at + len(content)] = content[: len(data) - at]
    (tmp_path / "damaged.keras").write_bytes(data)
    try:
        artifact = read(tmp_path / "damaged.keras")
    except ModelFileError:
        return
    assert sha256(artifact.onnx) == OWN_CARD["onnx_sha256"]


def test_a_file_from_elsewhere_without_keras_says_what_to_run(tmp_path: Path, without_keras: None) -> None:
    with pytest.raises(
        ModelFileError, match=r"made outside Digits. Convert it once, with digits convert .*to install it: "
    ):
        read(repack(tmp_path, {CARD: None, ONNX: None}))


@pytest.mark.parametrize("missing", [CARD, ONNX])
def test_a_file_that_has_lost_a_part_is_refused_not_converted(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ModelFileError, match=f"damaged .* no item named '{missing}'"):
        read(repack(tmp_path, {missing: None}))


def test_a_file_from_elsewhere_is_converted_by_keras(tmp_path: Path) -> None:
    save_keras(tmp_path / "foreign.keras")
    artifact = read(tmp_path / "foreign.keras")
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    assert np.allclose(Engine(artifact.onnx)(images), Engine(read(shipped_model()).onnx)(images), atol=1e-4)
    assert (artifact.card.recipe, artifact.card.temperature) == ("unknown", 1.0)
    assert artifact.card.parameters == OWN_CARD["parameters"]


def test_reading_a_file_from_elsewhere_loads_no_tensorflow(tmp_path: Path) -> None:
    save_keras(tmp_path / "foreign.keras")
    code = (
        "import sys; from pathlib import Path; from digits.model.artifact import read; "
        "print(len(read(Path(sys.argv[1])).onnx) > 0, 'tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "foreign.keras")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == ["True", "False"]


def test_code_in_a_model_file_is_not_run(tmp_path: Path) -> None:
    from digits.training.keras_install import require_keras

    require_keras()
    import keras

    # A Lambda layer carries Python bytecode, which could do anything once it was loaded.
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Lambda(lambda x: x[:, :10]),
            keras.layers.Softmax(),
        ]
    )
    model(np.zeros((1, 28, 28), np.float32))
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(ModelFileError, match=r"its layer .lambda. \(Lambda\) holds code, which is never run here"):
        read(tmp_path / "lambda.keras")


class Interrupted(BaseException):
    """As KeyboardInterrupt, which pytest would take for itself."""


def halfway(path: Path) -> None:
    path.write_bytes(b"half of")
    raise Interrupted


def no_card(weights_sha256: str, onnx_sha256: str) -> Card:
    raise Interrupted


@pytest.mark.parametrize(("save", "make"), [(halfway, make_card), (save_keras, no_card)], ids=["Keras", "card"])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, save: Any, make: Any) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(SHIPPED)
    with pytest.raises(Interrupted):
        write(path, save, b"a graph", make)
    assert path.read_bytes() == SHIPPED
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import shutil, sys
from pathlib import Path
from digits.model.artifact import write
from digits.model.card import Card
path, keras, onnx = Path(sys.argv[1]), Path(sys.argv[2]), bytes(300_000)
while True:
    write(path, lambda part: shutil.copy(keras, part), onnx, lambda w, o: Card(weights_sha256=w, onnx_sha256=o))
    print("written", flush=True)
"""


def test_a_kill_at_any_moment_of_a_write_leaves_a_whole_file(tmp_path: Path) -> None:
    path, keras = tmp_path / "model.keras", tmp_path / "plain.keras"
    save_keras(keras)
    moments = random.Random(0)
    for _ in range(8):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, keras], cwd=ROOT, stdout=subprocess.PIPE)
        with writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"written\n"
            time.sleep(moments.uniform(0.0, 0.03))
            writer.kill()
        assert read(path).onnx == bytes(300_000)
