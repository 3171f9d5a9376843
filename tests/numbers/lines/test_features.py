"""What tells which of two ways to read a line is right."""

from dataclasses import replace

import numpy as np
import pytest

from digits.numbers.decoding_file import shipped_decoding
from digits.numbers.lines.features import (
    CHOICE_FEATURES,
    LEAST_ALONE,
    LEAST_PATH,
    Evidence,
    choice_features,
    is_sure,
    lattice_features,
)


def features(network: str, lattice: str, held: float | None = -4.0) -> dict[str, float]:
    told = choice_features(Evidence(network, -1.0, held), Evidence(lattice, -3.0, -0.5), 0.9, 0.8)
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
    told = choice_features(Evidence("1", -1.0, None), Evidence("7", -np.inf, -20.0), 0.0, 0.0)
    assert np.isfinite(told).all()
    assert dict(zip(CHOICE_FEATURES, told.tolist(), strict=True))["no such path"] == 1.0


def test_how_much_likelier_the_lattice_takes_its_own_way() -> None:
    likelier = "log of how much likelier the lattice takes the other"
    assert features("17", "11")[likelier] == 3.5
    # Where it has no path for the other way, it says nothing of it.
    told = features("17", "11", None)
    assert (told[likelier], told["no such path"]) == (0.0, 1.0)


def test_signs_are_counted_apart_from_digits() -> None:
    assert features("4/5", "415")["signs that it has more"] == 1.0
    assert features("415", "4/5")["signs that it has less"] == 1.0


@pytest.mark.parametrize(
    ("path", "alone", "expected"),
    [(0.995, 0.99, True), (LEAST_PATH - 0.01, 0.99, False), (0.995, LEAST_ALONE - 0.01, False)],
)
def test_no_line_is_sure_by_an_unlikely_path_or_a_network_that_doubts(
    path: float, alone: float, expected: bool
) -> None:
    decoding = replace(shipped_decoding().fitted, sure=0.1, sure_path=0.0, sure_alone=0.0)
    assert is_sure(lattice_features([0.999] * 4, path, alone, 0), path, alone, decoding) == expected
    # The fit may ask for more.
    assert not is_sure(
        lattice_features([0.999] * 4, path, alone, 0), path, alone, replace(decoding, sure_path=1.0, sure_alone=1.0)
    )
