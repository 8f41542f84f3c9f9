"""Each thing that CI fetches is named by its content."""

import re

from financial_pipeline_tests.conftest import PROJECT_ROOT

USES = re.compile(r"uses: *(\S+)")
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
HASHED = re.compile(r"--require-hashes|--no-deps --editable \.")


def test_actions_are_pinned_by_commit() -> None:
    files = sorted((PROJECT_ROOT / ".github" / "workflows").glob("*.yml"))
    used = [name for file in files for name in USES.findall(file.read_text("utf-8"))]
    assert len(used) == 15
    assert [name for name in used if not PINNED.fullmatch(name)] == []


def test_workflows_may_only_read() -> None:
    for file in (PROJECT_ROOT / ".github" / "workflows").glob("*.yml"):
        text = file.read_text("utf-8")
        assert "permissions:\n  contents: read\n" in text, file.name
        assert "pull_request_target" not in text, file.name
        assert "secrets." not in text, file.name


def test_the_makefile_installs_by_hash() -> None:
    lines = (PROJECT_ROOT / "Makefile").read_text("utf-8").splitlines()
    installs = [line for line in lines if re.search(r"pip install|\(INSTALL\)", line)]
    unhashed = [line for line in installs if not HASHED.search(line)]
    # The definition of INSTALL itself.
    assert unhashed == ["INSTALL := $(UV) pip install --quiet --python $(BIN)/python"]
    assert "--hash=sha256:" in (PROJECT_ROOT / ".ci" / "uv.txt").read_text("utf-8")
