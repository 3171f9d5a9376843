"""Pictures drawn by code get the answers that they got when the digests were written."""

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.accuracy.corpus.answers import (
    DIGESTS,
    Record,
    differences,
    read_digests,
    read_preprocessing_version,
    records,
    records_of_many,
    rounded_otherwise,
    write_digests,
)
from benchmarks.accuracy.corpus.numbers import number_pictures
from digits.errors import SettingError
from digits.model.engine import has_int8_instructions
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer
from digits.vision.mnist_form import PREPROCESSING_VERSION
from digits.vision.views.table import FIRST


@pytest.fixture(scope="module")
def committed() -> list[Record]:
    return read_digests()


def named(different: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}: {', '.join(fields)}" for name, fields in different.items())


def test_no_answer_has_changed(committed: list[Record]) -> None:
    different = differences(committed, records())
    assert not different, named(different)


@pytest.mark.skipif(not has_int8_instructions(), reason="this processor does not answer in int8")
def test_int8_reads_the_same_and_accepts_nearly_the_same(committed: list[Record]) -> None:
    # Two cuts between its digits, some pixels apart, are as likely as one another.
    tie = "touching/10"

    def read(record: Record) -> list[Any]:
        # What shows no digit, and is not accepted, is like one digit as little as like another.
        shows_none = record["name"].startswith(("sign/", "scribble/")) and not record.get("accepted")
        fields = ("error",) if shows_none else ("error", "digit", "text", "boxes")
        return [record.get(field) for field in fields if field != "boxes" or record["name"] != tie]

    int8, float32 = ({record["name"]: record for record in made} for made in (records("int8"), committed))
    assert {name for name in float32 if read(int8[name]) != read(float32[name])} == set()
    assert np.abs(np.subtract(int8[tie]["boxes"], float32[tie]["boxes"])).max() <= 5
    # A digit that is as sure as it has to be, and hardly more, may be accepted in one of the two alone.
    one_alone = [
        name
        for name in float32
        if any(int8[name].get(field) != float32[name].get(field) for field in ("accepted", "digits"))
    ]
    assert len(one_alone) <= 1, one_alone
    # Nothing else is accepted in int8 alone.
    assert not [name for name in one_alone if name.startswith(("sign/", "scribble/"))]


def test_a_digit_that_takes_in_others_is_not_accepted(recognizer: Recognizer) -> None:
    """One digit of this line was read as wide as three."""
    (picture,) = (picture for name, picture in number_pictures() if name == "heights/1")
    reading = read_picture(recognizer, picture)
    assert reading.transcript.replace(" ", "") == "7027" or not reading.accepted


def test_the_digests_are_of_this_version_of_the_preprocessing() -> None:
    assert read_preprocessing_version() == PREPROCESSING_VERSION


def test_a_changed_image_is_not_written_until_the_version_is_raised(committed: list[Record], tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    version = PREPROCESSING_VERSION
    write_digests(committed, file)
    changed = copy.deepcopy(committed)
    record = next(record for record in changed if record.get("view") == FIRST)
    record["image"] = "0" * 16
    with pytest.raises(SettingError, match=f"{record['name']}.*PREPROCESSING_VERSION .* is still {version}. Raise it"):
        write_digests(changed, file, version=version)
    assert read_digests(file) == committed
    write_digests(changed, file, version=version + 1)
    assert (read_digests(file), read_preprocessing_version(file)) == (changed, version + 1)


def test_other_changes_are_written_under_the_same_version(committed: list[Record], tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    write_digests(committed, file)
    changed = copy.deepcopy(committed)
    next(record for record in changed if "digit" in record)["digit"] = 10
    # Another picture may have another image.
    redrawn = next(record for record in changed if "image" in record)
    redrawn["picture"] = redrawn["image"] = "0" * 16
    write_digests(changed, file)
    assert read_digests(file) == changed


def test_many_at_a_time_get_the_same_answers(committed: list[Record]) -> None:
    many = list(records_of_many())
    names = {record["name"] for record in many}
    different = differences([record for record in committed if record["name"] in names], many)
    assert not different, named(different)


def test_the_corpus_is_large_and_varied(committed: list[Record]) -> None:
    names = [record["name"] for record in committed]
    assert names == sorted(set(names))
    assert DIGESTS.stat().st_size < 300_000
    numbers = [record for record in committed if "text" in record]
    singles = [record for record in committed if "digit" in record]
    assert len(singles) >= 420
    assert len(numbers) >= 80
    assert min(Counter(record["digit"] for record in singles if record["accepted"]).values()) >= 20
    outcomes = {record.get("error", record.get("reason")) for record in committed}
    refusals = {"not_a_digit", "low_confidence", "NoInkError", "SeveralDigitsError", "BrokenImageError"}
    assert outcomes >= {None, *refusals, "EmptyFileError", "UnsupportedFormatError"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("picture", "0" * 16),
        ("image", "0" * 16),
        ("digit", 10),
        ("accepted", None),
        ("reason", "other"),
        ("error", "NoInkError"),
    ],
)
def test_a_change_is_named(committed: list[Record], field: str, value: Any) -> None:
    changed = copy.deepcopy(committed)
    record = next(record for record in changed if "digit" in record)
    record[field] = value
    assert differences(committed, changed) == {record["name"]: [field]}


@pytest.mark.parametrize("field", ["probabilities", "confidences"])
@pytest.mark.parametrize(("change", "is_seen"), [(0.0001, False), (-0.0001, False), (0.0002, True), (-0.0002, True)])
def test_probabilities_may_be_rounded_otherwise(
    committed: list[Record], field: str, change: float, is_seen: bool
) -> None:
    changed = copy.deepcopy(committed)
    record = next(record for record in changed if field in record)
    record[field][0] = round(record[field][0] + change, 4)
    assert differences(committed, changed) == ({record["name"]: [field]} if is_seen else {})
    assert rounded_otherwise(committed, changed) == ([] if is_seen else [record["name"]])


def test_a_box_moved_by_a_pixel_is_named(committed: list[Record]) -> None:
    changed = copy.deepcopy(committed)
    record = next(record for record in changed if "boxes" in record)
    record["boxes"][0][0] += 1
    assert differences(committed, changed) == {record["name"]: ["boxes"]}


def test_pictures_that_come_or_go_are_named(committed: list[Record]) -> None:
    first, *others = committed
    assert differences(committed, others) == {first["name"]: ["is drawn no more"]}
    assert differences(others, committed) == {first["name"]: ["is not among the digests"]}
