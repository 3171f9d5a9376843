"""A new model beside the one that it would replace."""

from pathlib import Path

import pytest

from digits.evaluation.statistics import Share
from digits.recognizer import Recognizer, shipped_model
from digits.training.extra.comparison import Comparison, Standing, candidate_of, model_to_beat


def shares(test: int, held_out: int) -> Standing:
    return Standing(Share(test, 10_000), Share(held_out, 10))


@pytest.mark.parametrize(
    ("after", "worse"),
    [
        (shares(9_800, 8), []),
        (shares(9_801, 9), []),
        (shares(9_799, 10), ["the MNIST test set"]),
        (shares(9_900, 7), ["the held-out pictures"]),
        (shares(9_799, 7), ["the MNIST test set", "the held-out pictures"]),
    ],
)
def test_a_new_model_has_to_be_as_good_on_both(after: Standing, worse: list[str]) -> None:
    compared = Comparison(shares(9_800, 8), after)
    assert compared.worse_on == worse
    assert compared.lines()[1] == "before    98.00% (9,800 of 10,000)    80.00% (8 of 10)"


def test_a_refusal_says_why_and_which_recipe_would_be_the_same() -> None:
    compared = Comparison(shares(9_964, 10), shares(9_770, 10))
    lines = compared.refusal(Recognizer.load(shipped_model()), "reference", Path("m.candidate.keras"))
    assert lines == [
        "The new model is worse on the MNIST test set, so the model that ships with Digits stays in use.",
        "That one is of another recipe; to train the same: --recipe convnet",
        "The new model is kept as m.candidate.keras; nothing uses it.",
    ]
    assert len(compared.refusal(Recognizer.load(shipped_model()), "convnet", Path("m.candidate.keras"))) == 2


def test_a_comparison_on_data_of_ones_own_names_it() -> None:
    compared = Comparison(shares(9_964, 10), shares(9_770, 10), "own.npz")
    assert compared.worse_on == ["the own.npz test set"]
    assert compared.lines()[-1] == "The test images are those of own.npz."


def test_the_model_to_beat_is_the_one_there_or_else_the_one_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "mine.keras"
    assert model_to_beat(out).path == shipped_model()
    monkeypatch.setenv("DIGITS_MODEL", "used.keras")
    Path("used.keras").write_bytes(shipped_model().read_bytes())
    assert model_to_beat(out).path == Path("used.keras")
    out.write_bytes(shipped_model().read_bytes())
    assert model_to_beat(out).path == out
    assert candidate_of(out) == tmp_path / "mine.candidate.keras"
