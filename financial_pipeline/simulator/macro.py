"""The simulated macro data: the unemployment path, and FRED files with every vintage.

The files have the shape of the FRED API answer `series/observations` over the whole real-time
period: one observation per value and real-time interval, both ends of which are inclusive.
"""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Final, cast

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from pandas.tseries.holiday import USFederalHolidayCalendar

from financial_pipeline.simulator.economy import MONTH, Economy, simulate_economy
from financial_pipeline.sources.simulated import MARK_FIELD

Dates = NDArray[np.datetime64]
FloatArray = NDArray[np.float64]

MISSING: Final = "."
# Release rules (methodology 4.2): day of the next month, or days after the quarter's end.
UNEMPLOYMENT_RELEASE_DAY: Final = 10
CPI_RELEASE_DAY: Final = 18
GDP_RELEASE_LAG: Final = 31
# A quarter's growth is revised once, about a month after its first publication.
GDP_REVISION_LAG: Final = 30
GDP_REVISION_SD: Final = 0.6
GDP_START: Final = 10_000.0
# Each January index (published in February) brings new seasonal factors for five years.
SEASONAL_REVISION_YEARS: Final = 5
YEAR: Final = 12 * MONTH
SEASONAL_REVISION_SD: Final = 0.0004
# Overnight money costs a little more than a bill; daily rates wander around their month.
FED_FUNDS_SPREAD: Final = 0.15
DAILY_NOISE_SD: Final = 0.01


def _texts(values: FloatArray, decimals: int) -> list[str]:
    return [f"{value:.{decimals}f}" for value in values]


def _releases(date: Dates, released: Dates, value: list[str]) -> pl.DataFrame:
    days = {"date": date.astype("datetime64[D]"), "released": released.astype("datetime64[D]")}
    return pl.DataFrame({**days, "value": value}).sort("date", "released")


def _day_of_next_month(months: Dates, day: int) -> Dates:
    first_days = (months + MONTH).astype("datetime64[D]")
    # The numpy stubs take a date plus a time delta for a time delta.
    return cast(Dates, first_days + np.timedelta64(day - 1, "D"))


def unemployment_releases(economy: Economy) -> pl.DataFrame:
    """UNRATE: one release per month, never revised."""
    released = _day_of_next_month(economy.months, UNEMPLOYMENT_RELEASE_DAY)
    return _releases(economy.months, released, _texts(economy.unemployment, 1))


def fed_funds_releases(economy: Economy) -> pl.DataFrame:
    """FEDFUNDS: the month's average, released with the price index."""
    released = _day_of_next_month(economy.months, CPI_RELEASE_DAY)
    return _releases(economy.months, released, _texts(economy.bill_rate + FED_FUNDS_SPREAD, 2))


def cpi_releases(economy: Economy, rng: np.random.Generator) -> pl.DataFrame:
    """CPIAUCSL: first releases, then a small seasonal revision each February for five years."""
    months = economy.months
    released = _day_of_next_month(months, CPI_RELEASE_DAY)
    dates, days, values = [months], [released], [economy.price_index]
    level = economy.price_index.copy()
    for january in np.arange(months[0] + YEAR, months[-1] + MONTH, YEAR):
        revised = (months < january) & (months >= january - SEASONAL_REVISION_YEARS * YEAR)
        level[revised] *= 1 + rng.normal(0.0, SEASONAL_REVISION_SD, revised.sum())
        dates.append(months[revised])
        days.append(np.repeat(_day_of_next_month(january, CPI_RELEASE_DAY), revised.sum()))
        values.append(level[revised].copy())
    texts = _texts(np.concatenate(values), 3)
    return _releases(np.concatenate(dates), np.concatenate(days), texts)


def gdp_releases(economy: Economy, rng: np.random.Generator) -> pl.DataFrame:
    """GDPC1: a first release on the latest level of the quarter before, then one revision."""
    quarters = economy.months[::3]
    growth = economy.growth[::3]
    final_growth = growth + rng.normal(0.0, GDP_REVISION_SD, len(growth))
    final = GDP_START * np.cumprod((1 + final_growth / 100) ** 0.25)
    before = np.concatenate([[GDP_START], final[:-1]])
    first = before * (1 + growth / 100) ** 0.25
    first_day = _day_of_next_month(quarters + 2 * MONTH, 1) + np.timedelta64(
        GDP_RELEASE_LAG - 1, "D"
    )
    return _releases(
        np.concatenate([quarters, quarters]),
        np.concatenate([first_day, first_day + np.timedelta64(GDP_REVISION_LAG, "D")]),
        _texts(np.concatenate([first, final]), 3),
    )


def bill_releases(economy: Economy, rng: np.random.Generator) -> pl.DataFrame:
    """DTB3: one value per weekday, "." on federal holidays, released the next business day."""
    first, last = economy.months[0], economy.months[-1] + MONTH
    days = np.arange(first.astype("datetime64[D]"), last.astype("datetime64[D]"))
    days = days[np.is_busday(days)]
    holidays = USFederalHolidayCalendar().holidays(pd.Timestamp(first), pd.Timestamp(last))
    closed = holidays.values.astype("datetime64[D]")
    # The drawn rate is the middle of its month; days between are interpolated.
    middles = economy.months.astype("datetime64[D]") + np.timedelta64(14, "D")
    rate = np.interp(days.astype(float), middles.astype(float), economy.bill_rate)
    rate = np.maximum(0.0, rate + rng.normal(0.0, DAILY_NOISE_SD, len(days)))
    texts = np.where(np.isin(days, closed), MISSING, _texts(rate, 2))
    released = np.busday_offset(days, 1, holidays=closed, roll="backward")
    return _releases(days, released, texts.tolist())


# The last simulated day: nothing published later is written.
WORLD_DATE: Final = date(2019, 3, 31)
CURRENT: Final = date(9999, 12, 31)
# Random streams of the revisions, apart from those of the economy.
REVISION_STREAM: Final = 742


def unemployment_path(seed: int) -> pl.DataFrame:
    """The unemployment rate of every month, 1990-01 to 2024-12.

    Columns: `month` (first of the month) and `unrate` (per cent, one decimal, as published).
    """
    economy = simulate_economy(seed)
    columns = {
        "month": economy.months.astype("datetime64[D]"),
        "unrate": np.round(economy.unemployment, 1),
    }
    return pl.DataFrame(columns, schema={"month": pl.Date(), "unrate": pl.Float64()})


def write_macro(folder: Path, seed: int) -> list[Path]:
    """Write `<SERIES>.json` for each simulated series; return the paths, sorted.

    Series: UNRATE, GDPC1, CPIAUCSL, FEDFUNDS and DTB3, observations from 1990-01, each with the
    vintages published by the world date. The same seed writes the same bytes.
    """
    economy = simulate_economy(seed)
    streams = [np.random.default_rng([seed, REVISION_STREAM, stream]) for stream in range(3)]
    series = {
        "UNRATE": unemployment_releases(economy),
        "GDPC1": gdp_releases(economy, streams[0]),
        "CPIAUCSL": cpi_releases(economy, streams[1]),
        "FEDFUNDS": fed_funds_releases(economy),
        "DTB3": bill_releases(economy, streams[2]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    return sorted(_write_series(folder, name, releases) for name, releases in series.items())


def vintages(releases: pl.DataFrame, world_date: date = WORLD_DATE) -> pl.DataFrame:
    """Turn releases into observations with inclusive real-time periods.

    Input columns: `date`, `released`, `value`, sorted by both dates. Output columns in the order
    of the API: `realtime_start`, `realtime_end`, `date`, `value`. A release that repeats the
    current value starts no new period.
    """
    known = releases.filter(pl.col("released") <= world_date)
    changes = known.filter(pl.col("value").ne_missing(pl.col("value").shift(1).over("date")))
    replaced = pl.col("released").shift(-1).over("date") - timedelta(days=1)
    return changes.select(
        pl.col("released").alias("realtime_start"),
        replaced.fill_null(CURRENT).alias("realtime_end"),
        "date",
        "value",
    )


def _write_series(folder: Path, series_id: str, releases: pl.DataFrame) -> Path:
    observations = vintages(releases).with_columns(pl.exclude("value").dt.to_string("%Y-%m-%d"))
    envelope = {
        "realtime_start": "1776-07-04",
        "realtime_end": CURRENT.isoformat(),
        "observation_start": "1600-01-01",
        "observation_end": CURRENT.isoformat(),
        "units": "lin",
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": "asc",
        "count": observations.height,
        "offset": 0,
        "limit": 100_000,
        MARK_FIELD: True,
    }
    # One observation per line, so that a quarantined one can be named by its line.
    rows = ",\n".join(json.dumps(row) for row in observations.iter_rows(named=True))
    head = json.dumps(envelope).removesuffix("}")
    path = folder / f"{series_id}.json"
    path.write_bytes(f'{head}, "observations": [\n{rows}\n]}}\n'.encode())
    return path
