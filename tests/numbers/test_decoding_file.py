"""The weights of the decoding belong to a recognizer, and say what is wrong with them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digits.data.mnist import Mnist
from digits.errors import ModelFileError
from digits.model.artifact import read
from digits.numbers import networks as module
from digits.numbers.decoding import FEATURES, RECOGNIZER_FEATURES
from digits.numbers.decoding_file import DecodingFile, read_decoding, shipped_decoding
from digits.numbers.reader import read_picture
from digits.numbers.window_network import Shipped
from digits.recognizer import Recognizer, shipped_model
from tests.pictures import handwritten


def test_the_shipped_weights_were_fitted_for_the_shipped_model() -> None:
    shipped = shipped_decoding()
    digest = read(shipped_model()).card.onnx_sha256
    assert shipped.suits(digest)
    assert shipped.decoding_for(digest) is shipped.fitted
    assert shipped is shipped_decoding()


@pytest.mark.parametrize("digest", ["0" * 64, None])
def test_with_another_model_the_defaults_hold_which_do_not_depend_on_it(digest: str | None) -> None:
    shipped = shipped_decoding()
    assert shipped.decoding_for(digest) is shipped.default
    assert tuple(shipped.default.weights) == FEATURES
    assert all(shipped.default.weights[name] == 0.0 for name in RECOGNIZER_FEATURES)
    assert shipped.default.pool.segment_classifier == shipped.default.pool.recognizer


def test_the_defaults_read_numbers(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = shipped_decoding()
    other = DecodingFile("0" * 64, shipped.fitted, shipped.default)
    monkeypatch.setattr(module, "shipped_decoding", lambda: other)
    assert read_picture(Recognizer.load(shipped_model()), handwritten(mnist, "2024", "715")[0]).text == "2024\n715"


def change(values: dict[str, Any], do: Callable[[dict[str, float]], object]) -> dict[str, Any]:
    do(values["decoding"]["default"]["weights"])
    return values


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (lambda weights: weights.pop("height"), r"has no weight for 'height'\. Fit them anew: python -m"),
        (lambda weights: weights.update(hight=1.0), "has a weight for the unknown feature 'hight'"),
        (lambda weights: weights.update(height=float("nan")), "has nan for 'height'; it must be a finite number"),
        (lambda weights: weights.update(height="tall"), "cannot be read"),
    ],
)
def test_weights_that_are_not_those_of_the_features_are_refused(
    tmp_path: Path, do: Callable[[dict[str, float]], object], message: str
) -> None:
    file = tmp_path / "card.json"
    file.write_text(json.dumps(change(json.loads(Shipped.SEGMENTS.card.read_text()), do)))
    with pytest.raises(ModelFileError, match=rf"card\.json .*{message}"):
        read_decoding(file)


@pytest.mark.parametrize("content", ["{}", "no JSON", "[1]", None])
def test_a_damaged_or_missing_file_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "card.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ModelFileError, match=r"card\.json cannot be read .* Install Digits anew"):
        read_decoding(file)


def test_what_is_read_is_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "card.json"
    file.write_text(json.dumps({"decoding": shipped_decoding().to_json()}))
    assert read_decoding(file) == shipped_decoding()
