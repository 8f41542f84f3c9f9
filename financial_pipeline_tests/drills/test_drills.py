"""Every drill passes, and fails if the protection that it tries is taken away."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from financial_pipeline.changes import state
from financial_pipeline.cli.main import commands
from financial_pipeline.drills import damage, inputs, runs
from financial_pipeline.drills.drill import Drill, run
from financial_pipeline.files import DISK
from financial_pipeline.publishing import views
from financial_pipeline.sources.http_client import Answer
from financial_pipeline_tests.drills.careless_writer import in_place

PACKAGE = "financial_pipeline"
DRILLS = {each.name: each for each in (*inputs.DRILLS, *damage.DRILLS, *runs.DRILLS)}
# Drills that take longer than two seconds.
LONG = ("hostile-files", "archive-bomb", "full-disk", "killed-writers", "writers-and-readers")


def _nothing(*_: object, **__: object) -> None:
    return None


def _all_views(connection: Any, paths: Any, table: Any) -> bool:
    files = [str(path) for path in views.parquet_files(paths, table)]
    connection.execute(
        f"create view {views.SCHEMAS[table.layer]}.{table.name} as from read_parquet({files})"
    )
    return True


def _believing(file: Path, _advice: str) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _at_once(target: Path, content: object) -> None:
    DISK.write(target, json.dumps(content, default=str).encode())


# The protection of each drill, and what stands in its place.
UNPROTECTED: dict[str, tuple[str, object]] = {
    "hostile-files": ("sources.landing.irregular", lambda _: {}),
    "archive-bomb": ("sources.bounded.MOST_RATIO", 1 << 30),
    "tampered-archive": ("raw.archive.verify", _nothing),
    "bad-answers": ("sources.http_client.web_page", lambda _: False),
    "damaged-cache": (
        "sources.http_client.HttpClient._read_cache",
        lambda *_: Answer(200, {}, b""),
    ),
    "damaged-parquet": ("publishing.views._create_view", _all_views),
    "damaged-manifest": ("publishing.manifest._check_table", _nothing),
    "damaged-records": ("raw.archive.recorded_lines", _believing),
    "damaged-change-state": (
        "changes.state.read",
        lambda _: {"a/b": state.Built("code", "settings", None)},
    ),
    "damaged-databases": ("cli.boundary._describe_damage", _nothing),
    "tampered-model": ("ml.artifact._check_hash", _nothing),
    "planted-secret": ("cli.boundary.redact", str),
    "escapes": ("publishing.read_only.lock", _nothing),
    "formulas": ("figures.csv_export.FORMULA", "^never$"),
    "full-disk": ("publishing.manifest.replace_json", _at_once),
    "killed-writers": ("drills.runs.WRITER", "financial_pipeline_tests.drills.careless_writer"),
    "two-runs-at-once": ("publishing.publication.is_overtaken", lambda *_: False),
    "writers-and-readers": ("publishing.manifest.replace_json", in_place),
}


def _cases(wanted: Callable[[str], bool]) -> list[Drill]:
    return [each for name, each in DRILLS.items() if wanted(name)]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer kills and rounds than an operator's drill has."""
    monkeypatch.setattr(runs, "KILLS", 3)
    monkeypatch.setattr(runs, "ROUNDS", 1)


def _check(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(drill).observed == drill.expected
    place, replacement = UNPROTECTED[drill.name]
    monkeypatch.setattr(f"{PACKAGE}.{place}", replacement)
    if drill.name == "two-runs-at-once":
        monkeypatch.setattr(f"{PACKAGE}.publishing.manifest.is_overtaken", replacement)
    assert not run(drill).passed


def test_every_drill_has_a_protection_to_take_away() -> None:
    assert UNPROTECTED.keys() == DRILLS.keys()


@pytest.mark.parametrize("drill", _cases(lambda name: name not in LONG), ids=lambda d: d.name)
def test_a_drill_fails_without_its_protection(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(drill, monkeypatch)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("drill", _cases(lambda name: name in LONG), ids=lambda d: d.name)
def test_a_long_drill_fails_without_its_protection(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(drill, monkeypatch)


def test_the_command_lists_runs_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    run_command = CliRunner().invoke
    listed = run_command(commands, ["drill", "--list"]).output.splitlines()
    assert [line.split()[0] for line in listed] == list(DRILLS)
    done = run_command(commands, ["drill", "formulas", "--json"])
    assert (done.exit_code, json.loads(done.output)[0]["observed"]) == (0, "': 5 of 5")
    monkeypatch.setattr(f"{PACKAGE}.figures.csv_export.FORMULA", "^never$")
    failed = run_command(commands, ["drill", "formulas"])
    assert failed.exit_code == 1
    assert str(failed.exception) == "1 of 1 drills failed: formulas."
    assert "There is no drill x" in str(run_command(commands, ["drill", "x"]).exception)
