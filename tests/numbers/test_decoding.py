import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np

from digits.numbers.decoding import acceptance_scores, best_path, digits_of
from digits.numbers.segment_classifier import NOTHING_WHOLE, OPINIONS, SIGN, Pool
from digits.training.segmenter.crf import Example, fit_weights

PLACES = 5
SPANS = [(a, b) for a, b in itertools.combinations(range(PLACES), 2)]


def ways(at: int = 0) -> list[list[int]]:
    """All ways through all spans, as indices of spans."""
    if at == PLACES - 1:
        return [[]]
    return [[k, *rest] for k, (a, b) in enumerate(SPANS) if a == at for rest in ways(b)]


@hypothesis.given(st.lists(st.floats(-50.0, 50.0), min_size=len(SPANS), max_size=len(SPANS)))
@hypothesis.settings(max_examples=50)
def test_no_way_has_a_larger_sum_than_the_best_path(scores: list[float]) -> None:
    path = best_path(SPANS, np.array(scores))
    assert path in ways()
    assert sum(scores[k] for k in path) >= max(sum(scores[k] for k in way) for way in ways()) - 1e-9


@hypothesis.given(st.lists(st.floats(-5.0, 5.0), min_size=len(SPANS), max_size=len(SPANS)))
@hypothesis.settings(max_examples=20)
def test_surprise_is_that_of_the_right_ways_among_all(scores: list[float]) -> None:
    # Two digits; the first ends at place 2 or 3.
    fits = tuple((0,) if span in ((0, 2), (0, 3)) else (1,) if span in ((2, 4), (3, 4)) else () for span in SPANS)
    example = Example(np.zeros((len(SPANS), 1)), tuple(SPANS), fits, 2)
    sums = {tuple(way): np.exp(sum(scores[k] for k in way)) for way in ways()}
    right = [(SPANS.index((0, at)), SPANS.index((at, 4))) for at in (2, 3)]
    surprise, slopes = example.surprise(np.array(scores))
    assert np.isclose(surprise, np.log(sum(sums.values())) - np.log(sum(sums[way] for way in right)))
    step = 1e-5
    for k in range(len(SPANS)):
        moved = np.array(scores)
        moved[k] += step
        assert np.isclose((example.surprise(moved)[0] - surprise) / step, slopes[k], atol=1e-3)


def test_an_example_that_no_way_reads_cannot_be_read() -> None:
    features = np.zeros((2, 1))
    assert Example(features, ((0, 1), (1, 2)), ((0,), (1,)), 2).can_be_read
    assert not Example(features, ((0, 1), (1, 2)), ((0,), ()), 2).can_be_read
    assert not Example(features, ((0, 1), (1, 2)), ((0,), (1,)), 3).can_be_read


def test_fitted_weights_prefer_what_reads_rightly() -> None:
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(40):
        # One digit or two, of which the first feature tells; the second is noise.
        two = rng.random() < 0.5
        whole, half = (0.0, 1.0) if two else (1.0, 0.0)
        features = np.array([[half, rng.normal()], [half, rng.normal()], [whole, rng.normal()]])
        fits: tuple[tuple[int, ...], ...] = ((0,), (1,), ()) if two else ((), (), (0,))
        examples.append(Example(features, ((0, 1), (1, 2), (0, 2)), fits, 2 if two else 1))
    weights = fit_weights(examples, 20, 0)
    assert weights[0] > 1.0
    assert abs(weights[1]) < 0.3 * weights[0]
    for one in examples:
        path = best_path(one.spans, one.features @ weights)
        assert [one.fits[k] for k in path] == [(j,) for j in range(one.length)]
    assert np.array_equal(weights, fit_weights(examples, 20, 0))


def opinion(**classes: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    found = np.full((1, OPINIONS), 1e-3)
    for name, value in classes.items():
        found[0, {"sign": SIGN, "nothing": NOTHING_WHOLE}.get(name, int(name[1:]) if name[0] == "d" else 0)] = value
    return found / found.sum()


def test_both_networks_say_which_digit_it_is() -> None:
    network = np.full((1, 10), 0.02)
    network[0, 7], network[0, 1] = 0.45, 0.39
    even = Pool(0.5, 0.5)
    assert digits_of(opinion(d7=0.9), network, even).argmax() == 7
    assert digits_of(opinion(d1=0.9), network, even).argmax() == 1
    assert np.isclose(digits_of(opinion(d1=0.9), network, even).sum(), 1.0)
    assert digits_of(opinion(d1=0.9), network, Pool(0.01, 1.0)).argmax() == 7
    assert np.allclose(digits_of(opinion(d1=0.9), network, Pool(0.0, 1.0)), network / network.sum())


def test_a_sign_is_accepted_less_than_a_digit_of_which_no_other_digit_is_as_likely() -> None:
    sure, unsure = np.full((1, 10), 1e-4), np.full((1, 10), 0.1)
    sure[0, 3] = 1.0 - 9e-4
    digit = float(acceptance_scores(opinion(d3=0.9), sure)[0])
    assert digit > 0.9
    assert float(acceptance_scores(opinion(sign=0.9), sure)[0]) < 0.1
    assert float(acceptance_scores(opinion(d3=0.9), unsure)[0]) < 0.3
