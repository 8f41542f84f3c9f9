"""Random small worlds through Spark, through DuckDB, and through a plain reading of the rules.

Worlds have gaps, missing banks, breaks of scale, holidays of their own, and bill rates that end or
are withdrawn. Each lives in years of its own, so that one pass computes them all.
"""

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from financial_pipeline.crosscheck.agreement import compare
from financial_pipeline.crosscheck.recompute import recompute
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline_tests.spark import plain_market
from financial_pipeline_tests.spark.conftest import Frame, collect

TABLES = ("rolling_volatility", "sharpe_ratios", "market_risk", "return_correlations")
SESSIONS = 330
YEARS = 2
FIRST, LAST = date(1960, 1, 1), date(2399, 12, 31)
FOREVER = date(9999, 12, 31)


def world(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The prices and the bill rates of one world."""
    random = np.random.default_rng(seed)
    start = date(1960 + seed % 200 * YEARS, 1, 1)
    weekdays = [start + timedelta(days=n) for n in range(SESSIONS * 3 // 2)]
    days = [d for d in weekdays if d.weekday() < 5 and random.random() > 0.03][:SESSIONS]
    prices = pl.concat([_bank(random, f"B{seed}_{n}", days, seed) for n in range(seed % 3 + 1)])
    known = [d for d in days[: int(random.integers(150, SESSIONS))] if random.random() > 0.1]
    released = [d + timedelta(days=int(random.integers(1, 4))) for d in known]
    ends = [
        r + timedelta(days=int(random.integers(1, 9))) if random.random() < 0.1 else FOREVER
        for r in released
    ]
    rates = {"observation_date": known, "realtime_start": released, "realtime_end": ends}
    values = np.round(random.uniform(0, 0.05, len(known)), 4)
    return prices, pl.DataFrame(rates | {"value": values}).with_columns(
        indicator_id=pl.lit("bill_rate_discount")
    )


def _bank(random: np.random.Generator, symbol: str, days: list[date], seed: int) -> pl.DataFrame:
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.02, len(days))))
    gap = int(random.integers(20, 300))
    length = int(random.choice([0, 1, 8, 9, 10, 11, 30]))
    lost = random.random(len(days)) < random.choice([0.0, 0.004, 0.03])
    kept = [not lost[n] and not gap <= n < gap + length for n in range(len(days))]
    breaks = [
        str(random.choice(["scale_unknown", "dividend_unknown"]))
        if random.random() < 0.003
        else None
        for _ in days
    ]
    frame = pl.DataFrame(
        {
            "symbol": symbol,
            "session_date": days,
            "session_number": [seed % 200 * 1000 + n for n in range(len(days))],
            "scale_break": pl.Series(breaks, dtype=pl.String),
            "open": close * 1.001,
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "adjusted_close": close * 0.9,
            "has_valid_range": random.random(len(days)) > 0.01,
        }
    )
    return frame.filter(pl.Series(kept))


def worlds(seeds: range) -> dict[str, pl.DataFrame]:
    prices, rates = zip(*map(world, seeds), strict=True)
    return {"fct_daily_prices": pl.concat(prices), "agg_macro_indicators": pl.concat(rates)}


def check(frame: Frame, marts: dict[str, pl.DataFrame], folder: Path) -> None:
    files = {name: [folder / f"{name}.parquet"] for name in marts}
    for name, rows in marts.items():
        rows.write_parquet(files[name][0])
    found: dict[str, pl.DataFrame] = {}
    for name in TABLES:
        metric = METRICS[name]
        inputs = [frame(marts[mart]) for mart in metric.inputs]
        found[name] = collect(metric.function(*inputs, FIRST, LAST))
        used = {mart: files[mart] for mart in metric.inputs}
        again = recompute(metric.table, used, FIRST, LAST, default_lag_months=0)
        agreement = compare(metric.table, found[name], again)
        assert agreement.holds, (name, agreement)
    plain = plain_market.rows(marts["fct_daily_prices"], marts["agg_macro_indicators"])
    for name in TABLES[:3]:
        _compare_with_plain(found[name], plain)


def _compare_with_plain(table: pl.DataFrame, plain: pl.DataFrame) -> None:
    joined = table.join(plain, on=["session_date", "symbol"], how="full", suffix="_plain")
    assert joined.height == table.height == plain.height
    for name in set(table.columns) & set(plain.columns) - {"session_date", "symbol"}:
        for ours, theirs in joined.select(name, f"{name}_plain").iter_rows():
            assert same(ours, theirs), (name, ours, theirs)


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-7, abs_tol=1e-10)
    return bool(ours == theirs)


def test_ten_random_worlds_have_the_same_metrics_on_three_ways(
    frame: Frame, tmp_path: Path
) -> None:
    check(frame, worlds(range(10)), tmp_path)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(first, marks=pytest.mark.nightly if first else pytest.mark.slow)
        for first in range(0, 200, 40)
    ],
)
def test_two_hundred_random_worlds_have_the_same_metrics_on_three_ways(
    first: int, frame: Frame, tmp_path: Path
) -> None:
    check(frame, worlds(range(first, first + 40)), tmp_path)
