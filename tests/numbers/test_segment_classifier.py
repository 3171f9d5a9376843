import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from digits.data.mnist import Mnist, split
from digits.errors import ModelFileError
from digits.numbers import segment_classifier as module
from digits.numbers.decoding import FEATURES
from digits.numbers.segment_classifier import (
    NOTHING_WHOLE,
    OPINIONS,
    Pool,
    SegmentClassifier,
    SegmentClassifierCard,
    segment_classifier_files,
    shipped_segment_classifier,
)
from digits.numbers.windows import SIDE
from digits.recognizer import Recognizer, shipped_model
from digits.training.segmenter.dataset import draw_chunk, read_example, write_example
from digits.training.segmenter.run import fit_acceptance, fit_paths, fit_pool, measure_network

CARD = SegmentClassifierCard((0.0,) * len(FEATURES), 0.5, Pool(1.0, 1.0))


def test_the_shipped_files_belong_together_and_say_how_they_were_made(mnist: Mnist) -> None:
    network, card = segment_classifier_files()
    values = json.loads(card.read_text())
    assert network.stat().st_size < 600_000
    assert values["network"]["onnx_sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()
    assert values["network"]["data"] == mnist.digest
    assert tuple(values["weights"]) == FEATURES
    assert {"seed", "windows", "epochs", "libraries", "held_out"} <= set(values["network"])
    assert {"seed", "numbers", "epochs", "held_out"} <= set(values["paths"])
    assert shipped_segment_classifier().card == SegmentClassifierCard(
        tuple(values["weights"].values()), values["digit"], Pool(**values["pool"])
    )
    assert shipped_segment_classifier() is shipped_segment_classifier()


def test_it_gives_probabilities_however_many_windows_there_are() -> None:
    splitter = shipped_segment_classifier()
    windows = np.random.default_rng(0).integers(0, 256, (150, SIDE, SIDE, 2), dtype=np.uint8)
    found = splitter(windows)
    assert found.shape == (150, OPINIONS)
    assert np.allclose(found.sum(axis=1), 1.0, atol=1e-4)
    assert np.allclose(found[100:103], splitter(windows[100:103]), atol=1e-5)
    assert splitter(windows[:0]).shape == (0, OPINIONS)


def test_it_tells_whole_digits_from_pieces(mnist: Mnist) -> None:
    windows, classes = draw_chunk(mnist.x_test, mnist.y_test, 5, 0, count=300)
    found = measure_network(shipped_segment_classifier(), windows, classes)
    assert found["windows"] == 300
    assert found["auroc_whole"] > 0.95
    assert found["accuracy"] > 0.8
    assert 0.4 < (classes == NOTHING_WHOLE).mean() < 0.8


def test_paths_and_acceptance_can_be_fitted_anew(mnist: Mnist) -> None:
    parts = split(mnist)
    numbers = write_example(parts.x_validation, parts.y_validation, 5, 3)
    lines = read_example(Recognizer.load(shipped_model()), shipped_segment_classifier(), numbers)
    pool, told_apart = fit_pool(lines)
    assert min(pool.splitter, pool.recognizer) >= 0.0
    assert 0.0 < max(pool.splitter, pool.recognizer) <= 1.5
    assert told_apart["accuracy"] >= 0.9
    weights, readable = fit_paths(lines, pool, epochs=2, seed=0)
    assert weights.shape == (len(FEATURES),)
    assert 0.6 < readable <= 1.0
    card = SegmentClassifierCard(tuple(weights), 0.0, pool)
    threshold, found = fit_acceptance(lines, card)
    assert 0.0 < threshold < 1.0
    assert found["digits_accepted"] >= 0.95
    for line in lines:
        spans = [line.lattice.candidates[k].span for k in line.lattice.best(card)]
        assert spans[0][0] == 0
        assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ModelFileError, match="ONNX Runtime cannot load the network"):
        SegmentClassifier(b"no network", CARD)


@pytest.mark.parametrize(
    "card", ["{}", "no JSON", '{"weights": {"each": NaN}, "digit": 0.5}', '{"weights": [1], "digit": 0.5}', None]
)
def test_a_damaged_or_missing_card_is_refused(
    card: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "segment_classifier.onnx").write_bytes(segment_classifier_files()[0].read_bytes())
    if card is not None:
        (tmp_path / "segment_classifier.json").write_text(card)
    monkeypatch.setattr(
        module,
        "segment_classifier_files",
        lambda: (tmp_path / "segment_classifier.onnx", tmp_path / "segment_classifier.json"),
    )
    with pytest.raises(ModelFileError, match=r"segment_classifier\.json or segment_classifier\.onnx cannot be read"):
        shipped_segment_classifier.__wrapped__()
