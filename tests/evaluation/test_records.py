from dataclasses import replace
from pathlib import Path

import pytest

from digits.errors import DataMismatchError
from digits.evaluation.pictures import Measurement
from digits.evaluation.records import evaluations_of, keep_evaluation
from digits.evaluation.statistics import Share

FOUND = Measurement(
    accuracy=Share(8, 10),
    accepted=Share(9, 10),
    accepted_accuracy=Share(8, 9),
    by_source={"pen": Share(3, 4)},
    confused=[],
    rejected={"letter": Share(1, 2)},
    auroc=None,
)


def test_what_was_found_is_kept_by_model_the_newest_first_and_the_last_of_each_folder(tmp_path: Path) -> None:
    file = tmp_path / "new" / "evaluations.json"
    keep_evaluation("a", "one", FOUND, file)
    keep_evaluation("a", "two", FOUND, file)
    keep_evaluation("b", "one", FOUND, file)
    keep_evaluation("a", "one", replace(FOUND, accuracy=Share(9, 10)), file)
    one, two = evaluations_of("a", file)
    assert (one.what, one.accuracy) == ("one", Share(9, 10))
    assert (two.what, two.accuracy, two.by_source, two.rejected) == (
        "two", FOUND.accuracy, FOUND.by_source, FOUND.rejected,
    )  # fmt: skip
    assert [one.what for one in evaluations_of("b", file)] == ["one"]
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("share", [Share(9, 8), Share(-1, 8), Share("8", 9), Share(1.5, 2)])  # type: ignore[arg-type]
@pytest.mark.parametrize("where", ["accuracy", "rejected"])
def test_a_share_that_is_none_is_told(tmp_path: Path, share: Share, where: str) -> None:
    file = tmp_path / "evaluations.json"
    change = {"accuracy": share} if where == "accuracy" else {"rejected": {"letter": share}}
    keep_evaluation("a", "one", replace(FOUND, **change), file)
    with pytest.raises(DataMismatchError, match="Delete it, and evaluate again"):
        evaluations_of("a", file)


def test_where_nothing_was_kept_there_is_nothing(tmp_path: Path) -> None:
    assert evaluations_of("a", tmp_path / "none.json") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[1]", '[{"model": "a"}]', '{"a": 1}', "7"])
def test_a_file_of_another_form_is_told_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "evaluations.json"
    file.write_text(text)
    for use in (lambda: evaluations_of("a", file), lambda: keep_evaluation("a", "one", FOUND, file)):
        with pytest.raises(DataMismatchError, match="Delete it, and evaluate again"):
            use()
    assert file.read_text() == text
