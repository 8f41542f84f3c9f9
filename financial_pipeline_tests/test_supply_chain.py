"""The steps of CI, and the content hash of each thing that it fetches."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from financial_pipeline.cli.main import bench
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
CI, NIGHTLY = (
    yaml.safe_load((PROJECT_ROOT / ".github" / "workflows" / name).read_text("utf-8"))
    for name in ("ci.yml", "nightly.yml")
)
# A name with its commit and, for people, its version.
VERSIONED = re.compile(r"uses: *(\S+)@([0-9a-f]{40}) # (v[\d.]+)$", re.MULTILINE)
HASHED = re.compile(r"--require-hashes|--no-deps --editable \.")


def test_actions_are_pinned_by_commit() -> None:
    used = [name for file in WORKFLOWS for name in USES.findall(file.read_text("utf-8"))]
    assert len(used) == 38
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
    # `docker/list_image.py` fails before anything is attested or published.
    names = [step.get("name", step.get("uses", "")) for step in RELEASE["jobs"]["image"]["steps"]]
    assert "list_image.py --archive - --json" in commands
    assert names.index("List the contents; fail if there are some that must not be") == 3


def runs(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_workflows_are_valid_by_their_schema() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    schema = ("--builtin-schema", "vendor.github-workflows")
    done = subprocess.run([checker, *schema, *WORKFLOWS], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_a_push_runs_form_types_documentation_demo_and_tests_on_each_python() -> None:
    assert set(CI[True]) == {"push", "pull_request"}
    jobs = CI["jobs"]
    assert runs(jobs["form"]) == ["make lint", "make types", "make definitions"]
    assert jobs["form"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert runs(jobs["docs"]) == ["make docs"]
    # The demo and all tests on 3.11.
    assert runs(jobs["everything"]) == [".ci/run"]
    assert runs(jobs["tests"]) == ["make test"]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == ["3.12", "3.13"]


def test_every_night_runs_all_tests_drills_and_benchmarks() -> None:
    jobs = NIGHTLY["jobs"]
    drills = ".venv/bin/financial-pipeline drill"
    assert runs(jobs["everything"]) == ["make airflow", "make test-all", drills]
    named = [line.split()[2] for line in runs(jobs["benchmarks"]) if " bench " in line]
    assert named == ["backfill", "engines", "metrics", "dashboard"]
    assert set(named) <= set(bench.list_commands(click.Context(bench)))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_make_takes_the_python_of_the_workflow_and_runs_do_not_meet(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text("utf-8"))
    assert workflow["env"]["PYTHON"] == "python3"
    assert set(workflow["concurrency"]) == {"group", "cancel-in-progress"}
    shown = subprocess.run(
        ["make", "--print-data-base", "--just-print", "help"],
        cwd=PROJECT_ROOT,
        env=os.environ | workflow["env"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\nPYTHON = python3\n" in shown.stdout


@pytest.mark.parametrize("workflow", [CI, NIGHTLY], ids=["ci", "nightly"])
def test_jobs_keep_the_packages_that_uv_fetches(workflow: dict[str, Any]) -> None:
    for name, job in workflow["jobs"].items():
        caches = [step for step in job["steps"] if "actions/cache@" in step.get("uses", "")]
        assert len(caches) == (name != "audit"), name
        assert all("~/.cache/uv" in step["with"]["path"] for step in caches)
        # That of pip would only have uv itself.
        assert not [step for step in job["steps"] if "cache" in step.get("with", {})]


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
    assert len(names) == 6
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
