import hashlib
import json

import numpy as np
import pytest

from digits.arrays import CLASSES
from digits.data.mnist import Mnist
from digits.errors import ModelFileError
from digits.numbers.segments.windows import SIDE
from digits.numbers.signs.classifier import SignClassifier, shipped_sign_classifier, sign_classifier_files
from digits.numbers.signs.kinds import SIGN_CLASSES, SIGNS
from digits.synthetic.pages import Page, write_numbers
from digits.synthetic.sums import write_sums
from digits.synthetic.symbols import draw_symbols
from digits.training.segmenter.sign_dataset import draw_chunk, target_of
from digits.training.segmenter.signs import measure_network


def test_the_shipped_files_belong_together_and_say_how_they_were_made(mnist: Mnist) -> None:
    network, card = sign_classifier_files()
    values = json.loads(card.read_text())
    assert network.stat().st_size < 500_000
    assert values["onnx_sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()
    assert values["data"] == mnist.digest
    assert {"seed", "windows", "epochs", "libraries", "held_out"} <= set(values)
    assert shipped_sign_classifier() is shipped_sign_classifier()


def test_it_gives_probabilities_however_many_windows_there_are() -> None:
    classifier = shipped_sign_classifier()
    windows = np.random.default_rng(0).integers(0, 256, (150, SIDE, SIDE, 2), dtype=np.uint8)
    probabilities = classifier(windows)
    assert probabilities.shape == (150, SIGN_CLASSES)
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4)
    assert np.allclose(probabilities[100:103], classifier(windows[100:103]), atol=1e-5)
    assert classifier(windows[:0]).shape == (0, SIGN_CLASSES)


def test_it_tells_digits_from_signs_and_names_these(mnist: Mnist) -> None:
    windows, targets = draw_chunk(mnist.x_test, mnist.y_test, 5, 0, count=300)
    assert windows.shape == (300, SIDE, SIDE, 2)
    measured = measure_network(shipped_sign_classifier(), windows, targets)
    assert measured["auroc_digit"] > 0.97
    assert measured["accuracy"] > 0.85
    assert measured["accuracy_signs"] > 0.8


def test_what_is_right_for_a_sign_that_is_not_known_is_any_that_is_no_digit(mnist: Mnist) -> None:
    symbols = draw_symbols(5, np.random.default_rng(0))
    (number,) = write_numbers(Page(signs=1.0), mnist.x_test, mnist.y_test, 1, 0, symbols)
    (written,) = write_sums(Page(), mnist.x_test, mnist.y_test, 1, 8)
    owner = number.labels.index(None)
    assert target_of(number, owner)[CLASSES:].all()
    assert not target_of(number, owner)[:CLASSES].any()
    for owner, (label, sign) in enumerate(zip(written.labels, written.signs, strict=True)):
        (right,) = np.flatnonzero(target_of(written, owner))
        expected = label if sign is None else CLASSES + SIGNS.index(sign) if sign in SIGNS else SIGN_CLASSES - 1
        assert right == expected


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ModelFileError, match="ONNX Runtime cannot load the network"):
        SignClassifier(b"no network")
