"""Every dbt data test catches the fault planted for it."""

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
