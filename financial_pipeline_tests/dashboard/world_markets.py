"""Hand-made market and macro tables: two banks over 60 sessions, two indicators over 48 months."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.schemas.restatements import LOAN_RESTATEMENTS
from financial_pipeline_tests.dashboard.world import put

BANKS = ("JPM", "GS")
SESSIONS = [date(2019, 1, 1) + timedelta(days=day) for day in range(60)]
LAST = SESSIONS[-1].isoformat()
FOREVER = date(9999, 12, 31)
MONTHS = [date(2015 + month // 12, 1 + month % 12, 1) for month in range(48)]


def _of(frame: pl.DataFrame, **values: float | str | bool | date | None) -> pl.DataFrame:
    return frame.with_columns(**{name: pl.lit(value) for name, value in values.items()})


def market(paths: Paths) -> None:
    """JPM falls by 9% on the session before the last; its value at risk is 2% throughout."""
    cells = pl.DataFrame({"symbol": BANKS}).join(
        pl.DataFrame({"session_date": SESSIONS}), how="cross"
    )
    day = pl.col("session_date").rank("dense").over("symbol")
    is_fall = (pl.col("symbol") == "JPM") & (day == len(SESSIONS) - 1)
    prices = cells.with_columns(
        close=100.0 + day,
        adjusted_close=100.0 + day,
        session_number=day.cast(pl.Int64),
        scale_break=pl.lit(None, pl.String),
        source=pl.lit("test"),
    )
    put(paths, "exports/fct_daily_prices", prices, LAST)
    is_gap = (pl.col("symbol") == "GS") & (day == 30)
    returns = cells.with_columns(
        simple_return=pl.when(is_fall).then(-0.09).otherwise(0.001),
        return_note=pl.when(is_gap).then(pl.lit("missing_session")),
        returns_252d=pl.lit(252),
        excess_note=pl.lit(None, pl.String),
    )
    rolling = {"volatility_21d": 0.2, "volatility_63d": 0.25, "volatility_252d": 0.3}
    put(paths, "metrics/rolling_volatility", _of(returns, **rolling), LAST)
    ratios = {"sharpe_252d": 0.5, "sharpe_252d_standard_error": 1.0}
    put(paths, "metrics/sharpe_ratios", _of(cells, **ratios), LAST)
    risk = {"drawdown": -0.1, "max_drawdown_252d": -0.2, "value_at_risk_95": 0.02}
    tests = {"expected_shortfall_95": 0.03, "kupiec_p_value": 0.5, "christoffersen_p_value": 0.6}
    counts = {"forecasts": 59, "hits": 1}
    put(paths, "metrics/market_risk", _of(cells, **risk, **tests, **counts), LAST)
    pairs = pl.DataFrame({"session_date": SESSIONS})
    banks = {"symbol_a": "GS", "symbol_b": "JPM", "correlation_252d": 0.7}
    put(paths, "metrics/return_correlations", _of(pairs, **banks), LAST)


def restated(paths: Paths) -> None:
    """A dividend of JPM changed three closes by 1%; no value of a loan was changed."""
    row = {"symbol": "JPM", "field": "close", "old_value": 100.0, "new_value": 99.0} | {
        "reason": "split_and_dividend",
        "event_date": SESSIONS[9],
        "restated_at": datetime(2019, 3, 2, tzinfo=UTC),
    }
    rows = pl.DataFrame([row | {"session_date": day} for day in SESSIONS[:3]])
    put(paths, "exports/price_restatements", rows, None)
    none = pl.DataFrame(schema=LOAN_RESTATEMENTS.columns)
    put(paths, "exports/loan_restatements", none, None)


def macro(paths: Paths) -> None:
    """Unemployment was first published at 5% for each month and revised to 6% a month later."""
    rows = []
    for month in MONTHS:
        first, second = month + timedelta(days=40), month + timedelta(days=70)
        label = {"indicator_id": "unrate", "observation_date": month, "pit_method": "alfred"}
        rows.append(label | {"realtime_start": first, "realtime_end": second, "value": 5.0})
        rows.append(label | {"realtime_start": second, "realtime_end": FOREVER, "value": 6.0})
    put(paths, "exports/agg_macro_indicators", pl.DataFrame(rows), "2018-12-01")
    lags = np.arange(-12, 13)
    cells = pl.DataFrame({"lag_months": lags, "correlation": lags / 24.0})
    label = {"as_of_month": date(2019, 3, 1), "credit_series": "D1", "macro_series": "unrate"}
    numbers = {"hac_low": -0.9, "hac_high": 0.9, "q_value": 0.5, "months": 48}
    words = {"method": "pearson", "is_descriptive": True, "caution": "Wrong sign by construction."}
    put(paths, "metrics/macro_correlations", _of(cells, **label, **numbers, **words))
