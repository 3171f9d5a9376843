"""The two small networks that look at windows of a line, and the files that they ship in."""

import hashlib
import json
from typing import Any

import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.errors import ModelFileError
from digits.numbers.segments.windows import CHANNELS, SIDE
from digits.numbers.signs.kinds import SIGN_CLASSES
from digits.numbers.window_network import SEGMENT_CLASSES, Shipped, WindowNetwork, shipped_network


def how_it_was_made(shipped: Shipped) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(shipped.card.read_text())
    return dict(card["network"]) if shipped is Shipped.SEGMENTS else card


@pytest.mark.parametrize("shipped", list(Shipped))
def test_the_shipped_files_belong_together_and_say_how_they_were_made(mnist: Mnist, shipped: Shipped) -> None:
    made = how_it_was_made(shipped)
    assert shipped.network.stat().st_size < 600_000
    assert made["onnx_sha256"] == hashlib.sha256(shipped.network.read_bytes()).hexdigest()
    assert made["data"] == mnist.digest
    assert {"seed", "windows", "epochs", "libraries", "held_out"} <= set(made)
    assert shipped_network(shipped) is shipped_network(shipped)


def test_the_card_of_the_segment_classifier_says_how_the_decoding_was_fitted() -> None:
    assert {"seed", "numbers", "held_out"} <= set(json.loads(Shipped.SEGMENTS.card.read_text())["fit"])


@pytest.mark.parametrize(("shipped", "classes"), [(Shipped.SEGMENTS, SEGMENT_CLASSES), (Shipped.SIGNS, SIGN_CLASSES)])
def test_it_gives_probabilities_however_many_windows_there_are(shipped: Shipped, classes: int) -> None:
    classifier = shipped_network(shipped)
    windows = np.random.default_rng(0).integers(0, 256, (150, SIDE, SIDE, CHANNELS), dtype=np.uint8)
    probabilities = classifier(windows)
    assert probabilities.shape == (150, classes)
    assert classifier.classes == classes
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4)
    assert np.allclose(probabilities[100:103], classifier(windows[100:103]), atol=1e-5)
    assert classifier(windows[:0]).shape == (0, classes)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ModelFileError, match="ONNX Runtime cannot load the network"):
        WindowNetwork(b"no network")
