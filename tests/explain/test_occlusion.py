from pathlib import Path

import numpy as np
import pytest

from digits.explain.occlusion import explain
from digits.recognizer import Recognizer
from tests.conftest import SAMPLES


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_erasing_what_spoke_for_the_digit_costs_more_than_erasing_other_ink(recognizer: Recognizer, file: Path) -> None:
    prediction = recognizer.recognize(file.read_bytes())
    image = prediction.normalized.image
    found = explain(image, prediction.digit, recognizer.classify)
    assert found.evidence.shape == (28, 28)
    inked = np.flatnonzero(image.ravel() > 127)
    order = inked[np.argsort(found.evidence.ravel()[inked])]
    count = len(order) // 4
    without = []
    for chosen in (order[-count:], order[:count]):
        erased = image.copy().ravel()
        erased[chosen] = 0
        without.append(erased.reshape(28, 28))
    most, least = recognizer.classify(np.stack(without))[:, prediction.digit]
    assert most <= least


def test_a_network_that_looks_at_nothing_has_no_evidence() -> None:
    blind = explain(np.zeros((28, 28), np.uint8), 3, lambda images: np.full((len(images), 10), 0.1))
    assert not blind.evidence.any()
