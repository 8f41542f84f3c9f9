"""The simulated macro data: the unemployment path, and FRED files with every vintage.

The files have the shape of the FRED API answer `series/observations` over the whole real-time
period: one observation per value and real-time interval, both ends of which are inclusive.
"""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.simulator.economy import simulate_economy
from financial_pipeline.simulator.macro_releases import (
    bill_releases,
    cpi_releases,
    fed_funds_releases,
    gdp_releases,
    unemployment_releases,
)

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
    }
    # One observation per line, so that a quarantined one can be named by its line.
    rows = ",\n".join(json.dumps(row) for row in observations.iter_rows(named=True))
    head = json.dumps(envelope).removesuffix("}")
    path = folder / f"{series_id}.json"
    path.write_bytes(f'{head}, "observations": [\n{rows}\n]}}\n'.encode())
    return path
