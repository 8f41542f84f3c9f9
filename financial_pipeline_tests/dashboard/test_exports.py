"""Downloads contain all rows of a selection, not only those that a page shows."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.dashboard import drill_down, exports
from financial_pipeline_tests.dashboard.app import open_page, words

Offered = list[tuple[str, int, pl.DataFrame]]


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Offered:
    """The downloads that a page offers: name, count and rows."""
    found: Offered = []

    def buttons(name: str, count: int, read: Callable[[], pl.DataFrame]) -> None:
        found.append((name, count, read()))

    monkeypatch.setattr(exports, "buttons", buttons)
    return found


def test_all_rows_of_a_table_are_offered(whole_world: Path, offered: Offered) -> None:
    open_page(whole_world, "health", table="exports/fct_loans")
    (name, count, frame) = offered[-1]
    assert (name, count, frame.height) == ("fct_loans", 400, 400)


def test_bounds_of_a_column_select_rows_by_its_type(whole_world: Path, offered: Offered) -> None:
    # As text, "9" would be above "10".
    query = {"table": "exports/fct_loans", "column": "loan_key", "least": "9", "most": "10"}
    open_page(whole_world, "health", **query)
    assert offered[-1][2]["loan_key"].to_list() == [9, 10]
    query = {"table": "exports/fct_loans", "column": "issue_month", "least": "2015-12-01"}
    open_page(whole_world, "health", **query)
    assert offered[-1][1] == 16


@pytest.mark.parametrize("bound", ["soon", "1; drop table fct_loans", "' or true --"])
def test_a_bound_of_another_type_is_refused(
    whole_world: Path, offered: Offered, bound: str
) -> None:
    query = {"table": "exports/fct_loans", "column": "issue_month", "most": bound}
    app = open_page(whole_world, "health", **query)
    assert not app.exception
    assert f"{bound} is no date, the type of issue_month." in words(app)
    assert offered == []


def test_too_large_a_selection_names_the_command(
    whole_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_CELLS", 100)
    said = words(open_page(whole_world, "health", table="exports/fct_loans"))
    assert 'financial-pipeline sql -o fct_loans.parquet "from marts.fct_loans"' in said


def test_loans_behind_a_figure_are_offered_whole(
    small_world: Path, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill_down, "SHOWN", 10)
    open_page(small_world, "portfolio", figure="Loans and funded", state="TX")
    assert offered[-1][:2] == ("selected_loans", 200)
    assert set(offered[-1][2]["state"]) == {"TX"}
    assert offered[-1][2].height == 200


def test_parquet_keeps_types_and_text() -> None:
    frame = pl.DataFrame({"text": ["=1+1"], "number": [0.1]})
    assert pl.read_parquet(BytesIO(exports.parquet(frame))).equals(frame)
