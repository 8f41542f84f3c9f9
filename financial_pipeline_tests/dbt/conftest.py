"""The history of a warehouse, built once: windows, full build, kill, revision, failure."""

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from financial_pipeline_tests.dbt.planted import PLANTED
from financial_pipeline_tests.dbt.staged_tables import (
    LENDING_CLUB_LOANS,
    loans,
    stage_loans,
    stage_world,
    write,
)
from financial_pipeline_tests.dbt.warehouse import Tables, Warehouse, Window

BEFORE, AFTER = ("1900-01-01", "2015-06-30"), ("2015-07-01", "9999-12-31")
# Tests run in a later call: unit tests read columns of models, which must not change meanwhile.
BUILD = ("build", "--resource-type", "model", "--resource-type", "seed")
REVISED_MONTH = ("2015-04-01", "2015-04-01")


@dataclass(frozen=True)
class Story:
    """Rows of the marts after each step, and the results of dbt."""

    windowed: Tables
    full: Tables
    killed: Tables
    repeated: Tables
    outcomes: dict[str, str]
    revised: Tables
    failed_output: str
    failed: Tables
    planted_outcomes: dict[str, str]
    warehouse: Warehouse


def built(warehouse: Warehouse, *arguments: str, window: Window | None = None) -> Tables:
    """Run dbt, which must succeed, and read the marts."""
    assert warehouse.dbt(*arguments, window=window), warehouse.output.read_text()
    return warehouse.tables()


def killed_in_a_fact(warehouse: Warehouse) -> Tables:
    """Start a full build, kill it while it writes the loan months, and read the tables."""
    process = warehouse.start("run")
    while "model marts.fct_loan_performance_monthly" not in warehouse.output.read_text():
        assert process.is_alive(), warehouse.output.read_text()
        time.sleep(0.01)
    process.kill()
    process.join()
    return warehouse.tables()


def revise(root: Path) -> None:
    """Drop a loan of April 2015, charge another off, and change September, outside the window."""
    rows = loans()
    april = [row for row in rows if row["issue_d"] == date(2015, 4, 1)]
    april[4] |= {"loan_status": "Charged Off", "last_pymnt_d": date(2018, 1, 1)}
    rows = [row for row in rows if row is not april[0]]
    for row in rows:
        row["addr_state"] = "TX" if row["issue_d"] == date(2015, 9, 1) else row["addr_state"]
    stage_loans(root, rows)


def break_april(root: Path) -> None:
    """Remove the required amount of one loan of April 2015."""
    april = [row for row in loans() if row["issue_d"] == date(2015, 4, 1)]
    april[7]["loan_amnt"] = None
    write(root, "lending_club_loans", LENDING_CLUB_LOANS, "issue_d", april)


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Run all steps; each starts from the warehouse of the previous one."""
    warehouse = Warehouse(tmp_path_factory.mktemp("world"))
    stage_world(warehouse.root)
    built(warehouse, *BUILD, window=BEFORE)
    windowed = built(warehouse, *BUILD, window=AFTER)
    warehouse.file.unlink()
    full = built(warehouse, *BUILD)
    killed = killed_in_a_fact(warehouse)
    repeated = built(warehouse, *BUILD)
    warehouse.dbt("test")
    outcomes = warehouse.outcomes()
    revise(warehouse.root)
    revised = built(warehouse, "run", "--select", "tag:loans", window=REVISED_MONTH)
    break_april(warehouse.root)
    assert not warehouse.dbt("run", "--select", "tag:loans", window=REVISED_MONTH)
    failed_output, failed = warehouse.output.read_text(), warehouse.tables()
    warehouse.change(*PLANTED.values())
    warehouse.dbt("test", "--exclude-resource-type", "unit_test", world_clock="2030-01-01")
    return Story(
        windowed, full, killed, repeated, outcomes, revised,
        failed_output, failed, warehouse.outcomes(), warehouse,
    )  # fmt: skip
