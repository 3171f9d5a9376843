"""The data set of the segment classifier and the fit of the decoding."""

import itertools
from dataclasses import replace

import pytest

from digits.data.mnist import Mnist, Split, split
from digits.numbers.acceptance import ACCEPTANCE_FEATURES
from digits.numbers.decoding import FEATURES, NEVER_SURE, RECOGNIZER_FEATURES, Decoding, decode
from digits.numbers.line_reading import LineReading, PageLine
from digits.numbers.lines.features import CHOICE_FEATURES, CONFIDENCE_FEATURES, LATTICE_FEATURES
from digits.numbers.lines.network import shipped_line_network
from digits.numbers.networks import Networks
from digits.numbers.window_network import NOTHING_WHOLE, Shipped, shipped_network
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.lines import write_lines
from digits.synthetic.pages import Page
from digits.synthetic.sums import write_sums
from digits.training.segmenter import acceptance
from digits.training.segmenter.acceptance import fit_acceptance, fit_choice, fit_confidence, read_ways
from digits.training.segmenter.dataset import ReadLine, draw_chunk, read_dataset, write_dataset
from digits.training.segmenter.run import fit_decoding, fit_pool, measure_network


def test_it_tells_whole_digits_from_pieces(mnist: Mnist) -> None:
    windows, classes = draw_chunk(mnist.x_test, mnist.y_test, 5, 0, count=300)
    found = measure_network(shipped_network(Shipped.SEGMENTS), windows, classes)
    assert found["windows"] == 300
    assert found["auroc_whole"] > 0.95
    assert found["accuracy"] > 0.8
    assert 0.4 < (classes == NOTHING_WHOLE).mean() < 0.8


NOTHING = (-1,)


class Unread(PageLine):
    """A line of which nothing is read if it has certain small strokes."""

    @property
    def best(self) -> LineReading:
        return LineReading((), 0.0) if self._small == NOTHING else super().best


def lines_of_all_kinds(recognizer: Recognizer, networks: Networks, parts: Split) -> list[ReadLine]:
    written = write_lines(Page(digits=(1, 3), height=(30, 60)), parts.x_validation, parts.y_validation, 60, 3)
    return read_dataset(recognizer, networks.segments, networks.signs, written)


def test_the_decoding_can_be_fitted_anew(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = split(mnist)
    numbers = write_dataset(parts.x_validation, parts.y_validation, 5, 3)
    recognizer = Recognizer.load(shipped_model())
    segments, signs = shipped_network(Shipped.SEGMENTS), shipped_network(Shipped.SIGNS)
    sums = write_sums(Page(digits=(1, 3)), parts.x_validation, parts.y_validation, 3, 4)
    lines = read_dataset(recognizer, segments, signs, [*numbers, *sums])
    pool, told_apart = fit_pool(lines)
    assert min(pool.segment_classifier, pool.recognizer) >= 0.0
    assert 0.0 < max(pool.segment_classifier, pool.recognizer) <= 1.5
    assert told_apart["accuracy"] >= 0.9
    weights, readable = fit_decoding(lines, pool, 5, RECOGNIZER_FEATURES)
    assert tuple(weights) == FEATURES
    assert all((weights[name] == 0.0) == (name in RECOGNIZER_FEATURES) for name in FEATURES)
    assert 0.6 < readable <= 1.0
    unfitted = Decoding(weights, {}, {}, NEVER_SURE, 1.0, 1.0, {}, {}, 0.5, pool)
    decoding, accepted = fit_acceptance(lines, unfitted, signs)
    assert 0.0 < decoding.digit < 1.0
    assert tuple(decoding.acceptance) == ACCEPTANCE_FEATURES
    assert accepted["digits_accepted"] >= 0.9
    assert accepted["signs_a_pattern_may_take"] >= accepted["signs_accepted"]
    assert accepted["digits_a_pattern_refuses"] <= 1.0 - accepted["digits_accepted"]
    assert accepted["digits_as_small_as_points"] <= 0.1
    known = read_dataset(
        recognizer, segments, signs, write_sums(Page(digits=(1, 3)), parts.x_validation, parts.y_validation, 8, 3)
    )
    networks = Networks(segments, signs, shipped_line_network(), decoding)
    mixed = read_ways(lines_of_all_kinds(recognizer, networks, parts), networks)
    choice, chosen, told = fit_choice(mixed)
    assert tuple(choice) == CHOICE_FEATURES
    either = max(told["of_these_the_lattice_is_right"], told["of_these_the_line_network_is_right"])
    assert 0.0 < either <= 1.0
    assert told["of_these_the_chosen_is_right"] >= either - 0.15
    assert all(
        any(way is not None and reading.entries is way.entries for way in (one.ways.by_lattice, one.ways.by_network))
        for one, reading in zip(mixed, chosen, strict=True)
    )
    ways = read_ways(known, networks)
    confidence, sure = fit_confidence(ways, [one.ways.by_lattice for one in ways])
    assert tuple(confidence.weights) == CONFIDENCE_FEATURES
    assert tuple(confidence.by_lattice) == LATTICE_FEATURES
    assert 0.0 < confidence.sure <= NEVER_SURE
    assert 0.5 <= confidence.sure_path <= 1.0
    assert 0.5 <= confidence.sure_alone <= 1.0
    assert 8 <= sure["confidence_lines"] <= 12
    assert 0.0 <= sure["confidence_error_sums"] <= 1.0
    # A line on which nothing is read makes the one beside it no less right.
    beside = [[line, replace(line, small=NOTHING)] for line in known]
    monkeypatch.setattr(acceptance, "PageLine", Unread)
    assert [one.picture for one in read_ways(itertools.chain(*beside), networks)] == [one.picture for one in ways]
    for line in lines:
        spans = [line.lattice.candidates[k].span for k in decode(line.lattice, decoding)]
        assert spans[0][0] == 0
        assert all(left[1] == right[0] for left, right in itertools.pairwise(spans))
