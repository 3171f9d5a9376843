"""What a picture is expected to show, as a count of digits or a mask, and the search that holds to it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from digits.arrays import Floats
from digits.errors import PatternError
from digits.numbers.signs.kinds import SIGNS

ANY_DIGIT, MANY_DIGITS = "#", "#+"
# Whatever is no digit, in a pattern that counts digits alone.
OTHER = "other"
_LONGEST = 64
# So many characters of a pattern are shown in a message.
_SHOWN = 60
_LENGTH = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?")
_HOW = (
    "Write how many digits there are, such as 4 or 4-6, or a mask in which # is a digit, #+ one digit or more, and "
    "anything else stands for itself, such as ##/##/#### or #+.##"
)
# A reading that holds to the pattern may be so much less likely than the best, as a natural logarithm.
_FURTHEST = 6.0
# What is a digit with less probability is not taken for one, whatever the pattern asks for. The fit of the decoding
# says how many digits that costs, and how many signs it leaves: `digits_a_pattern_refuses`, `signs_a_pattern_may_take`.
LEAST_DIGIT = 0.1
_LEAST_DIGIT = float(np.log(LEAST_DIGIT))
# The logarithm of the probability that a mark is dirt, where the pattern has no sign for it.
_DIRT = float(np.log(0.05))


@dataclass(frozen=True)
class Expectation:
    """A pattern that every line of digits must match.

    A line is read from left to right; a state is how much of the pattern is matched so far.

    Args:
        pattern: as it was written.
        tokens: of a mask: `ANY_DIGIT`, `MANY_DIGITS`, a digit, or a sign; of a length, as many `ANY_DIGIT` as there may
            be.
        least: of a length, how many digits there are at least; None for a mask.
        has_blanks: whether blanks stand in it.
    """

    pattern: str
    tokens: tuple[str, ...]
    least: int | None = None
    has_blanks: bool = False

    @property
    def leaves_no_blanks(self) -> bool:
        """Whether a line that matches has no blanks: a mask shows all of the line, and there are none in it."""
        return self.least is None and not self.has_blanks

    @property
    def end(self) -> int:
        """The state in which all of the pattern is matched."""
        return len(self.tokens)

    def accepts(self, state: int) -> bool:
        """Whether a line may end in a state."""
        return state == self.end if self.least is None else self.least <= state

    def steps(self, state: int) -> Iterator[tuple[str, int]]:
        """What may come next: a token, and the state to which it leads."""
        if self.least is not None:
            yield OTHER, state
        if state and self.tokens[state - 1] == MANY_DIGITS:
            yield ANY_DIGIT, state
        if state < self.end:
            token = self.tokens[state]
            yield (ANY_DIGIT if token == MANY_DIGITS else token), state + 1

    def fits(self, shown: Iterable[str]) -> bool:
        """Whether a line that shows these digits and signs matches the pattern; the sign # is no digit."""
        states = {0}
        for one in shown:
            fitting = {one, ANY_DIGIT} if one.isdecimal() else {one, OTHER} - {ANY_DIGIT}
            states = {after for state in states for token, after in self.steps(state) if token in fitting}
        return any(self.accepts(state) for state in states)


def parse_expectation(pattern: str) -> Expectation:
    """Reads a pattern: a length such as `4` or `4-6`, or a mask such as `####`, `##/##/####`, `#+` or `##.##`.

    Raises:
        PatternError: it is no pattern; the message shows a right one.
    """
    stripped = "".join(pattern.split())
    shown = stripped if len(stripped) <= _SHOWN else stripped[: _SHOWN - 1] + "…"
    if not stripped:
        raise PatternError(f"The pattern is empty. {_HOW}.")
    if len(stripped) > _LONGEST:
        raise PatternError(
            f"The pattern {_quoted(shown)} has {len(stripped):,} characters, more than the {_LONGEST} allowed. {_HOW}."
        )
    if length := _LENGTH.fullmatch(stripped):
        least, most = int(length[1]), int(length[2] or length[1])
        if most == 0:
            raise PatternError(f"The pattern {_quoted(shown)} asks for no digit. {_HOW}.")
        if not 1 <= least <= most:
            raise PatternError(f"The pattern {_quoted(shown)} asks for {least} to {most} digits. {_HOW}.")
        return Expectation(stripped, (ANY_DIGIT,) * most, least)
    tokens = tuple(re.findall(r"#\+|.", stripped))
    unknown = sorted(set(tokens) - {ANY_DIGIT, MANY_DIGITS, *SIGNS, *"0123456789"})
    if unknown:
        named = ", ".join(map(_quoted, unknown))
        raise PatternError(f"The pattern {_quoted(shown)} has {named}, which no pattern may have. {_HOW}.")
    # What is all digits is meant as a count, and a mask without # would leave nothing to read.
    if not any(token in (ANY_DIGIT, MANY_DIGITS) for token in tokens):
        raise PatternError(f"The pattern {_quoted(shown)} has no # for a digit. {_HOW}.")
    return Expectation(stripped, tokens, has_blanks=len(pattern.split()) > 1)


def _quoted(text: str) -> str:
    """Returns a text in quotes as it was written; only what cannot be printed is escaped."""
    return "'" + "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text) + "'"


@dataclass(frozen=True)
class Chances:
    """The logarithms of the probabilities of what a candidate or a mark may be.

    Args:
        digit: that it is a digit.
        digits: of each digit, if it is one, of shape (10,).
        other: that it is no digit.
        signs: of each sign that it may be, if it is no digit.
    """

    digit: float
    digits: Floats
    other: float
    signs: Mapping[str, float]

    def of(self, token: str) -> float:
        """The logarithm of the probability that it is what a token of a pattern stands for; -inf if it cannot be."""
        if self.digit < _LEAST_DIGIT and (token == ANY_DIGIT or token.isdecimal()):
            return -np.inf
        if token == ANY_DIGIT:
            return self.digit
        if token == OTHER:
            return self.other
        if token.isdecimal():
            return self.digit + float(self.digits[int(token)])
        return self.other + self.signs.get(token, -np.inf)

    @property
    def best(self) -> float:
        """The largest of them, whatever the pattern."""
        return max(self.digit, self.other)


def best_matching_path(
    expectation: Expectation,
    spans: Sequence[tuple[int, int]],
    scores: Floats,
    chances: Sequence[Chances],
    marks: Mapping[int, Sequence[Chances]],
) -> list[tuple[int, str]] | None:
    """Finds the best path of a line that matches a pattern.

    Args:
        expectation: the pattern.
        spans: the first and the last place of each candidate.
        scores: of each candidate, as the decoding gives them, of shape (n,).
        chances: what each candidate may be.
        marks: the small signs in front of some places, which a path passes if it goes through the place.

    Returns:
        Indices of candidates from left to right, and the token that each stands for; None if no path matches, or none
        that is likely enough.
    """
    count = max(last for _, last in spans)
    best: list[dict[int, float]] = [{} for _ in range(count + 1)]
    back: list[dict[int, tuple[int, int, int, str]]] = [{} for _ in range(count + 1)]
    free = np.full(count + 1, -np.inf)
    best[0][0], free[0] = 0.0, 0.0
    starting: dict[int, list[int]] = {}
    for k, (first, _) in enumerate(spans):
        starting.setdefault(first, []).append(k)
    for place in range(count + 1):
        # States after the marks in front of a place; where each came from is kept with the state before them.
        states = {state: (total, state) for state, total in best[place].items()}
        for mark in marks.get(place, ()):
            states = _after_mark(expectation, states, mark)
        if place == count:
            ends = {state: pair for state, pair in states.items() if expectation.accepts(state)}
            if not ends or max(total for total, _ in ends.values()) < free[count] - _FURTHEST:
                return None
            state = max(ends.items(), key=lambda item: item[1][0])[1][1]
            return _trace(back, count, state)
        for k in starting.get(place, ()):
            last = spans[k][1]
            free[last] = max(free[last], free[place] + scores[k] + chances[k].best)
            for state, (total, before) in states.items():
                for token, after in expectation.steps(state):
                    value = total + scores[k] + chances[k].of(token)
                    if value > best[last].get(after, -np.inf):
                        best[last][after] = value
                        back[last][after] = (place, before, k, token)
    return None


def _after_mark(
    expectation: Expectation, states: Mapping[int, tuple[float, int]], mark: Chances
) -> dict[int, tuple[float, int]]:
    """The states after a mark, which is a sign of the pattern, or dirt."""
    after: dict[int, tuple[float, int]] = {}
    for state, (total, before) in states.items():
        options = [(total + _DIRT, state)]
        options += [
            (total + mark.of(token), following)
            for token, following in expectation.steps(state)
            if token != ANY_DIGIT and not token.isdecimal()
        ]
        for value, following in options:
            if value > after.get(following, (-np.inf, 0))[0]:
                after[following] = (value, before)
    return after


def _trace(back: Sequence[Mapping[int, tuple[int, int, int, str]]], place: int, state: int) -> list[tuple[int, str]]:
    path = []
    while place:
        place, state, k, token = back[place][state]
        path.append((k, token))
    return path[::-1]
