"""Simulated marts for measuring the metrics: bank prices and macro indicators.

The simulator writes its upstream files; prices are renamed, and the indicators are made by the
warehouse's own SQL.
"""

import json
import re
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import polars as pl

from financial_pipeline.settings import PROJECT_ROOT
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.sources.market_calendar import session_numbers

INDICATORS: Final = PROJECT_ROOT / "dbt_project/models/marts/agg_macro_indicators.sql"
FOREVER: Final = date(9999, 12, 31)


def write_market_marts(folder: Path, seed: int) -> None:
    """Write fct_daily_prices and agg_macro_indicators, each a folder with one Parquet file."""
    with TemporaryDirectory() as work:
        prices = pl.concat(_prices(path) for path in write_prices(Path(work) / "prices", seed))
        observed = pl.concat(_observations(path) for path in write_macro(Path(work) / "fred", seed))
    tables = {"fct_daily_prices": prices, "agg_macro_indicators": _indicators(observed)}
    for name, rows in tables.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        rows.write_parquet(folder / name / "0.parquet")


def _prices(path: Path) -> pl.DataFrame:
    rows = pl.read_csv(path, try_parse_dates=True)
    numbers = session_numbers(rows["Date"])
    return rows.select(
        symbol=pl.lit(path.stem),
        session_date="Date",
        session_number=pl.col("Date").replace_strict(numbers),
        scale_break=pl.lit(None, pl.String),
        open="Open",
        high="High",
        low="Low",
        close="Close",
        adjusted_close="Adj Close",
        has_valid_range=pl.lit(True),
    )


def _observations(path: Path) -> pl.DataFrame:
    answer: dict[str, Any] = json.loads(path.read_text("utf-8"))
    rows = pl.DataFrame(answer["observations"]).with_columns(
        pl.col("date", "realtime_start", "realtime_end").str.to_date()
    )
    # Upstream's intervals include their last day.
    end = pl.col("realtime_end")
    return rows.select(
        series_id=pl.lit(path.stem),
        observation_date="date",
        realtime_start="realtime_start",
        realtime_end=pl.when(end < FOREVER).then(end.dt.offset_by("1d")).otherwise(end),
        value=pl.col("value").cast(pl.Float64, strict=False),
        pit_method=pl.lit("alfred"),
        # Recorded vintages: no copy dates them, and all levels of one are on one base.
        vintage_date=pl.lit(None, pl.Date),
        series_key=pl.lit(path.stem),
    )


def _indicators(observations: pl.DataFrame) -> pl.DataFrame:
    # Of dbt's templates the model uses these two.
    model = re.sub(r"{{ config\(.*?\) }}", "", INDICATORS.read_text("utf-8"))
    query = re.sub(r"{{ ref\('(\w+)'\) }}", r"\1", model)
    with duckdb.connect() as connection:
        connection.register("fct_macro_observations", observations)
        return connection.sql(query).pl()
