"""Fits the weights of the decoding, so that the right ways to take a line apart become the most probable.

It maximizes the likelihood of a semi-Markov conditional random field (Sarawagi and Cohen, NIPS 2004), in which every
path that reads the line rightly counts, by L-BFGS (Liu and Nocedal, "On the limited memory BFGS method for large scale
optimization", 1989).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Strength of the L2 penalty on weights of features that are scaled to a standard deviation of 1.
_PENALTY = 1e-3


@dataclass(frozen=True)
class Example:
    """A line, and what is written on it.

    Args:
        features: of its candidates, of shape (n, f).
        spans: the first and the last place of each candidate.
        matches: for each candidate, which of the line's digits and signs it reads rightly.
        length: how many digits and signs there are.
    """

    features: Floats
    spans: tuple[tuple[int, int], ...]
    matches: tuple[tuple[int, ...], ...]
    length: int

    @property
    def can_be_read(self) -> bool:
        """Whether any path reads what is written."""
        reached = {(0, 0)}
        for k in sorted(range(len(self.spans)), key=lambda k: self.spans[k][1]):
            first, last = self.spans[k]
            reached |= {(last, j + 1) for j in self.matches[k] if (first, j) in reached}
        return (self._end, self.length) in reached

    @property
    def _end(self) -> int:
        return max(last for _, last in self.spans)

    @cached_property
    def _edges(self) -> "_Edges":
        """The edges of all paths."""
        return _Edges([(*span, k) for k, span in enumerate(self.spans)], self._end)

    @cached_property
    def _right_edges(self) -> "_Edges":
        """The edges of the right paths, whose nodes are a place and how many digits and signs are read before it."""
        width = self.length + 1
        edges = [
            (first * width + j, last * width + j + 1, k)
            for k, (first, last) in enumerate(self.spans)
            for j in self.matches[k]
        ]
        return _Edges(edges, self._end * width + self.length)

    def negative_log_likelihood(self, scores: Floats) -> tuple[float, Floats]:
        """Computes the loss of a line.

        Args:
            scores: of the candidates, of shape (n,).

        Returns:
            The negative logarithm of the probability of all right paths together, and its gradient by the scores.
        """
        log_all, share_of_all = self._edges.sum_paths(scores)
        log_right, share_of_right = self._right_edges.sum_paths(scores)
        return log_all - log_right, share_of_all - share_of_right


class _Edges:
    """The edges of a graph whose paths are summed by the forward-backward algorithm.

    Args:
        edges: (from, to, index of its score); each leads to a larger number.
        end: where paths end; they begin at 0.
    """

    def __init__(self, edges: list[tuple[int, int, int]], end: int) -> None:
        self._by_last = sorted(edges, key=lambda edge: edge[1])
        self._by_first = sorted(edges, key=lambda edge: -edge[0])
        self._end = end

    def sum_paths(self, scores: Floats) -> tuple[float, Floats]:
        """Sums over all paths; at least one leads to the end.

        Args:
            scores: of shape (n,).

        Returns:
            The logarithm of the sum of e to the score of each path; and its gradient, of shape (n,): the share of each
            score's edges in all paths.
        """
        values: list[float] = scores.tolist()
        forward = {0: 0.0}
        for first, last, k in self._by_last:
            if first in forward:
                total = forward[first] + values[k]
                forward[last] = _add_logarithms(forward[last], total) if last in forward else total
        backward = {self._end: 0.0}
        shares = [0.0] * len(values)
        for first, last, k in self._by_first:
            if last in backward and first in forward:
                total = backward[last] + values[k]
                shares[k] += math.exp(min(0.0, forward[first] + total - forward[self._end]))
                backward[first] = _add_logarithms(backward[first], total) if first in backward else total
        return forward[self._end], np.array(shares)


def _add_logarithms(left: float, right: float) -> float:
    """The logarithm of the sum of two numbers that are given by their logarithms."""
    larger, smaller = (left, right) if left > right else (right, left)
    return larger + math.log1p(math.exp(smaller - larger))


def fit_weights(examples: Sequence[Example], iterations: int, fixed: Sequence[int] = ()) -> Floats:
    """Fits the weights of the features.

    Args:
        examples: that can be read.
        iterations: of L-BFGS, at the most.
        fixed: indices of features whose weights stay 0.

    Returns:
        Weights of shape (f,).
    """
    from scipy.optimize import minimize

    spread = np.concatenate([example.features for example in examples]).std(axis=0)
    spread = np.where(spread < 1e-9, 1.0, spread)
    free = np.setdiff1d(np.arange(len(spread)), fixed)
    scaled = [(example.features / spread)[:, free] for example in examples]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = 0.0, np.zeros(len(free))
        for example, features in zip(examples, scaled, strict=True):
            value, by_score = example.negative_log_likelihood(features @ weights)
            total += value
            gradient += features.T @ by_score
        penalty = 0.5 * _PENALTY * float(weights @ weights)
        return total / len(examples) + penalty, gradient / len(examples) + _PENALTY * weights

    fitted = minimize(loss, np.zeros(len(free)), jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    weights = np.zeros(len(spread))
    weights[free] = fitted.x / spread[free]
    return weights
