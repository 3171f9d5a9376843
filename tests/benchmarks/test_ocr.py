"""The comparison with general text readers counts rightly, and says what it could not measure."""

import shutil
from pathlib import Path

import pytest

from benchmarks.accuracy import ocr
from digits.data.mnist import Mnist
from digits.synthetic.pages import KINDS, write_numbers


def test_only_digits_count() -> None:
    assert ocr.digits_of("No. 12-3 ४") == "123"


def test_a_reader_that_is_always_right_reads_everything_exactly(mnist: Mnist, tmp_path: Path) -> None:
    truth = iter(
        [
            written.text.split("\n")
            for page in KINDS.values()
            for written in write_numbers(page, mnist.x_test, mnist.y_test, 2)
        ]
    )
    rows = list(ocr.compare(lambda _file, _lines: next(truth), mnist, 2, tmp_path))
    assert [kind for kind, _, _ in rows] == list(KINDS)
    assert all(exact.hits == 2 and errors.value == 0.0 for _, exact, errors in rows)


def test_a_reader_that_reads_nothing_has_one_error_for_each_digit(mnist: Mnist, tmp_path: Path) -> None:
    rows = list(ocr.compare(lambda _file, _lines: [], mnist, 2, tmp_path))
    assert all(exact.hits == 0 and errors.value == 1.0 for _, exact, errors in rows)


def test_a_reader_that_is_not_installed_is_said_to_be_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(RuntimeError, match="tesseract-ocr"), ocr.tesseract():
        pass
