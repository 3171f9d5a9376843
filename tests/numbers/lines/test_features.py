"""What tells which of two ways to read a line is right."""

import numpy as np
import pytest

from digits.numbers.lines.features import CHOICE_FEATURES, choice_features


def features(network: str, lattice: str, ratio: float = 2.0) -> dict[str, float]:
    told = choice_features(-1.0, -1.0 - ratio, 0.9, 0.8, has_path=True, shown=(tuple(network), tuple(lattice)))
    assert np.isfinite(told).all()
    return dict(zip(CHOICE_FEATURES, told.tolist(), strict=True))


@pytest.mark.parametrize(
    ("network", "lattice", "unknown", "more", "less"),
    [("12", "1?", 1, 1, 0), ("1?", "12", 0, 0, 1), ("37/5", "3715", 0, 0, 1), ("12345678", "1???????", 3, 3, 0)],
)
def test_what_one_way_has_and_the_other_has_not(
    network: str, lattice: str, unknown: float, more: float, less: float
) -> None:
    told = features(network, lattice)
    assert told["unknown signs of the other that it knows"] == unknown
    assert told["digits that it has more"] == more
    assert told["digits that it has less"] == less


def test_what_is_impossible_is_no_more_than_hardly_likely() -> None:
    told = choice_features(-1.0, -np.inf, 0.0, 0.0, has_path=False, shown=(("1",), ("7",)))
    assert np.isfinite(told).all()
    assert dict(zip(CHOICE_FEATURES, told.tolist(), strict=True))["no such path"] == 1.0
