"""`diff` counts rows added, removed and changed between two versions, by column, with the input."""

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
from click.testing import CliRunner

from financial_pipeline.cli.main import commands
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import channel_tables, publish_tables
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.marts import MARTS

PRICES = MARTS["fct_daily_prices"]


def publish(paths: Paths, rows: pl.DataFrame, raw: str | None) -> str:
    built_from = {"raw": raw} if raw else {}
    before = channel_tables(paths, "batch").get(PRICES.key)
    with duckdb.connect() as connection:
        connection.register("source", rows)
        source = connection.table("source")
        table = write_table(paths, PRICES, source, previous=before, built_from=built_from)
    return publish_tables(paths, "batch", [table], {}).version


def changed(rows: pl.DataFrame) -> pl.DataFrame:
    """Remove session 5, add two of another bank, and change a close and two volumes."""
    day, days = pl.col("session_date"), rows["session_date"]
    # A fourteenth digit is no change.
    noise = pl.when(day == days[200]).then(1 + 1e-14).otherwise(1.0)
    later = rows.filter(day != days[5]).with_columns(
        close=pl.when(day == days[100]).then(2.0).otherwise(noise),
        volume=pl.when(day.is_in([days[100], days[8000]])).then(8).otherwise(7),
    )
    fresh = rows.head(2).with_columns(symbol=pl.lit("BAC"))
    return pl.concat([later, fresh], how="vertical_relaxed")


def test_diff_counts_rows_by_key_and_column(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    days = [date(2000, 1, 3) + timedelta(days=day) for day in range(9000)]
    rows = pl.DataFrame({"symbol": "JPM", "session_date": days, "close": 1.0, "volume": 7})
    one, two = publish(paths, rows, "a"), publish(paths, changed(rows), "b")
    arguments = ["diff", "--data-root", str(tmp_path), one, two]
    found = json.loads(CliRunner().invoke(commands, [*arguments, "--json"]).output)
    assert found == [
        {
            "table": "exports/fct_daily_prices",
            "rows_added": 2,
            "rows_removed": 1,
            "rows_changed": 2,
            "changed_by_column": {"close": 1, "volume": 2},
            "columns_added": [],
            "columns_removed": [],
            "reason": ["raw files (restatements)"],
        }
    ]
    assert "2 added, 1 removed, 2 changed" in CliRunner().invoke(commands, arguments).output


def test_diff_of_equal_versions_has_no_table(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    rows = pl.DataFrame({"symbol": ["C"], "session_date": [date(2000, 1, 3)], "close": [1.0]})
    one, two = publish(paths, rows, "a"), publish(paths, rows, "a")
    arguments = ["diff", "--data-root", str(tmp_path), one, two]
    assert "equal tables" in CliRunner().invoke(commands, arguments).output


def test_only_new_rows_are_no_restatement(tmp_path: Path) -> None:
    paths, days = Paths(tmp_path), [date(2019, 3, 28), date(2019, 3, 29)]
    rows = pl.DataFrame({"symbol": "JPM", "session_date": days, "close": 1.0, "volume": 7})
    one, two = publish(paths, rows.head(1), "a"), publish(paths, rows, "b")
    found = CliRunner().invoke(commands, ["diff", "--data-root", str(tmp_path), one, two]).output
    assert "1 added, 0 removed, 0 changed" in found
    assert "because: raw files (new rows)" in found


def test_a_ledger_without_inputs_changed_with_the_raw_files(tmp_path: Path) -> None:
    paths, days = Paths(tmp_path), [date(2019, 3, 28), date(2019, 3, 29)]
    rows = pl.DataFrame({"symbol": "JPM", "session_date": days, "close": 1.0, "volume": 7})
    one, two = publish(paths, rows.head(1), None), publish(paths, rows, None)
    found = CliRunner().invoke(commands, ["diff", "--data-root", str(tmp_path), one, two]).output
    assert "because: raw files (new rows)" in found
