"""Credit series against macro series at every lag, and how sure each correlation is.

The months are put together on Spark; one value per month and series is collected. A correlation is
not a cause, and the level of unemployment at origination even has the wrong sign.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import scipy
from pyspark.sql import DataFrame

from financial_pipeline.schemas.metrics import MACRO_CORRELATIONS
from financial_pipeline.spark import correlation_inference as inference
from financial_pipeline.spark.contract import months_between, write_columns
from financial_pipeline.spark.credit_series import CREDIT_SERIES, VINTAGE_FLAGS, credit_series
from financial_pipeline.spark.known_macro import (
    MAX_LAG,
    OBSERVATION_MONTHS,
    lagged_as_known,
    latest_as_of,
    macro_vintages,
)

LAGS: Final = range(-MAX_LAG, MAX_LAG + 1)
METHODS: Final = ("pearson", "spearman")
# With fewer common months there is no correlation.
MIN_MONTHS: Final = 24
# Twelve-month changes of neighbouring months overlap, so their errors do too.
OVERLAPPING: Final = ("unrate_change_12m", "cpi_yoy")
OVERLAP: Final = 12
LEVELS: Final = ("unrate",)
SIGN_TRAP: Final = (
    "Wrong sign by construction: loans made while unemployment is low default in the bad times that"
    " follow."
)

Values = dict[date, tuple[float, date]]


@dataclass(frozen=True)
class _Known:
    """The known values of one as-of month: credit values, lagged and latest macro values."""

    credit: dict[str, dict[date, float]]
    lagged: dict[tuple[str, int], Values]
    latest: dict[str, Values]


def macro_correlations(
    loans: DataFrame,
    performance: DataFrame,
    indicators: DataFrame,
    prices: DataFrame,
    first: date,
    last: date,
    *,
    default_lag_months: int,
) -> DataFrame:
    """The lag matrix of methodology 4.3 and 4.4 for the as-of months `first` to `last`.

    Inputs are fct_loans, fct_loan_performance_monthly, agg_macro_indicators and fct_daily_prices.
    All cells of one as-of month and method are one family of tests for the q-values.
    """
    as_of_months = months_between(first, last)
    credit = credit_series(
        loans, performance, as_of_months, default_lag_months=default_lag_months
    ).toArrow()
    vintages = macro_vintages(indicators, prices).cache()
    lagged, latest = (
        lagged_as_known(vintages).toArrow(),
        latest_as_of(vintages, as_of_months).toArrow(),
    )
    vintages.unpersist()
    known = _known_by_month(credit.to_pylist(), lagged.to_pylist(), latest.to_pylist())
    rows = [row for month in as_of_months if month in known for row in _matrix(month, known[month])]
    frame = loans.sparkSession.createDataFrame(_table(rows))
    return write_columns(frame, MACRO_CORRELATIONS, first, last)


def _shift(month: date, by: int) -> date:
    count = month.year * 12 + month.month - 1 + by
    return date(count // 12, count % 12 + 1, 1)


def _known_by_month(
    credit: Sequence[Any], lagged: Sequence[Any], latest: Sequence[Any]
) -> dict[date, _Known]:
    lags: dict[tuple[str, int], dict[date, tuple[float, date]]] = {}
    for row in lagged:
        key = row["indicator_id"], row["lag_months"]
        lags.setdefault(key, {})[row["month"]] = (row["value"], row["release"])
    known: dict[date, _Known] = {}
    for row in credit:
        month = known.setdefault(row["as_of_month"], _Known({}, lags, {}))
        if row["value"] is not None:
            month.credit.setdefault(row["credit_series"], {})[row["month"]] = row["value"]
    for row in latest:
        if row["as_of_month"] in known:
            series = known[row["as_of_month"]].latest.setdefault(row["indicator_id"], {})
            series[row["month"]] = (row["value"], row["release"])
    return known


@dataclass(frozen=True)
class _Cell:
    """One pair of series at one lag and by one method: its row so far, and its months."""

    row: dict[str, Any]
    x: inference.Vector
    y: inference.Vector

    @property
    def has_evidence(self) -> bool:
        """Whether there are enough months and none of the series is flat."""
        return len(self.x) >= MIN_MONTHS and inference.correlation(self.x, self.y) is not None


def _matrix(as_of_month: date, known: _Known) -> list[dict[str, Any]]:
    cells = [
        cell
        for credit in CREDIT_SERIES
        for macro in OBSERVATION_MONTHS
        for lag in LAGS
        for cell in _cells(known, credit, macro, lag)
    ]
    usable = [cell for cell in cells if cell.has_evidence]
    blocks = [_block(cell) for cell in usable]
    intervals = inference.bootstrap_intervals(
        [(cell.x, cell.y, block) for cell, block in zip(usable, blocks, strict=True)]
    )
    for cell, (low, high) in zip(usable, intervals, strict=True):
        cell.row.update(_evidence(cell), bootstrap_low=low, bootstrap_high=high)
    for method in METHODS:
        family = [cell.row for cell in usable if cell.row["method"] == method]
        q_values = scipy.stats.false_discovery_control([row["hac_p_value"] for row in family])
        for row, q_value in zip(family, q_values.tolist(), strict=True):
            row["q_value"] = q_value
    return [{**cell.row, "as_of_month": as_of_month} for cell in cells]


def _cells(known: _Known, credit: str, macro: str, lag: int) -> list[_Cell]:
    """The Pearson and the Spearman cell of one pair of series at one lag."""
    series = known.credit.get(credit, {})
    is_lag = lag > 0
    values = known.lagged.get((macro, lag), {}) if is_lag else known.latest.get(macro, {})
    pairs = [
        (value, *values[place])
        for month, value in sorted(series.items())
        if (place := month if is_lag else _shift(month, -lag)) in values
    ]
    x, y = np.array([pair[1] for pair in pairs]), np.array([pair[0] for pair in pairs])
    shared = {
        "credit_series": credit,
        "macro_series": macro,
        "lag_months": lag,
        "months": len(pairs),
        "revised": not is_lag,
        "newest_release": max((pair[2] for pair in pairs), default=None),
        "is_descriptive": macro in LEVELS or not is_lag,
        "caution": SIGN_TRAP if credit in VINTAGE_FLAGS and macro in LEVELS and lag >= 0 else None,
    }
    return [
        _Cell({**shared, "method": "pearson"}, x, y),
        _Cell({**shared, "method": "spearman"}, scipy.stats.rankdata(x), scipy.stats.rankdata(y)),
    ]


def _block(cell: _Cell) -> int:
    return math.ceil(max(inference.block_length(cell.x), inference.block_length(cell.y), 1.0))


def _evidence(cell: _Cell) -> dict[str, float | None]:
    lags = inference.newey_west_lags(len(cell.x))
    overlaps = cell.row["macro_series"] in OVERLAPPING
    hac = inference.hac(cell.x, cell.y, max(lags, OVERLAP) if overlaps else lags)
    return {
        "correlation": inference.correlation(cell.x, cell.y),
        "hac_low": hac.low,
        "hac_high": hac.high,
        "hac_p_value": hac.p_value,
    }


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    types = {
        "date": pa.date32(),
        "string": pa.string(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
    }
    schema = pa.schema(
        [(name, types[column.type]) for name, column in MACRO_CORRELATIONS.columns.items()]
    )
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
