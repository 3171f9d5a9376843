from pathlib import Path

import pytest

from digits.errors import ModelNotFoundError, SettingError
from digits.model.history import FOLDER, keep, kept, roll_back


def replace(path: Path, content: str, count: int = 3) -> None:
    keep(path, count)
    part = path.with_suffix(".part")
    part.write_text(content)
    part.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mnist_model.keras"
    for number in range(1, 7):
        replace(path, f"model {number}")
    return path


def test_the_last_three_replaced_files_are_kept(path: Path) -> None:
    assert [file.read_text() for file in kept(path)] == ["model 5", "model 4", "model 3"]
    assert len(list((path.parent / FOLDER).iterdir())) == 3


def test_another_number_of_them_is_kept_if_asked(path: Path) -> None:
    replace(path, "model 7", count=1)
    assert [file.read_text() for file in kept(path)] == ["model 6"]
    replace(path, "model 8", count=0)
    assert [file.read_text() for file in kept(path)] == ["model 6"]


def test_the_first_model_replaces_nothing(tmp_path: Path) -> None:
    assert keep(tmp_path / "mnist_model.keras") is None
    assert list(tmp_path.iterdir()) == []


def test_rolling_back_goes_one_model_back_each_time_and_loses_none(path: Path) -> None:
    for number in (5, 4, 3):
        _, aside = roll_back(path)
        assert path.read_text() == f"model {number}"
        assert aside is not None
        assert aside.read_text() == f"model {number + 1}"
    with pytest.raises(ModelNotFoundError, match=r"No earlier mnist_model.keras is kept in .*previous, so there"):
        roll_back(path)
    assert path.read_text() == "model 3"


def test_a_model_that_was_lost_comes_back(path: Path) -> None:
    path.unlink()
    assert roll_back(path)[1] is None
    assert path.read_text() == "model 5"


def test_models_of_other_names_in_the_folder_are_left_alone(path: Path) -> None:
    other = path.with_name("mnist_model-2.keras")
    replace(other, "other 1")
    replace(other, "other 2")
    for number in range(7, 12):
        replace(path, f"model {number}")
    assert [file.read_text() for file in kept(other)] == ["other 1"]
    assert [file.read_text() for file in kept(path)] == ["model 10", "model 9", "model 8"]


def test_where_nothing_can_be_kept_nothing_is_replaced(path: Path) -> None:
    for file in (path.parent / FOLDER).iterdir():
        file.unlink()
    (path.parent / FOLDER).rmdir()
    (path.parent / FOLDER).write_text("a file is in the way")
    with pytest.raises(SettingError, match="cannot be kept in"):
        keep(path)


def test_a_second_rollback_keeps_what_the_first_one_set_aside(path: Path) -> None:
    newest = path.read_bytes()
    _, first = roll_back(path)
    second_newest = path.read_bytes()
    _, second = roll_back(path)
    assert first is not None
    assert second is not None
    assert (first.read_bytes(), second.read_bytes()) == (newest, second_newest)


def test_of_a_symbolic_link_the_file_is_kept_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real.keras").write_bytes(b"old")
    link = tmp_path / "model.keras"
    link.symlink_to(tmp_path / "real.keras")
    copy = keep(link, 3)
    assert copy is not None
    assert not copy.is_symlink()
    assert copy.read_bytes() == b"old"
