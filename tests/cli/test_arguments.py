from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.cli.arguments import EXIT_USAGE, ArgumentParser, keras_file, one_of, whole_number
from digits.cli.main import main


@given(st.integers(-1000, 1000))
def test_a_whole_number_is_taken_inside_its_range_only(value: int) -> None:
    parse = whole_number(-5, 300)
    if -5 <= value <= 300:
        assert parse(str(value)) == value
    else:
        with pytest.raises(ArgumentTypeError, match=f"'{value}' is not a whole number from -5 to 300"):
            parse(str(value))


@pytest.mark.parametrize("text", ["", "ten", "1.5", "1e3", "0x10", "inf", "9" * 5000])
def test_what_is_no_whole_number_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a whole number from 0 to 9"):
        whole_number(0, 9)(text)


def test_a_name_is_one_of_those_there_are_or_an_error_that_lists_them() -> None:
    parse = one_of(["reference", "other"])
    assert parse("other") == "other"
    with pytest.raises(ArgumentTypeError, match="'Other' is not one of: reference, other"):
        parse("Other")


@pytest.mark.parametrize("text", ["model.keras", "new/folder/model.keras", "/tmp/a b.keras"])
def test_a_model_file_ends_in_keras(text: str) -> None:
    assert keras_file(text) == Path(text)


@pytest.mark.parametrize("text", ["model.h5", "model", "", ".keras", "model.keras.bak"])
def test_another_ending_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"does not end in .keras"):
        keras_file(text)


def test_a_value_that_begins_with_a_minus_is_told_how_to_write_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["read", "--expect", "-##", "a.png"])
    beginning = (
        "digits read: argument --expect: expected one argument; if it begins with a minus, write --expect='-...'"
    )
    assert capsys.readouterr().err.startswith(beginning)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("prdict", "the nearest is predict."),
        ("modle", "the nearest is model."),
        ("xyz", "there are predict, read, model,"),
    ],
)
def test_a_command_that_there_is_not_gets_the_nearest(name: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "a.png"])
    assert ended.value.code == EXIT_USAGE
    assert capsys.readouterr().err.startswith(f"digits: there is no command '{name}'; {hint}")


def test_a_folder_is_refused_as_a_model_file(tmp_path: Path) -> None:
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(ArgumentTypeError, match=r"is a folder; name a file in it, such as .*my_model.keras"):
        keras_file(str(tmp_path / "folder.keras"))


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--epochs"], ["--epoch-count", "3"], ["more"]])
def test_a_wrong_command_line_ends_with_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    parser = ArgumentParser(prog="train.py")
    parser.add_argument("--epochs", type=whole_number(1, 100))
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)
    out, err = capsys.readouterr()
    assert ended.value.code == EXIT_USAGE
    assert out == ""
    assert err.startswith("train.py: ")
    assert err.endswith(". See train.py --help.\n")
    assert err.count("\n") == 1
