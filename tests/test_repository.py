"""What must hold for the repository as a whole."""

import importlib
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from digits.model.artifact import read
from digits.recognizer import shipped_model
from digits.training.keras_install import NEWEST_PYTHON
from tests.conftest import BIN, ROOT, repository_files, run_python

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
# The pairs of a trained model's makers that the serving wing must never load.
TRAINING_ONLY = ("tensorflow", "keras", "matplotlib", "tf2onnx", "onnx")


def locked(lock: Path) -> dict[str, set[str]]:
    """The versions of each package in a lock file; markers may choose between several."""
    versions: dict[str, set[str]] = {}
    for line in lock.read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix("\\").strip())
            versions.setdefault(requirement.name, set()).add(str(requirement.specifier))
    return versions


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_dependency_is_pinned_with_hashes(lock: Path) -> None:
    blocks = re.split(r"\n(?=\S)", lock.read_text().strip())
    # The fuzzer depends on nothing else.
    assert len(blocks) > (1 if lock.stem == "bench-atheris" else 3)
    for block in blocks:
        assert re.match(r"[\w.-]+==[\w.]+", block), block
        assert "--hash=sha256:" in block, block
    assert "://" not in lock.read_text()


def test_the_installs_agree_on_every_version() -> None:
    everything = locked(ROOT / "requirements" / "all.txt")
    for lock in LOCKS:
        # Other servers, for the benchmarks, have environments of their own.
        if lock.name.startswith("bench-"):
            continue
        for name, versions in locked(lock).items():
            assert versions <= everything[name], f"{lock.name}: {name}"


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("serve", []),
        ("app", ["app", "pdf", "phone"]),
        ("bulk", ["bulk"]),
        ("ray", ["ray"]),
        ("train", ["train"]),
        ("all", ["app", "bulk", "pdf", "phone", "ray", "traces", "train", "dev"]),
    ],
)
def test_each_lock_satisfies_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    project = PROJECT["project"]
    wanted = project["dependencies"] + [item for extra in extras for item in project["optional-dependencies"][extra]]
    versions = locked(ROOT / "requirements" / f"{lock}.txt")
    for item in wanted:
        requirement = Requirement(item)
        if requirement.name != "digits":
            for specifier in versions[requirement.name]:
                assert requirement.specifier.contains(specifier.removeprefix("==")), item


def test_serving_installs_nothing_of_training_or_app() -> None:
    names = set(locked(ROOT / "requirements" / "serve.txt"))
    assert not names & {*TRAINING_ONLY, "streamlit", "pandas", "pytest"}
    assert not set(locked(ROOT / "requirements" / "app.txt")) & set(TRAINING_ONLY)


def test_no_registry_is_named_in_any_file() -> None:
    # Put together here, so that this file does not name them either.
    hosts = [
        ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"))
    ]
    for file in repository_files():
        content = (ROOT / file).read_bytes()
        for host in hosts:
            assert host.encode() not in content, f"{file} names {host}"


def test_training_asks_for_the_pythons_that_tensorflow_supports() -> None:
    # Its classifiers name each version that it has wheels for.
    classifiers = metadata.metadata("tensorflow").get_all("Classifier") or []
    wheels = {c.rsplit(" ", 1)[1] for c in classifiers if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", c)}
    newest = max(wheels, key=Version)
    assert newest == ".".join(map(str, NEWEST_PYTHON))
    after = f"3.{int(newest.split('.')[1]) + 1}"
    training = PROJECT["project"]["optional-dependencies"]["train"]
    assert [line for line in training if line.startswith(("tensorflow", "tf2onnx"))] == [
        f"tensorflow>=2.21; python_version < '{after}'",
        f"tf2onnx>=1.17; python_version < '{after}'",
    ]


def test_serving_takes_newer_pythons_than_training() -> None:
    supported = SpecifierSet(PROJECT["project"]["requires-python"])
    assert Version(f"{sys.version_info[0]}.{sys.version_info[1]}") in supported
    ours = {c.rsplit(" ", 1)[1] for c in PROJECT["project"]["classifiers"] if "Python ::" in c}
    assert ours == {"3.11", "3.12", "3.13", "3.14"}
    assert all(supported.contains(version) for version in ours)


def test_the_set_up_takes_the_same_pythons_as_the_project() -> None:
    script = (ROOT / "scripts" / "make_venv.sh").read_text()
    assert f"(3, 11) <= sys.version_info[:2] < (3, {NEWEST_PYTHON[1] + 1})" in script
    assert f"sys.version_info[:2] >= (3, {NEWEST_PYTHON[1] + 1})" in (ROOT / "Makefile").read_text()
    assert PROJECT["project"]["requires-python"] == ">=3.11"


@pytest.mark.parametrize("start", ["import digits", "import digits.cli.main", "import digits.recognizer", "import api"])
def test_serving_imports_nothing_of_training(start: str, sample: Path, tmp_path: Path) -> None:
    # The API is also started and asked, the recognizer used: nothing may be imported late either.
    use = {
        "import api": (
            "from fastapi.testclient import TestClient\n"
            "with TestClient(api.app) as client:\n"
            f"    answer = client.post('/predict/', files={{'file': open({str(sample)!r}, 'rb')}})\n"
            "assert answer.json()['predicted_digit'] == 7\n"
        ),
        "import digits.recognizer": (
            f"assert digits.recognizer.Recognizer.load().recognize(open({str(sample)!r}, 'rb').read()).digit == 7\n"
        ),
        "import digits.cli.main": f"digits.cli.main.main(['predict', {str(sample)!r}])\n",
    }.get(start, "")
    check = f"import sys\nprint(sorted({{name.split('.')[0] for name in sys.modules}} & {set(TRAINING_ONLY)!r}))\n"
    (tmp_path / "api").symlink_to(ROOT / "api")
    done = run_python(["-W", "ignore", "-c", f"{start}\n{use}{check}"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_app_imports_nothing_of_training(sample: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / 'app.py')!r}, default_timeout=30).run()\n"
        f"app.file_uploader[0].set_value(('7.png', open({str(sample)!r}, 'rb').read(), 'image/png')).run()\n"
        "assert not app.exception\n"
        f"print(sorted({{name.split('.')[0] for name in sys.modules}} & {set(TRAINING_ONLY)!r}))\n"
    )
    done = run_python(["-c", script], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_started_programs_import_the_package_that_is_tested(tmp_path: Path) -> None:
    done = run_python(["-c", "import digits; print(digits.__file__)"], tmp_path)
    assert Path(done.stdout.strip()) == ROOT / "digits" / "__init__.py"


def test_the_shipped_model_is_small_and_says_how_it_was_made() -> None:
    file = shipped_model()
    card = read(file).card
    # Two thirds of it are weights with what the optimizer knows of each, so that training can go on from them.
    assert file.stat().st_size <= 2_500_000
    assert card.command is not None
    assert card.command.startswith(f"python train.py --out {file.relative_to(ROOT).as_posix()}")
    assert card.seed is not None
    assert card.test_accuracy is not None


def test_modules_keep_to_one_idea() -> None:
    for file in repository_files():
        if file.suffix == ".py":
            assert len((ROOT / file).read_text().splitlines()) <= 340, file


@pytest.mark.parametrize("command", ["ruff check .", "ruff format --check .", "mypy"])
def test_the_code_passes_its_own_checks(command: str) -> None:
    name, *arguments = command.split()
    done = subprocess.run([str(BIN / name), *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_story_in_train_py_names_what_is_there() -> None:
    names = re.findall(r"^    \w+ +(digits[\w.]+)\.(\w+) ", (ROOT / "train.py").read_text(), re.MULTILINE)
    assert len(names) == 9
    for module, name in names:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_the_bare_command_starts_the_api() -> None:
    assert PROJECT["tool"]["fastapi"]["entrypoint"] == "api:app"
