"""Each fault planted in the demo world is found in its table, with its reason, and on its page."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from financial_pipeline.figures.as_of import as_of
from financial_pipeline.figures.attention import sentence
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.views import connect
from financial_pipeline_tests.dashboard.app import ROOT_VARIABLE, metrics, open_page, words

pytestmark = pytest.mark.slow

LOANS = "accepted_2007_to_2019-03.csv"
FAULTS = [
    (LOANS, "duplicate"),
    (LOANS, "int_rate_out_of_range"),
    (LOANS, "payments_do_not_add_up"),
    (LOANS, "unknown_loan_status"),
    ("rejected.csv", "risk_score_out_of_range"),
]


@pytest.fixture(scope="module")
def paths(simulated_root: Path) -> Paths:
    return Paths(simulated_root)


@pytest.fixture(scope="module")
def published(paths: Paths) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(paths, read_manifest(paths)) as connection:
        yield connection


def rows(published: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return published.execute(query).fetchall()


def test_each_broken_line_is_quarantined_with_its_reason_and_text(
    published: duckdb.DuckDBPyConnection, paths: Paths
) -> None:
    query = """
        select file_name, reason, physical_lines, file_sha256
        from marts.row_accounting
        where category = 'quarantined'
        order by file_name, reason"""
    found = rows(published, query)
    assert [row[:3] for row in found] == [(*fault, 1) for fault in FAULTS]
    files = {paths.staging("quarantine") / f"{row[3]}.parquet" for row in found}
    kept = pl.concat(pl.read_parquet(file) for file in files)
    texts = {row["reason"]: row["original_text"] for row in kept.to_dicts()}
    assert ",Sold," in texts["unknown_loan_status"]
    assert "1250.0" in texts["risk_score_out_of_range"]
    # The whole line of each loan is staged.
    ids = [text.split(",")[0] for reason, text in texts.items() if "risk" not in reason]
    (count,) = published.execute(
        "select count(*) from marts.fct_loans where list_contains($ids, loan_id)", {"ids": ids}
    ).fetchall()[0]
    assert count == len(ids) == 4


def test_the_loan_above_its_request_fails_a_check_that_explains_itself(
    published: duckdb.DuckDBPyConnection,
) -> None:
    query = """
        select check_name, severity, blocking, description, metadata_json
        from operations.check_results
        where not passed and asset_key = 'warehouse/fct_loans'"""
    ((name, severity, blocking, description, metadata),) = rows(published, query)
    assert (name, severity, blocking) == ("loans_fund_at_most_the_request", "WARN", False)
    assert "No loan is larger than the request." in description
    assert '"dagster_dbt/failed_row_count": 1' in metadata
    query = """
        select funded_amount_usd - loan_amount_usd
        from marts.fct_loans
        where funded_amount_usd > loan_amount_usd"""
    assert rows(published, query) == [(25.0,)]


def test_the_second_download_restates_one_session_and_its_prices_are_published(
    published: duckdb.DuckDBPyConnection, paths: Paths
) -> None:
    query = """
        select symbol, session_date, field, reason, round(old_value / new_value, 4), new_value
        from marts.price_restatements
        order by field"""
    found = rows(published, query)
    day = date(2019, 3, 18)
    assert [row[:5] for row in found] == [
        ("WFC", day, field, "correction", 0.985) for field in ("adjusted_close", "close", "low")
    ]
    query = "select adjusted_close, close, low from fct_daily_prices where symbol = 'WFC' and"
    assert rows(published, f"{query} session_date = '{day}'") == [tuple(row[5] for row in found)]


def test_gdp_that_came_late_was_not_known_before(paths: Paths) -> None:
    quarter = date(2018, 10, 1)
    before, then = (as_of("GDPC1", date(2019, 2, day), quarter, paths) for day in (27, 28))
    assert before.note == "not yet published; its first release is of 2019-02-28"
    assert (then.value is not None, then.realtime_start) == (True, date(2019, 2, 28))


def test_the_pages_and_the_end_of_the_demo_show_them(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of so few loans no model passes its gates either.
    assert sentence(paths) == (
        "To look at in the dashboard: 5 quarantined lines (Health), 2 failing checks"
        " (gates_pass, loans_fund_at_most_the_request: Health), 3 restated prices (WFC: Market)."
    )
    monkeypatch.setenv(ROOT_VARIABLE, str(paths.data_root))
    health = open_page(paths.data_root, "health")
    shown = metrics(health)
    assert (shown["Quarantined"], shown["Failing checks"]) == ("5", "2")
    lines = next(t.value for t in health.dataframe if "original_text" in t.value.columns)
    assert sorted(zip(lines["file"], lines["reason"], strict=True)) == [
        (file, reason.replace("_", " ")) for file, reason in FAULTS
    ]
    market = words(open_page(paths.data_root, "market"))
    assert "Later files changed **3 stored values** of prices" in market
