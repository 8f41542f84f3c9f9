"""Random copies of macro series through staging, and what was known then on three ways.

Copies begin late, end early, have holes and months' ends for dates; values are revised and
withdrawn. Each world lives in years of its own, so that one pass reads them all.
"""

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl
import pytest

from financial_pipeline.crosscheck import recompute
from financial_pipeline.spark.known_macro import lagged_as_known, latest_as_of
from financial_pipeline.transforms.fred_intervals import realtime_intervals
from financial_pipeline.transforms.fred_observations import clean
from financial_pipeline_tests.spark.conftest import Frame, collect

END: Final = date(9000, 1, 1)
YEARS: Final = 8
SERIES: Final = {"UNRATE": ("unrate", 1), "GDPC1": ("gdp_growth_saar", 3)}
# Months for which one observation may be used, at a lag and as the latest one.
SPANS: Final = {"unrate": (1, 1), "gdp_growth_saar": (12, 3)}
TEXTS: Final = ("problem", "realtime_start", "realtime_end")


def shifted(month: date, months: int) -> date:
    number = 12 * month.year + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def copies(seed: int, series_id: str) -> list[pl.DataFrame]:
    """The cleaned rows of some copies of a series."""
    random = np.random.default_rng([seed, len(series_id)])
    width, first = SERIES[series_id][1], date(1960 + seed * YEARS, 1, 1)
    is_end = random.random() < 0.5
    found = []
    for number in range(int(random.integers(1, 5))):
        low, high = sorted(random.integers(0, 36 // width, 2))
        places = [n for n in range(low, high + 4) if random.random() > 0.1]
        months = [shifted(first, width * n) for n in places]
        days = [shifted(m, width) - timedelta(days=1) if is_end else m for m in months]
        level = 4 if width == 1 else 18_000
        values = [level * (1 + n % 7 / 100 + number / 1000) for n in places]
        texts = ["." if random.random() < 0.05 else f"{value:.3f}" for value in values]
        copied = shifted(first, width * (high + 5)) + timedelta(days=int(random.integers(0, 300)))
        rows = pl.DataFrame({"observation_date": days, "value": texts}).with_columns(
            date=pl.col("observation_date").cast(pl.String), series_id=pl.lit(series_id),
            vintage=pl.lit(copied), physical_lines=1, original_text=pl.lit(""),
            line_number=pl.int_range(pl.len()), **{name: pl.lit(None, pl.String) for name in TEXTS},
        )  # fmt: skip
        cleaned = clean(rows, date(1947, 1, 1), END, END).rows
        ranked = cleaned.with_columns(arrived=pl.lit(END), file_rank=pl.lit(number, pl.Int64))
        found.append(ranked)
    return found


def vintages(seeds: range) -> pl.DataFrame:
    """Stage the copies of these worlds, as indicators."""
    parts = []
    for seed in seeds:
        for series_id, (indicator, _) in SERIES.items():
            intervals = realtime_intervals(pl.concat(copies(seed, series_id)))
            parts.append(intervals.with_columns(indicator_id=pl.lit(indicator)))
    columns = ("indicator_id", "observation_date", "realtime_start", "realtime_end", "value")
    return pl.concat(part.select(columns) for part in parts).drop_nulls("value")


Row = dict[str, Any]


def plain(rows: list[Row], indicator: str, place: date, known_on: date, span: int) -> float | None:
    """The newest value that covers a month, of those that were current on a day."""
    usable = [
        row
        for row in rows
        if row["indicator_id"] == indicator
        and row["observation_date"] <= place < shifted(row["observation_date"], span)
        and row["realtime_start"] <= known_on < row["realtime_end"]
    ]
    newest = max(usable, key=lambda row: row["observation_date"], default=None)
    return None if newest is None else float(newest["value"])


def by_duckdb(known: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.register("agg_macro_indicators", known)
        connection.register("credit_months", months)
        connection.execute("create view bank_returns as select null::date as session_date,"
                           " null::double as simple_return where false")  # fmt: skip
        sql = Path(recompute.__file__).with_name("macro_months.sql").read_text("utf-8")
        connection.execute(sql)
        found: pl.DataFrame = connection.sql("from macro_months").pl()
        return found


def questions(seeds: range) -> list[tuple[int, date, date, int]]:
    """World, as-of month, month and lag."""
    return [
        (seed, shifted(date(1960 + seed * YEARS, 1, 1), 40), month, lag)
        for seed in seeds
        for month in [shifted(date(1960 + seed * YEARS, 1, 1), n) for n in range(0, 40, 3)]
        for lag in (-12, -3, 0, 1, 2, 7, 12)
    ]


def check(frame: Frame, seeds: range) -> int:
    """Compare all answers; returns how many of them are values."""
    known, asked = vintages(seeds), questions(seeds)
    assert all(day.day == 1 for day in known["observation_date"])
    pairs = sorted({(end, month) for _, end, month, _ in asked})
    months = pl.DataFrame(pairs, schema=["as_of_month", "month"], orient="row")
    lagged = collect(lagged_as_known(frame(known)))
    latest = collect(latest_as_of(frame(known), months["as_of_month"].unique().to_list()))
    by_lag = dict(_keyed(lagged, "indicator_id", "month", "lag_months"))
    by_day = dict(_keyed(latest, "indicator_id", "as_of_month", "month"))
    sql = by_duckdb(known, months)
    again = dict(_keyed(sql, "macro_series", "as_of_month", "month", "lag_months"))
    compared = 0
    for seed, end, month, lag in asked:
        place, rows = shifted(month, -lag), _rows_of(seed)
        day = shifted(month if lag > 0 else end, 1) - timedelta(days=1)
        for indicator, spans in SPANS.items():
            right = plain(rows, indicator, place, day, spans[lag <= 0])
            lags, days = by_lag.get((indicator, month, lag)), by_day.get((indicator, end, place))
            found = (lags if lag > 0 else days, again.get((indicator, end, month, lag)))
            assert found == (right, right), (seed, indicator, month, lag)
            compared += right is not None
    return compared


def _keyed(rows: pl.DataFrame, *keys: str) -> list[tuple[tuple[Any, ...], float]]:
    return [(row[:-1], row[-1]) for row in rows.select(*keys, "value").iter_rows()]


@cache
def _rows_of(seed: int) -> list[Row]:
    return vintages(range(seed, seed + 1)).to_dicts()


def test_ten_random_worlds_know_the_same_on_three_ways(frame: Frame) -> None:
    assert check(frame, range(10)) > 500


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(first, marks=pytest.mark.nightly if first else pytest.mark.slow)
        for first in range(0, 200, 40)
    ],
)
def test_two_hundred_random_worlds_know_the_same_on_three_ways(first: int, frame: Frame) -> None:
    assert check(frame, range(first, first + 40)) > 2_000
