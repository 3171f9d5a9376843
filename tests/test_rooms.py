"""The rooms of the package: layers, sizes of folders, no circles; and the command that draws their map."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.rooms import main, read_map, working_files
from tests.conftest import BIN, ROOT, run_python

MOST_MODULES = 12
MAP = read_map(working_files())


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "lint-imports"), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_rooms_import_only_rooms_below_them() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        (
            "digits/images/sources.py",
            "import digits.service.app",
            "digits.images is not allowed to import digits.service",
        ),
        ("digits/service/app.py", "import digits.app.main", "digits.service is not allowed to import digits.app"),
        ("digits/service/state.py", "import matplotlib", "digits.service is not allowed to import matplotlib"),
        ("digits/recognizer.py", "import digits.training.run", "digits.app is not allowed to import digits.training"),
    ],
)
def test_an_import_of_a_higher_room_is_found(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "digits", tmp_path / "digits", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / module
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert contract in " ".join(done.stdout.split())


def test_no_folder_holds_more_than_a_dozen_modules() -> None:
    assert {folder: count for folder, count in MAP.folders.items() if count > MOST_MODULES} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert MAP.circles == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    assert MAP.rooms.circles == []


def test_the_command_line_loads_what_it_needs_when_it_needs_it(tmp_path: Path) -> None:
    heavy = {"cv2", "fastapi", "numpy", "onnxruntime", "streamlit", "digits.training", "digits.evaluation"}
    script = f"import sys, digits.cli.main\nprint(sorted(set(sys.modules) & {heavy!r}))"
    done = run_python(["-c", script], tmp_path)
    assert done.stdout == "[]\n", done.stderr


SMALL = {
    "digits/__init__.py": "",
    "digits/errors.py": "",
    "digits/model/__init__.py": "",
    "digits/model/card.py": "from digits.errors import CardError\nfrom typing import TYPE_CHECKING\n"
    "if TYPE_CHECKING:\n    from digits.model.file import File\n",
    "digits/model/file.py": "from . import card\nimport numpy\ndef load():\n    from ..errors import FileError\n",
    "app.py": "import digits.model.file\nfrom digits import errors\n",
}


def test_the_map_counts_modules_arrows_and_floors() -> None:
    small = read_map(SMALL.items())
    assert small.imports["digits.model.file"] == {"digits.model.card", "digits.errors"}
    assert small.imports["digits.model.card"] == {"digits.errors"}
    assert small.imports["app"] == {"digits.model.file", "digits.errors"}
    assert (small.arrows, small.floors, small.circles) == (5, 4, [])
    assert small.largest_folder == ("digits/model", 2)
    assert small.rooms.imports["app"] == {"digits.model", "digits.errors"}


def test_the_map_shows_circles() -> None:
    changed = SMALL | {"digits/errors.py": "from digits.model.file import File\n"}
    circle = ["digits.errors", "digits.model.card", "digits.model.file"]
    assert read_map(changed.items()).circles == [circle]
    assert read_map(changed.items()).floors == 2
    assert read_map(changed.items()).rooms.circles == [["digits.errors", "digits.model"]]


def test_the_command_prints_the_map_of_the_working_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    folder, count = MAP.largest_folder
    assert f"{count} ({folder}/)" in shown
    assert "circles of modules                                0" in shown


def test_the_command_reads_a_commit_and_refuses_what_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["HEAD"]) == 0
    assert "floors" in capsys.readouterr().out
    assert main(["no-such-commit"]) == 1
    assert "no-such-commit" in capsys.readouterr().err
