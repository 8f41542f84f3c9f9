"""Each boundary of the dbt models and macros, shifted once, fails a test.

A comparison is made strict, or no longer strict; an end of a `between` and a limit of `least` or
`greatest` moves by one. `make test-nightly` asks the unit tests and the tests of macros first; what
these let pass must fail one of the tests of this folder, on a warehouse that the shifted project
builds.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.dbt.staged_tables import stage_world
from financial_pipeline_tests.dbt.warehouse import DBT_PROJECT, PROJECT_VARIABLE, Warehouse

FOLDERS: Final = ("macros", "models")
NO_CODE: Final = re.compile(r"\{#.*?#\}|--[^\n]*|'[^'\n]*'", re.DOTALL)
# `>>` moves bits.
COMPARISON: Final = re.compile(r"(?<![<>])[<>]=?(?![<>])")
OTHER: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPERAND: Final = r"((?:date\s+)?(?:'[^'\n]*'|[\w.]+))"
BETWEEN: Final = re.compile(rf"\bbetween\s+{OPERAND}\s+and\s+{OPERAND}")
# The 1 of `greatest(months, 1)`; the 0 of `nullif(months, 0)` is none.
LIMITED: Final = re.compile(r"\b(?:least|greatest)\([^\n]*")
NO_LIMIT: Final = re.compile(r"\b(?:nullif|decimal)\([^()]*\)")
LIMIT: Final = re.compile(r"(?<=, )\d+(?=\))")


@dataclass(frozen=True)
class Shift:
    """One change of a file: `text` takes the place of the characters from `start` to `end`."""

    file: str
    line: int
    start: int
    end: int
    text: str

    def __str__(self) -> str:
        """Return the name of its test: its place and its replacement."""
        return f"{Path(self.file).stem}:{self.line}:{self.text.strip()}"

    def applied(self, folder: Path) -> Path:
        """Return a copy of the project with this change."""
        project = folder / "dbt_project"
        shutil.rmtree(project, ignore_errors=True)
        no_source = shutil.ignore_patterns("target", "logs", "dbt_packages")
        shutil.copytree(DBT_PROJECT, project, ignore=no_source)
        path = project / self.file
        text = path.read_text("utf-8")
        path.write_text(text[: self.start] + self.text + text[self.end :], "utf-8")
        return project


def all_shifts() -> list[Shift]:
    """Return every boundary of the project, shifted once."""
    paths = [path for folder in FOLDERS for path in (DBT_PROJECT / folder).rglob("*.sql")]
    names = [path.relative_to(DBT_PROJECT).as_posix() for path in sorted(paths)]
    return [shift for name in names for shift in shifts(name, (DBT_PROJECT / name).read_text())]


def shifts(name: str, text: str) -> list[Shift]:
    """Return the shifts of the boundaries of one file, by place."""
    found = sorted(_changes(text, NO_CODE.sub(_blank, text)))
    return [
        Shift(name, text.count("\n", 0, start) + 1, start, end, shifted)
        for start, end, shifted in found
    ]


def _blank(found: re.Match[str]) -> str:
    """Blanks in place of a text, so that all places stay the same."""
    return re.sub(r"[^\n]", " ", found.group())


def _changes(text: str, code: str) -> Iterator[tuple[int, int, str]]:
    for found in COMPARISON.finditer(code):
        yield found.start(), found.end(), OTHER[found.group()]
    for found in BETWEEN.finditer(text):
        yield found.end(1), found.end(1), " + 1"
        yield found.end(2), found.end(2), " - 1"
    for call in LIMITED.finditer(code):
        for limit in LIMIT.finditer(NO_LIMIT.sub(_blank, call.group())):
            start = call.start() + limit.start()
            yield start, start + len(limit.group()), str(int(limit.group()) + 1)


SHIFTS = all_shifts()
SQL = """{#- at most < 3 -#}
-- as > before
case when a < 1 then '< 1' when a >= 2 then greatest(least(b / nullif(c, 0), d), 7) end,
e between 0 and f.g and h between date '{{ x }}'
    and date '{{ y }}', md5(z) >> 1
"""


def test_comparisons_ends_and_limits_are_boundaries() -> None:
    lines = SQL.splitlines()
    found = [(shift.line, shift.text) for shift in shifts("a.sql", SQL)]
    ends = [(4, " + 1"), (4, " - 1"), (4, " + 1"), (5, " - 1")]
    assert found == [(3, "<="), (3, ">"), (3, "8"), *ends]
    shifted = [SQL[: s.start] + s.text + SQL[s.end :] for s in shifts("a.sql", SQL)]
    assert [text.splitlines()[2] for text in shifted[:3]] == [
        lines[2].replace("a < 1", "a <= 1"),
        lines[2].replace(">= 2", "> 2"),
        lines[2].replace(", 7)", ", 8)"),
    ]
    assert "e between 0 + 1 and f.g and" in shifted[3]
    assert "e between 0 and f.g - 1 and" in shifted[4]
    assert "between date '{{ x }}' + 1\n" in shifted[5]
    assert "and date '{{ y }}' - 1, md5" in shifted[6]


def test_boundaries_of_macros_and_models_are_found() -> None:
    names = {str(shift) for shift in SHIFTS}
    assert len(SHIFTS) > 60
    assert names >= {"as_of:5:<=", "window:4:- 1", "int_loan_outcomes:34:<", "dim_date:50:<"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The small world, built by the project as it is."""
    warehouse = Warehouse(tmp_path_factory.mktemp("boundaries"))
    stage_world(warehouse.root)
    kinds = ("--resource-type", "model", "--resource-type", "seed")
    assert warehouse.dbt("build", *kinds), warehouse.output.read_text()
    return warehouse


def fails_a_unit_test(warehouse: Warehouse, project: Path) -> bool:
    """Run the tests on literal rows; SQL that does not run is no shifted boundary."""
    shifted = replace(warehouse, project=project)
    has_passed = shifted.dbt("test", "--select", "test_type:unit", "test_type:singular")
    statuses = {*shifted.outcomes().values()}
    assert statuses <= {"pass", "fail"}, shifted.output.read_text()
    return not has_passed


def fails_a_story(project: Path) -> bool:
    """Run the tests that build whole warehouses."""
    folder = Path(__file__).parent
    names = ("building", "data_tests", "project")
    tests = [str(folder / f"test_{name}.py") for name in names]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {PROJECT_VARIABLE: str(project)}
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True)
    assert done.returncode in (0, 1), done.stdout.decode()
    return done.returncode == 1


@pytest.mark.nightly
@pytest.mark.parametrize("shift", SHIFTS, ids=str)
def test_a_shifted_boundary_is_noticed(shift: Shift, built: Warehouse, tmp_path: Path) -> None:
    project = shift.applied(built.root)
    assert fails_a_unit_test(built, project) or fails_a_story(project)
