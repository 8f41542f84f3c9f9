"""Each boundary of the dbt models and macros, shifted once, fails a test.

`make test-nightly` asks the unit tests and the tests of macros first; what these let pass must fail
one of the tests of this folder, on a warehouse that the shifted project builds.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.dbt.boundaries import Shift, all_shifts, shifts
from financial_pipeline_tests.dbt.warehouse import PROJECT_VARIABLE, Warehouse
from financial_pipeline_tests.dbt.world import stage_world

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
