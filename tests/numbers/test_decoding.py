import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from digits.numbers.decoding import (
    NEVER_SURE,
    Decoding,
    Pool,
    acceptance_scores,
    best_path,
    least_probabilities,
    path_probability,
    pooled_probabilities,
)
from digits.numbers.lines.features import CONFIDENCE_FEATURES, lattice_features, line_confidence, line_features
from digits.numbers.signs.kinds import PIECE, SIGN_CLASSES
from digits.numbers.window_network import NOTHING_WHOLE, SEGMENT_CLASSES, SIGN
from digits.training.segmenter.crf import Example, fit_weights

PLACES = 5
SPANS = [(a, b) for a, b in itertools.combinations(range(PLACES), 2)]


def paths(at: int = 0) -> list[list[int]]:
    """All paths, as indices of spans."""
    if at == PLACES - 1:
        return [[]]
    return [[k, *rest] for k, (a, b) in enumerate(SPANS) if a == at for rest in paths(b)]


@hypothesis.given(st.lists(st.floats(-50.0, 50.0), min_size=len(SPANS), max_size=len(SPANS)))
@hypothesis.settings(max_examples=50)
def test_no_path_has_a_larger_sum_than_the_best_path(scores: list[float]) -> None:
    path = best_path(SPANS, np.array(scores))
    assert path in paths()
    assert (
        sum(scores[k] for k in path) >= max(sum(scores[k] for k in candidate_path) for candidate_path in paths()) - 1e-9
    )


@hypothesis.given(st.lists(st.floats(-5.0, 5.0), min_size=len(SPANS), max_size=len(SPANS)))
@hypothesis.settings(max_examples=20)
def test_the_negative_log_likelihood_is_that_of_the_right_paths_among_all(scores: list[float]) -> None:
    # Two digits; the first ends at place 2 or 3.
    matches = tuple((0,) if span in ((0, 2), (0, 3)) else (1,) if span in ((2, 4), (3, 4)) else () for span in SPANS)
    example = Example(np.zeros((len(SPANS), 1)), tuple(SPANS), matches, 2)
    sums = {tuple(candidate_path): np.exp(sum(scores[k] for k in candidate_path)) for candidate_path in paths()}
    right = [(SPANS.index((0, at)), SPANS.index((at, 4))) for at in (2, 3)]
    loss, gradient = example.negative_log_likelihood(np.array(scores))
    assert np.isclose(loss, np.log(sum(sums.values())) - np.log(sum(sums[right_path] for right_path in right)))
    step = 1e-5
    for k in range(len(SPANS)):
        moved = np.array(scores)
        moved[k] += step
        assert np.isclose((example.negative_log_likelihood(moved)[0] - loss) / step, gradient[k], atol=1e-3)


def test_an_example_that_no_path_reads_cannot_be_read() -> None:
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
        matches: tuple[tuple[int, ...], ...] = ((0,), (1,), ()) if two else ((), (), (0,))
        examples.append(Example(features, ((0, 1), (1, 2), (0, 2)), matches, 2 if two else 1))
    weights = fit_weights(examples, 50)
    assert weights[0] > 1.0
    assert abs(weights[1]) < 0.3 * weights[0]
    for example in examples:
        path = best_path(example.spans, example.features @ weights)
        assert [example.matches[k] for k in path] == [(j,) for j in range(example.length)]
    assert np.array_equal(weights, fit_weights(examples, 50))


def test_weights_of_fixed_features_stay_0() -> None:
    features = np.random.default_rng(0).normal(size=(20, 3, 3))
    examples = [Example(each, ((0, 1), (1, 2), (0, 2)), ((), (), (0,)), 1) for each in features]
    weights = fit_weights(examples, 50, [1])
    assert weights[1] == 0.0
    assert np.all(weights[[0, 2]] != 0.0)


def segment(**classes: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    probabilities = np.full((1, SEGMENT_CLASSES), 1e-3)
    for name, value in classes.items():
        probabilities[0, {"sign": SIGN, "nothing": NOTHING_WHOLE}.get(name, int(name[1:]) if name[0] == "d" else 0)] = (
            value
        )
    return probabilities / probabilities.sum()


def test_both_networks_say_which_digit_it_is() -> None:
    network = np.full((1, 10), 0.02)
    network[0, 7], network[0, 1] = 0.45, 0.39
    even = Pool(0.5, 0.5)
    assert pooled_probabilities(segment(d7=0.9), network, even).argmax() == 7
    assert pooled_probabilities(segment(d1=0.9), network, even).argmax() == 1
    assert np.isclose(pooled_probabilities(segment(d1=0.9), network, even).sum(), 1.0)
    assert pooled_probabilities(segment(d1=0.9), network, Pool(0.01, 1.0)).argmax() == 7
    assert np.allclose(pooled_probabilities(segment(d1=0.9), network, Pool(0.0, 1.0)), network / network.sum())


def test_the_network_that_doubts_most_tells_how_sure_a_digit_is() -> None:
    recognized, of_signs = np.full((1, 10), 1e-3), np.full((1, SIGN_CLASSES), 1e-4)
    recognized[0, 7] = 0.99
    of_signs[0, [1, 7]] = 0.7, 0.2
    of_signs /= of_signs.sum()
    least = least_probabilities(segment(d7=0.9), recognized, of_signs)
    assert least.shape == (1, 10)
    assert 0.2 < least[0, 7] < 0.25
    assert least[0, 1] < 0.01
    # How likely it is to be whole does not count.
    hardly_whole = 0.3 * of_signs
    hardly_whole[0, PIECE] += 0.7
    assert np.isclose(least_probabilities(segment(d7=0.9), recognized, hardly_whole)[0, 7], least[0, 7], rtol=1e-3)
    assert least_probabilities(segment(sign=0.9), recognized, of_signs)[0, 7] < 0.01


def test_a_sign_is_accepted_less_than_a_digit_of_which_no_other_digit_is_as_likely() -> None:
    sure, unsure = np.full((1, 10), 1e-4), np.full((1, 10), 0.1)
    sure[0, 3] = 1.0 - 9e-4
    digit = float(acceptance_scores(segment(d3=0.9), sure)[0])
    assert digit > 0.9
    assert float(acceptance_scores(segment(sign=0.9), sure)[0]) < 0.1
    assert float(acceptance_scores(segment(d3=0.9), unsure)[0]) < 0.3


@hypothesis.given(st.lists(st.floats(-5.0, 5.0), min_size=len(SPANS), max_size=len(SPANS)))
@hypothesis.settings(max_examples=20)
def test_the_probabilities_of_all_paths_are_one_together(scores: list[float]) -> None:
    assert np.isclose(sum(path_probability(SPANS, np.array(scores), path) for path in paths()), 1.0)


def test_a_line_is_as_sure_as_its_digits_and_its_path() -> None:
    weights = {name: 1.0 if name.startswith("log odds") else 0.0 for name in CONFIDENCE_FEATURES}
    decoding = Decoding({}, weights, {}, NEVER_SURE, 1.0, 1.0, {}, {}, 0.5, Pool(1.0, 1.0))

    def confidence(probabilities: list[float], path: float, alone: float = 0.5) -> float:
        of_lattice = lattice_features(probabilities, path, alone, 0)
        return line_confidence(line_features(of_lattice, -0.01, True, 0.5, False), decoding)

    sure = confidence([0.999, 0.999], 0.999)
    assert 0.99 < sure < 1.0
    assert confidence([0.999, 0.6], 0.999) < sure
    assert confidence([0.999, 0.999], 0.6) < sure
    assert confidence([0.999] * 40, 0.999) < sure
    assert confidence([0.999, 0.999], 0.999, 0.01) < sure


def test_a_line_with_signs_has_weights_of_its_own() -> None:
    told = (line_features(lattice_features([0.9, 0.8], 0.7, 0.6, n), -0.2, True, 0.5, False) for n in (0, 1))
    without, with_sign = (dict(zip(CONFIDENCE_FEATURES, one, strict=True)) for one in told)
    for name in (
        "log odds of what is shown",
        "log odds of the least sure of it",
        "log odds of the mean of it",
        "log odds of the path",
        "log odds of the least that a network alone gives a digit of it",
        "log odds of all of it by line network",
        "both ways read the same",
    ):
        assert without[name] == with_sign[name] == with_sign[f"{name}, with a sign"]
        assert without[f"{name}, with a sign"] == 0.0
    assert (without["a sign"], with_sign["a sign"]) == (0.0, 1.0)


@pytest.mark.parametrize(("chance", "other_signs"), [(0.5, False), (0.9, False), (0.9, True)])
def test_the_choice_between_two_ways_tells_how_sure_a_line_is(chance: float, other_signs: bool) -> None:
    of_lattice = lattice_features([0.9, 0.8], 0.7, 0.6, 0)
    told = dict(
        zip(CONFIDENCE_FEATURES, line_features(of_lattice, -0.2, False, chance, other_signs).tolist(), strict=True)
    )
    assert (told["log odds of the choice between them"] > 0.0) == (chance > 0.5)
    assert told["other signs by the other way"] == float(other_signs)
