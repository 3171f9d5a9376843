import hashlib
import itertools
import json

import numpy as np
import pytest

from digits.data.mnist import Mnist, split
from digits.errors import ModelFileError
from digits.numbers.decoding import (
    CONFIDENCE_FEATURES,
    FEATURES,
    RECOGNIZER_FEATURES,
    Decoding,
    decode,
)
from digits.numbers.reader import Networks
from digits.numbers.segments.classifier import (
    NOTHING_WHOLE,
    SEGMENT_CLASSES,
    SegmentClassifier,
    segment_classifier_files,
    shipped_segment_classifier,
)
from digits.numbers.segments.windows import SIDE
from digits.numbers.signs.classifier import shipped_sign_classifier
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.pages import Page
from digits.synthetic.sums import write_sums
from digits.training.segmenter.acceptance import fit_acceptance, fit_confidence
from digits.training.segmenter.dataset import draw_chunk, read_dataset, write_dataset
from digits.training.segmenter.run import fit_decoding, fit_pool, measure_network


def test_the_shipped_files_belong_together_and_say_how_they_were_made(mnist: Mnist) -> None:
    network, card = segment_classifier_files()
    values = json.loads(card.read_text())
    assert network.stat().st_size < 600_000
    assert values["network"]["onnx_sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()
    assert values["network"]["data"] == mnist.digest
    assert {"seed", "windows", "epochs", "libraries", "held_out"} <= set(values["network"])
    assert {"seed", "numbers", "held_out"} <= set(values["fit"])
    assert shipped_segment_classifier() is shipped_segment_classifier()


def test_it_gives_probabilities_however_many_windows_there_are() -> None:
    classifier = shipped_segment_classifier()
    windows = np.random.default_rng(0).integers(0, 256, (150, SIDE, SIDE, 2), dtype=np.uint8)
    probabilities = classifier(windows)
    assert probabilities.shape == (150, SEGMENT_CLASSES)
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4)
    assert np.allclose(probabilities[100:103], classifier(windows[100:103]), atol=1e-5)
    assert classifier(windows[:0]).shape == (0, SEGMENT_CLASSES)


def test_it_tells_whole_digits_from_pieces(mnist: Mnist) -> None:
    windows, classes = draw_chunk(mnist.x_test, mnist.y_test, 5, 0, count=300)
    found = measure_network(shipped_segment_classifier(), windows, classes)
    assert found["windows"] == 300
    assert found["auroc_whole"] > 0.95
    assert found["accuracy"] > 0.8
    assert 0.4 < (classes == NOTHING_WHOLE).mean() < 0.8


def test_the_decoding_can_be_fitted_anew(mnist: Mnist) -> None:
    parts = split(mnist)
    numbers = write_dataset(parts.x_validation, parts.y_validation, 5, 3)
    lines = read_dataset(Recognizer.load(shipped_model()), shipped_segment_classifier(), numbers)
    pool, told_apart = fit_pool(lines)
    assert min(pool.segment_classifier, pool.recognizer) >= 0.0
    assert 0.0 < max(pool.segment_classifier, pool.recognizer) <= 1.5
    assert told_apart["accuracy"] >= 0.9
    weights, readable = fit_decoding(lines, pool, 5, RECOGNIZER_FEATURES)
    assert tuple(weights) == FEATURES
    assert all((weights[name] == 0.0) == (name in RECOGNIZER_FEATURES) for name in FEATURES)
    assert 0.6 < readable <= 1.0
    decoding, accepted = fit_acceptance(lines, Decoding(weights, {}, 0.0, 0.0, pool), shipped_sign_classifier())
    assert 0.0 < decoding.digit < 1.0
    assert 0.0 < decoding.sign < 1.0
    assert accepted["digits_accepted"] >= 0.9
    networks = Networks(shipped_segment_classifier(), shipped_sign_classifier(), decoding)
    sums = write_sums(Page(digits=(1, 3)), parts.x_validation, parts.y_validation, 8, 3)
    confidence, sure = fit_confidence(Recognizer.load(shipped_model()), networks, sums)
    assert tuple(confidence) == CONFIDENCE_FEATURES
    assert 8 <= sure["confidence_lines"] <= 12
    for line in lines:
        spans = [line.lattice.candidates[k].span for k in decode(line.lattice, decoding)]
        assert spans[0][0] == 0
        assert all(left[1] == right[0] for left, right in itertools.pairwise(spans))


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ModelFileError, match="ONNX Runtime cannot load the network"):
        SegmentClassifier(b"no network")
