"""Any operation on the disk may fail: readers see a whole version, and the next run is right."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from financial_pipeline.files import DISK
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.io_faults import KINDS, Crash, Kind, broken, points
from financial_pipeline_tests.io_scenarios import SCENARIOS, Scenario

# In `make test` every operation of this many fails; in the slow tier each does.
SAMPLE = 12


def _copied(tmp_path: Path, name: str) -> Path:
    """Return a fresh copy of what exists before a scenario, which is made once."""
    base, root = tmp_path / "base", tmp_path / "root"
    if not base.exists():
        base.mkdir()
        SCENARIOS[name].prepare(base)
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(base, root)
    return root


def _states(tmp_path: Path, name: str) -> list[str]:
    """Return what readers see before, after each step, and at the end."""
    root, scenario = _copied(tmp_path, name), SCENARIOS[name]
    seen = [scenario.read(root)]
    for step in scenario.steps:
        step(root)
        seen.append(scenario.read(root))
    return seen


def _check_point(root: Path, scenario: Scenario, kind: Kind, at: int, states: list[str]) -> None:
    error = broken(scenario.run, root, kind, at)
    assert isinstance(error, Crash | OSError | Exception | None)
    assert scenario.read(root) in states, (kind, at, error)
    scenario.run(root)
    assert scenario.read(root) == states[-1], (kind, at, error)


def _check(tmp_path: Path, name: str, every: int) -> Counter[str]:
    states, scenario = _states(tmp_path, name), SCENARIOS[name]
    assert states[0] != states[-1]
    operations = points(scenario.run, _copied(tmp_path, name))
    done: Counter[str] = Counter()
    for place, kind in enumerate(KINDS):
        for at in range(1 + place % every, len(operations) + 1, every):
            if kind == "short" and operations[at - 1] != "write":
                continue
            _check_point(_copied(tmp_path, name), scenario, kind, at, states)
            done[operations[at - 1]] += 1
    return done


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_sample_of_operations_fails(tmp_path: Path, name: str) -> None:
    assert _check(tmp_path, name, SAMPLE).total() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_operation_fails(tmp_path: Path, name: str) -> None:
    done = _check(tmp_path, name, every=1)
    print(f"{name}: {done.total()} faults, 0 failures ({dict(sorted(done.items()))})")


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_killed_process_is_survived(tmp_path: Path, name: str) -> None:
    states, scenario = _states(tmp_path, name), SCENARIOS[name]
    count = len(points(scenario.run, _copied(tmp_path, name)))
    for at in (count // 2, count):
        root = _copied(tmp_path, name)
        command = [sys.executable, "-m", "financial_pipeline_tests.io_faults", name, str(at)]
        done = subprocess.run([*command, str(root)], cwd=PROJECT_ROOT, check=False)
        assert done.returncode == -9
        assert scenario.read(root) in states
        scenario.run(root)
        assert scenario.read(root) == states[-1]


def test_a_writer_without_the_rename_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from financial_pipeline import files

    def in_place(target: Path, content: bytes | str, *, durable: bool = True) -> None:
        data = content.encode() if isinstance(content, str) else content
        DISK.write(target, data)

    monkeypatch.setattr("financial_pipeline.raw.archive.replace_file", in_place)
    assert files.replace_file is not in_place
    with pytest.raises(Exception, match="damaged"):
        _check(tmp_path, "archive", every=1)


def test_a_writer_that_does_not_wait_for_the_disk_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("financial_pipeline.publishing.table_files.sync", lambda _: None)
    with pytest.raises(Exception, match=r"(?i)parquet|file"):
        _check(tmp_path, "publish", every=1)
