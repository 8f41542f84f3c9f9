"""Full and windowed builds, repeated and killed ones, revisions and failures."""

from datetime import date

from financial_pipeline_tests.dbt.conftest import Story
from financial_pipeline_tests.dbt.warehouse import Tables

GOOD = {"success", "pass"}
LOAN_FACTS = ("fct_loans", "fct_loan_applications", "fct_loan_performance_monthly")


def of_month(tables: Tables, table: str, issue: date) -> list[tuple[object, ...]]:
    return [row for row in tables[table] if issue in row[:4]]


def test_every_model_test_and_unit_test_passes_on_good_data(story: Story) -> None:
    bad = {name: status for name, status in story.outcomes.items() if status not in GOOD}
    assert bad == {}


def test_a_build_in_windows_equals_a_full_build(story: Story) -> None:
    assert story.full["fct_loans"]
    for name, rows in story.full.items():
        assert story.windowed[name] == rows, name


def test_a_killed_build_leaves_whole_tables_and_the_next_one_is_right(story: Story) -> None:
    assert story.killed == story.full
    assert story.repeated == story.full


def test_a_window_replaces_its_month_and_drops_deleted_rows(story: Story) -> None:
    april = date(2015, 4, 1)
    for table in LOAN_FACTS:
        before, after = (of_month(tables, table, april) for tables in (story.full, story.revised))
        assert {row[0] for row in after} < {row[0] for row in before}, table
    assert len(of_month(story.revised, "fct_loans", april)) == 15


def test_a_window_leaves_the_other_months_alone(story: Story) -> None:
    for table in LOAN_FACTS:
        april = date(2015, 4, 1)
        others = [
            [row for row in tables[table] if april not in row[:4]]
            for tables in (story.full, story.revised)
        ]
        assert others[0] == others[1], table


def test_a_failed_model_leaves_the_old_rows(story: Story) -> None:
    assert "NOT NULL constraint failed" in story.failed_output
    assert story.failed == story.revised
