"""Every dbt data test catches the fault planted for it."""

import re

import duckdb
import jinja2
import pytest

from financial_pipeline.settings import PROJECT_ROOT
from financial_pipeline_tests.dbt.conftest import Story
from financial_pipeline_tests.dbt.planted import CAUGHT_AS_WELL, PLANTED

FAULTY = set(PLANTED) | CAUGHT_AS_WELL
# Tests of macros on literal rows, which do not depend on the warehouse.
MACRO_TESTS = {
    "as_of_reads_the_vintage_of_the_day",
    "bill_yields_match_the_treasury_table",
    "schedules_match_the_golden_loan",
}
WARNINGS = {
    "daily_prices_are_recent",
    "default_rate_rises_with_grade",
    "loans_fund_at_most_the_request",
    "macro_observations_are_recent",
}


def test_each_data_test_has_a_planted_fault(story: Story) -> None:
    assert set(story.planted_outcomes) - MACRO_TESTS == FAULTY


def test_each_planted_fault_is_caught(story: Story) -> None:
    missed = {name for name in FAULTY if story.planted_outcomes[name] not in ("fail", "warn")}
    assert missed == set()


def test_only_plausibility_warns_and_everything_else_fails(story: Story) -> None:
    warned = {name for name, status in story.planted_outcomes.items() if status == "warn"}
    assert warned == WARNINGS


@pytest.mark.parametrize(
    ("bad_of_156", "is_caught"),
    # Of 695 loans of grade E, 211 are bad. z is 0.21, 1.81, and 2.13 for the last.
    [(46, False), (36, False), (34, True)],
)
def test_fall_of_the_default_rate_is_caught_beyond_its_interval(
    bad_of_156: int, is_caught: bool
) -> None:
    source = (
        PROJECT_ROOT / "dbt_project" / "tests" / "generic" / "default_rate_rises_with_grade.sql"
    )
    body = re.sub(r"{% (end)?test.*?%}", "", source.read_text("utf-8"))
    loans = (
        "(select 'E' as grade, (i < 211)::int as flag from range(695) t(i) union all"
        f" select 'F', (i < {bad_of_156})::int from range(156) t(i))"
    )
    query = jinja2.Template(body).render(model=loans, column_name="flag", grades=["E", "F"])
    assert bool(duckdb.sql(query).fetchall()) == is_caught
