"""Patterns of what must come, and the search that holds to them."""

import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from digits.errors import PatternError
from digits.numbers.expectation import LEAST_DIGIT, Chances, best_matching_path, parse_expectation
from digits.numbers.signs.kinds import SIGNS

PLACES = 4
SPANS = list(itertools.combinations(range(PLACES), 2))


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern accepts a text, of which each character is a digit or a sign."""
    return parse_expectation(pattern).fits(text)


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        ("4", ["2024", "20.24", "(1234)"], ["204", "20245", ""]),
        ("4-6", ["2024", "20245", "202456"], ["123", "1234567"]),
        ("####", ["2024"], ["20.24", "202", "20245"]),
        ("##/##/####", ["01/02/2024"], ["01.02.2024", "1/2/2024"]),
        ("#+", ["1", "123456"], ["", "12.3", "#", "1#"]),
        ("##.##", ["20.24"], ["2024", "20,24"]),
        ("#+.##", ["1.99", "1234.50"], [".99", "1.9"]),
        ("20##", ["2024"], ["1999"]),
        ("# # # #", ["1234"], ["123"]),
    ],
)
def test_a_pattern_accepts_what_it_says(pattern: str, right: list[str], wrong: list[str]) -> None:
    assert all(matches(pattern, text) for text in right)
    assert not any(matches(pattern, text) for text in wrong)


@pytest.mark.parametrize(
    "pattern", ["", "  ", "0", "6-4", "-3", "100", "99999999999", "1.5", "abc", "##x", "///", "#" * 65, "é"]
)
def test_a_pattern_that_is_none_is_refused_with_a_right_one(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"The pattern .*such as ##/##/#### or #\+\.##"):
        parse_expectation(pattern)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (" ", "The pattern is empty."),
        ("#" * 65, "has 65 characters, more than the 64 allowed."),
        ("0", "The pattern '0' asks for no digit."),
        ("6-4", "The pattern '6-4' asks for 6 to 4 digits."),
        ("\\d+", "The pattern '\\d+' has '\\', 'd', which no pattern may have."),
        ("#\x00\x1b", "The pattern '#\\x00\\x1b' has '\\x00', '\\x1b', which no pattern may have."),
    ],
)
def test_a_refused_pattern_is_told_which_rule_it_breaks(pattern: str, said: str) -> None:
    with pytest.raises(PatternError) as refused:
        parse_expectation(pattern)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("x" * 5000, "'" + "x" * 59 + "…' has 5,000 characters"),
        ("x" + " " * 5000 + "y", "'xy' has 'x', 'y'"),
        (" " * 5000 + "0", "'0' asks for no digit"),
        ("/" + "\t " * 5000 + "/", "'//' has no # for a digit"),
        ("/" * 64, "'" + "/" * 59 + "…' has no # for a digit"),
    ],
)
def test_a_refused_pattern_is_shown_without_blanks_and_cut(pattern: str, shown: str) -> None:
    with pytest.raises(PatternError) as refused:
        parse_expectation(pattern)
    assert str(refused.value).startswith(f"The pattern {shown}")
    assert len(str(refused.value)) < 400


def certain(text: str) -> Chances:
    """A candidate that is surely a digit, or a sign."""
    sure, never = 0.0, -50.0
    digits = np.full(10, never)
    if text.isdecimal():
        digits[int(text)] = sure
        return Chances(sure, digits, never, dict.fromkeys(SIGNS, -3.0))
    return Chances(never, digits, sure, {sign: sure if sign == text else never for sign in SIGNS})


def test_a_line_is_taken_apart_as_the_pattern_says_and_not_as_the_scores_do() -> None:
    spans, scores = [(0, 1), (1, 2), (0, 2)], np.array([0.0, 0.0, 3.0])
    chances = [certain("1"), certain("1"), certain("4")]
    assert best_matching_path(parse_expectation("2"), spans, scores, chances, {}) == [(0, "#"), (1, "#")]
    assert best_matching_path(parse_expectation("1"), spans, scores, chances, {}) == [(2, "#")]
    assert best_matching_path(parse_expectation("11"), spans, scores, chances, {}) is None
    assert best_matching_path(parse_expectation("3"), spans, scores, chances, {}) is None


def test_what_is_far_less_likely_than_the_best_reading_does_not_match() -> None:
    spans, scores = [(0, 1), (1, 2), (0, 2)], np.array([0.0, 0.0, 6.5])
    chances = [certain("1"), certain("1"), certain("4")]
    assert best_matching_path(parse_expectation("2"), spans, scores, chances, {}) is None


@pytest.mark.parametrize("pattern", ["##", "7#", "2", "#+"])
def test_what_is_hardly_a_digit_is_not_taken_for_one(pattern: str) -> None:
    spans, scores, sevens = [(0, 1), (1, 2)], np.zeros(2), np.log(np.eye(10)[7] + 1e-9)
    digit, signs = certain("4"), dict.fromkeys(SIGNS, -3.0)

    def read(probability: float) -> list[tuple[int, str]] | None:
        doubtful = Chances(float(np.log(probability)), sevens, float(np.log(1.0 - probability)), signs)
        return best_matching_path(parse_expectation(pattern), spans, scores, [doubtful, digit], {})

    assert read(LEAST_DIGIT) is not None
    assert read(LEAST_DIGIT - 0.001) is None


def test_a_mark_is_the_sign_of_the_pattern_or_dirt() -> None:
    spans, scores = [(0, 1), (1, 2)], np.zeros(2)
    chances, point = [certain("2"), certain("4")], {1: [certain(".")]}
    assert best_matching_path(parse_expectation("#.#"), spans, scores, chances, point) == [(0, "#"), (1, "#")]
    assert best_matching_path(parse_expectation("##"), spans, scores, chances, point) == [(0, "#"), (1, "#")]
    assert best_matching_path(parse_expectation("#.#"), spans, scores, chances, {}) is None


@hypothesis.given(
    st.lists(st.floats(-3.0, 3.0), min_size=len(SPANS), max_size=len(SPANS)),
    st.lists(st.sampled_from("0123456789./-"), min_size=len(SPANS), max_size=len(SPANS)),
    st.sampled_from(["2", "1-3", "#.#", "#+", "#+/#", "##"]),
)
@hypothesis.settings(max_examples=80)
def test_no_matching_path_is_better(scores: list[float], texts: list[str], pattern: str) -> None:
    expectation, chances = parse_expectation(pattern), [certain(text) for text in texts]

    def paths(at: int = 0) -> list[list[int]]:
        if at == PLACES - 1:
            return [[]]
        return [[k, *rest] for k, (a, b) in enumerate(SPANS) if a == at for rest in paths(b)]

    right = [path for path in paths() if matches(pattern, "".join(texts[k] for k in path))]
    best = best_matching_path(expectation, SPANS, np.array(scores), chances, {})
    if not right:
        assert best is None
    elif best is not None:
        path = [k for k, _ in best]
        assert path in right
        assert sum(scores[k] for k in path) >= max(sum(scores[k] for k in other) for other in right) - 1e-6
