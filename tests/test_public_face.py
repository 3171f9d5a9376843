"""What `import digits` offers."""

import sys
from pathlib import Path

import pytest

import digits
from digits import NumberReader, Recognizer
from tests.conftest import ROOT, run_python


def test_every_public_name_is_there() -> None:
    assert all(hasattr(digits, name) for name in digits.__all__)
    assert set(dir(digits)) == set(digits.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Detector'"):
        digits.Detector  # noqa: B018


def test_a_number_is_read_in_two_lines_of_code() -> None:
    picture = (ROOT / "digits" / "samples" / "numbers" / "two_lines.png").read_bytes()
    assert len(NumberReader.load().read(picture).lines) == 2


def test_a_digit_is_read_in_two_lines_of_code(sample: Path) -> None:
    assert Recognizer.load().recognize(sample.read_bytes()).digit == 7


def test_the_import_alone_loads_no_library(tmp_path: Path) -> None:
    done = run_python(["-c", "import digits, sys; print('numpy' in sys.modules)"], ROOT)
    assert done.stdout == "False\n", done.stderr
    assert "numpy" in sys.modules
