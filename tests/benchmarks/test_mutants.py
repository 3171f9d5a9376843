"""A short run of `python -m benchmarks.hostile.mutants`."""

import sys

import pytest

from benchmarks.hostile import mutants
from benchmarks.hostile.mutants import Trial, damaged_files, main
from digits.images.formats import format_of

NEW = ("JPEG2000", "PPM", "ICO", "TGA", "PCX")


@pytest.mark.parametrize("form", NEW)
def test_damaged_files_are_of_the_format_and_follow_from_the_seed(form: str) -> None:
    files = list(damaged_files(form, 30, 1))
    assert files == list(damaged_files(form, 30, 1)) != list(damaged_files(form, 30, 2))
    assert {told.name for _, _, file in files if (told := format_of(file))} == {form}
    assert len(files) == 30


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory in /proc")
def test_damaged_files_are_decoded_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--format", "jp2", "--files", "60"]) == 0
    assert "findings: 0 of 60" in capsys.readouterr().out


@pytest.mark.parametrize("outcome", ["crash", "hang", "unexpected ValueError()"])
def test_what_is_neither_decoded_nor_refused_is_a_finding(outcome: str) -> None:
    assert Trial(1, "", outcome).is_finding
    assert not Trial(1, "", "decoded").is_finding
    assert not Trial(1, "", "BrokenImageError").is_finding


def test_a_format_that_this_machine_cannot_write_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mutants, "damaged_files", lambda *_: iter(()))
    assert main(["--format", "HEIF", "--files", "1"]) == 1
    assert "No file was told for HEIF" in capsys.readouterr().out
