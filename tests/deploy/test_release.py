"""What a release is made with: workflows whose steps are pinned, and the list of the parts of the serving install."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import BIN, ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job.get("steps", [])]


def make_commands(target: str) -> list[str]:
    """The commands of a target of the Makefile, with their variables filled in."""
    shown = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return shown.replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_every_action_is_pinned_by_digest_and_says_its_version(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8"))
    assert used
    for action in used:
        # A workflow of this repository is the one of the same commit.
        assert action.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_no_job_may_do_more_than_read_unless_it_says_so(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_every_make_target_of_a_workflow_exists(workflow: Path) -> None:
    for step in steps(workflow):
        for target in re.findall(r"^make (\w+)", step.get("run", ""), re.MULTILINE):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), target


def test_a_release_is_tested_and_its_tag_compared_before_anything_is_published() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads the key `on` as true.
    needs = {name: job.get("needs") for name, job in workflow["jobs"].items()}
    assert needs == {"test": None, "wheel": "test", "publish": "wheel", "image": "wheel"}
    assert any('= "$GITHUB_REF_NAME"' in step.get("run", "") for step in workflow["jobs"]["wheel"]["steps"])


def test_an_image_with_attestations_is_built_by_a_builder_that_can_make_them() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    used = [step.get("uses", "").partition("@")[0] for step in workflow["jobs"]["image"]["steps"]]
    assert used.index("docker/setup-buildx-action") < used.index("docker/build-push-action")


def test_the_list_of_parts_has_every_package_of_the_serving_lock(tmp_path: Path) -> None:
    (command,) = [line for line in make_commands("release") if "cyclonedx-py" in line]
    words = command.lstrip("@").replace(".venv/bin/cyclonedx-py", str(BIN / "cyclonedx-py"))
    words = words.replace("dist/sbom.cdx.json", str(tmp_path / "sbom.cdx.json"))
    done = subprocess.run(["sh", "-c", words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    parts = json.loads((tmp_path / "sbom.cdx.json").read_text(encoding="utf-8"))
    listed = {(part["name"], part["version"]) for part in parts["components"]}
    lock = (ROOT / "requirements" / "serve.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock, re.MULTILINE))
    assert len(locked) >= 30
    assert locked <= listed
