"""Lookup of one macro value as it was known on a day: the Python twin of the dbt macro `as_of`.

Model features and backtests take macro values from here or from the dbt macro and nowhere else; a
join to the published observations without the day looks ahead.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import parquet_files, read_manifest
from financial_pipeline.settings import Settings

OBSERVATIONS = "exports/fct_macro_observations"
FOREVER = date(9999, 12, 31)


@dataclass(frozen=True)
class KnownValue:
    """One observation of a series as it was known on the day `as_of`.

    `value` is in the units that FRED publishes. It is null if upstream left it out, or if nothing
    was published by then; in that case `realtime_start` is null too. The value was current from
    `realtime_start` up to, not including, `realtime_end` (9999-12-31: it is current).
    """

    series_id: str
    observation_date: date | None
    as_of: date
    value: float | None
    realtime_start: date | None
    realtime_end: date | None
    # alfred (dated vintages) or rule (a release rule dates the value, which is of a later copy).
    pit_method: str | None = None


def known_on(day: date) -> pl.Expr:
    """Return whether `day` is in the half-open interval [realtime_start, realtime_end)."""
    return (pl.col("realtime_start") <= day) & (pl.lit(day) < pl.col("realtime_end"))


def _published_series(series_id: str, paths: Paths) -> pl.LazyFrame:
    table = read_manifest(paths).table(OBSERVATIONS)
    rows = pl.scan_parquet(parquet_files(paths, table))
    found = rows.filter(pl.col("series_id") == series_id)
    if found.select(pl.len()).collect().item() == 0:
        known = rows.select(pl.col("series_id").unique().sort()).collect()["series_id"]
        raise PipelineError(
            f"No observation of {series_id} is published; ingest it, or choose one of"
            f" {', '.join(known)}."
        )
    return found


def as_of(
    series_id: str, day: date, observation_date: date | None = None, paths: Paths | None = None
) -> KnownValue:
    """Return the value of a published series as it was known at the end of `day`.

    Without an observation date, return the latest observation that had a value by then, and no
    projection of a later period. `paths` are the configured ones by default. Raise PipelineError if
    the series is not published.
    """
    place = paths or Paths(Settings().data_root.resolve())
    known = _published_series(series_id, place).filter(known_on(day))
    if observation_date is None:
        is_past = pl.col("observation_date") <= day
        known = known.filter(pl.col("value").is_not_null() & is_past)
    else:
        known = known.filter(pl.col("observation_date") == observation_date)
    row = known.sort("observation_date").tail(1).collect()
    if row.is_empty():
        return KnownValue(series_id, observation_date, day, None, None, None)
    columns = ("observation_date", "value", "realtime_start", "realtime_end", "pit_method")
    found, value, start, end, method = row.select(columns).row(0)
    return KnownValue(series_id, found, day, value, start, end, method)


def sentence(known: KnownValue) -> str:
    """Describe a known value in one line."""
    name = f"{known.series_id} of {known.observation_date}, as of {known.as_of}"
    if known.realtime_start is None:
        return f"{name}: nothing was published yet"
    end = "still current" if known.realtime_end == FOREVER else f"until {known.realtime_end}"
    value = "not available" if known.value is None else known.value
    how = "published by rule" if known.pit_method == "rule" else "published"
    return f"{name}: {value} ({how} {known.realtime_start}, {end})"
