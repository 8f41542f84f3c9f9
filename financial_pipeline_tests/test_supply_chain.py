"""Each thing that CI fetches is named by its content."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from financial_pipeline_tests.conftest import PROJECT_ROOT

USES = re.compile(r"uses: *(\S+)")
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
WORKFLOWS = sorted((PROJECT_ROOT / ".github" / "workflows").glob("*.yml"))
# The one workflow whose jobs may write, and what each may do.
RELEASE: dict[str, Any] = yaml.safe_load(
    (PROJECT_ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
)
READS, ATTESTS = {"contents": "read"}, {"attestations": "write", "id-token": "write"}
MAY = {
    "packages": READS | ATTESTS | {"actions": "read"},
    "image": READS | ATTESTS | {"packages": "write"},
    "release": {"actions": "read", "contents": "write"},
}
# A name with its commit and, for people, its version.
VERSIONED = re.compile(r"uses: *(\S+)@([0-9a-f]{40}) # (v[\d.]+)$", re.MULTILINE)
HASHED = re.compile(r"--require-hashes|--no-deps --editable \.")


def test_actions_are_pinned_by_commit() -> None:
    used = [name for file in WORKFLOWS for name in USES.findall(file.read_text("utf-8"))]
    assert len(used) == 24
    assert [name for name in used if not PINNED.fullmatch(name)] == []


def test_an_action_has_one_commit_and_one_version_everywhere() -> None:
    texts = [file.read_text("utf-8") for file in WORKFLOWS]
    named = [match for text in texts for match in VERSIONED.findall(text)]
    assert len(named) == sum(len(USES.findall(text)) for text in texts)
    assert len(set(named)) == len({name for name, _, _ in named})


def test_workflows_may_only_read() -> None:
    for file in WORKFLOWS:
        text = file.read_text("utf-8")
        assert "permissions:\n  contents: read\n" in text, file.name
        assert "pull_request_target" not in text, file.name
        assert "secrets." not in text, file.name
        jobs = yaml.safe_load(text)["jobs"].values()
        assert file.stem == "release" or not [job for job in jobs if "permissions" in job]


def test_jobs_of_a_release_have_the_rights_that_they_use() -> None:
    assert {name: job["permissions"] for name, job in RELEASE["jobs"].items()} == MAY


def test_only_a_tag_starts_a_release() -> None:
    # YAML reads `on` as true.
    assert RELEASE[True] == {"push": {"tags": ["v*"]}}
    assert RELEASE["concurrency"]["cancel-in-progress"] is False
    assert RELEASE["jobs"]["release"]["needs"] == ["packages", "image"]


def test_packages_and_image_of_a_release_are_attested() -> None:
    for name in ("packages", "image"):
        used = [step.get("uses", "").split("@")[0] for step in RELEASE["jobs"][name]["steps"]]
        assert "actions/attest-build-provenance" in used
    commands = json.dumps(RELEASE["jobs"]["image"]["steps"])
    assert "--sbom true --provenance mode=max" in commands


def test_values_from_outside_are_no_part_of_a_script() -> None:
    for file in WORKFLOWS:
        jobs = yaml.safe_load(file.read_text("utf-8"))["jobs"].values()
        scripts = [step.get("run", "") for job in jobs for step in job["steps"]]
        assert [script for script in scripts if "${{" in script] == [], file.name


def test_the_nightly_audit_reads_every_lock_of_python_packages() -> None:
    nightly = (PROJECT_ROOT / ".github" / "workflows" / "nightly.yml").read_text("utf-8")
    locks = [*PROJECT_ROOT.glob("*/**/requirements.lock"), *PROJECT_ROOT.glob(".ci/*.txt")]
    names = {path.relative_to(PROJECT_ROOT).as_posix() for path in locks}
    names = {name for name in names if not name.startswith((".venv", "build/"))}
    assert len(names) == 7
    # The development lock contains all of requirements.lock.
    assert [name for name in names | {"requirements-dev.lock"} if name not in nightly] == []


@pytest.mark.slow
def test_packages_are_built_with_a_list_of_their_locked_dependencies(tmp_path: Path) -> None:
    subprocess.run(
        ["make", "--silent", "dist", f"DIST={tmp_path}"], cwd=PROJECT_ROOT, check=True, timeout=600
    )
    suffixes = sorted(path.name.rpartition(".")[2] for path in tmp_path.glob("[!.]*"))
    assert suffixes == ["gz", "json", "whl"]
    bom = json.loads((tmp_path / "financial-pipeline.cdx.json").read_text("utf-8"))
    listed = {f"{part['name']}=={part['version']}" for part in bom["components"]}
    lines = (PROJECT_ROOT / "requirements.lock").read_text("utf-8").splitlines()
    assert listed == {line.split()[0] for line in lines if re.match(r"[a-z0-9]", line)}


def test_the_makefile_installs_by_hash() -> None:
    lines = (PROJECT_ROOT / "Makefile").read_text("utf-8").splitlines()
    installs = [line for line in lines if re.search(r"pip install|\(INSTALL\)", line)]
    unhashed = [line for line in installs if not HASHED.search(line)]
    # The definition of INSTALL itself.
    assert unhashed == ["INSTALL := $(UV) pip install --quiet --python $(BIN)/python"]
    assert "--hash=sha256:" in (PROJECT_ROOT / ".ci" / "uv.txt").read_text("utf-8")
