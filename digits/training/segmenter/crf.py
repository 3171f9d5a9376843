"""Fits the weights of paths, so that of all ways to take a line apart the right ones become the most probable.

It is the likelihood of a semi-Markov conditional random field (Sarawagi and Cohen, NIPS 2004), in which any way that
reads rightly counts, climbed by Adam.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_BATCH, _RATE, _DECAY = 32, 0.05, 1e-3


@dataclass(frozen=True)
class Example:
    """A line, and what is written on it.

    Args:
        features: of its candidates, of shape (n, f).
        spans: the first and the last place of each candidate.
        fits: for each candidate, which of the line's digits and signs it reads rightly.
        length: how many digits and signs there are.
    """

    features: Floats
    spans: tuple[tuple[int, int], ...]
    fits: tuple[tuple[int, ...], ...]
    length: int

    @property
    def can_be_read(self) -> bool:
        """Whether any way reads what is written."""
        reached = {(0, 0)}
        for k in _by_end(self.spans):
            first, last = self.spans[k]
            reached |= {(last, j + 1) for j in self.fits[k] if (first, j) in reached}
        return (self._end, self.length) in reached

    @property
    def _end(self) -> int:
        return max(last for _, last in self.spans)

    def surprise(self, scores: Floats) -> tuple[float, Floats]:
        """The negative logarithm of the probability of all right ways, and its derivatives by the scores."""
        end = self._end
        every, share = _sums([(first, last, k) for k, (first, last) in enumerate(self.spans)], scores, 0, end)
        width = self.length + 1
        right, right_share = _sums(
            [
                (first * width + j, last * width + j + 1, k)
                for k, (first, last) in enumerate(self.spans)
                for j in self.fits[k]
            ],
            scores,
            0,
            end * width + self.length,
        )
        return every - right, share - right_share


def _by_end(spans: Sequence[tuple[int, int]]) -> list[int]:
    return sorted(range(len(spans)), key=lambda k: spans[k][1])


def _sums(edges: list[tuple[int, int, int]], scores: Floats, start: int, end: int) -> tuple[float, Floats]:
    """The logarithm of the sum over all ways of e to their scores, and the share of each score in it.

    Args:
        edges: (from, to, index of its score); each leads to a larger number.
        scores: of shape (n,).
        start: where ways begin.
        end: where they end; at least one leads there.
    """
    ahead: dict[int, float] = {start: 0.0}
    for a, b, k in sorted(edges, key=lambda edge: edge[1]):
        if a in ahead:
            total = ahead[a] + scores[k]
            ahead[b] = float(np.logaddexp(ahead[b], total)) if b in ahead else total
    back: dict[int, float] = {end: 0.0}
    shares = np.zeros(len(scores))
    for a, b, k in sorted(edges, key=lambda edge: -edge[0]):
        if b in back and a in ahead:
            total = back[b] + scores[k]
            shares[k] += np.exp(min(0.0, ahead[a] + total - ahead[end]))
            back[a] = float(np.logaddexp(back[a], total)) if a in back else total
    return ahead[end], shares


def fit_weights(examples: Sequence[Example], epochs: int, seed: int) -> Floats:
    """Fits weights of shape (f,).

    Args:
        examples: that can be read.
        epochs: passes over them.
        seed: of their order.
    """
    rng = np.random.default_rng(seed)
    spread = np.concatenate([one.features for one in examples]).std(axis=0)
    spread = np.where(spread < 1e-9, 1.0, spread)
    weights = np.zeros(len(spread))
    mean, square = np.zeros(len(spread)), np.zeros(len(spread))
    step, steps = 0, epochs * -(-len(examples) // _BATCH)
    for _ in range(epochs):
        order = rng.permutation(len(examples))
        for start in range(0, len(order), _BATCH):
            slope = _DECAY * weights
            chosen = order[start : start + _BATCH]
            for i in chosen:
                scaled = examples[i].features / spread
                slope = slope + scaled.T @ examples[i].surprise(scaled @ weights)[1] / len(chosen)
            mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
            rate = _RATE * (1.0 - step / steps)
            step += 1
            weights -= rate * (mean / (1.0 - 0.9**step)) / (np.sqrt(square / (1.0 - 0.99**step)) + 1e-8)
    return np.asarray(weights / spread, dtype=np.float64)
