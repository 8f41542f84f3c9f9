"""Inputs of the columns that Python writes, from the lists that the code itself uses.

The inputs of columns in SQL are read by `from_sql.py`. A column that is not here, such as a
constant or a count of rows, has no column as its input.
"""

from collections.abc import Iterable
from typing import Final

from financial_pipeline.ml.decide import CASH_COLUMNS
from financial_pipeline.ml.features import FEATURES
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.schemas.loan_rules import FINGERPRINT_COLUMNS
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline.schemas.staging import BANK_PRICES, LENDING_CLUB_LOAN_SNAPSHOTS
from financial_pipeline.sources.price_layout import FIELDS, NOT_KEPT
from financial_pipeline.transforms import lending_club_rejections as rejections

# Column -> the columns it is computed from, each `layer/table.column`.
MadeOf = dict[str, list[str]]


def _of(table: str, columns: Iterable[str]) -> list[str]:
    return [f"{table}.{column}" for column in columns]


def _loans() -> MadeOf:
    raw = "raw/lending_club_loans"
    return {
        **{column: _of(raw, [column]) for column in LOAN_COLUMNS},
        "loan_id": _of(raw, ["id", *FINGERPRINT_COLUMNS]),
        "credit_policy_met": _of(raw, ["loan_status"]),
        "emp_length_missing": _of(raw, ["emp_length"]),
    }


def _snapshots() -> MadeOf:
    return {c: ends for c, ends in _loans().items() if c in LENDING_CLUB_LOAN_SNAPSHOTS}


# Field -> Yahoo's name of it, which is the first one in the list of names.
YAHOO_NAMES: Final = {ours: theirs for theirs, ours in reversed(FIELDS.items())}


def _rejections() -> MadeOf:
    named = rejections.NUMBERS | rejections.TEXTS
    named |= {
        rejections.APPLICATION_DATE: "application_date",
        rejections.EMPLOYMENT: "employment_length",
    }
    return {ours: _of("raw/lending_club_rejections", [theirs]) for theirs, ours in named.items()}


def raw_price(field: str) -> str:
    """Return a price field as Yahoo writes it: `Adj Close` of `adj close`."""
    return field.title()


def _prices() -> MadeOf:
    raw = "raw/bank_prices"
    made_of = {
        ours: _of(raw, [raw_price(theirs)])
        for ours, theirs in YAHOO_NAMES.items()
        if ours in BANK_PRICES
    }
    # A file with adjusted prices only has them in its close column.
    made_of["adjusted_close"] += _of(raw, ["Close"])
    made_of["scale_break"] = _of(raw, ["Close", "Adj Close", "Dividends", "Stock Splits"])
    dates = dict.fromkeys(("session_date", "session_number"), _of(raw, ["Date"]))
    return made_of | {"symbol": _of(raw, ["Symbol"]), **dates}


def _observations() -> MadeOf:
    raw = "raw/fred_observations"
    # Without a vintage the release rule dates the value by its observation date.
    known = ["realtime_start", "realtime_end", "date"]
    return {
        "series_id": _of(raw, ["series_id"]),
        "observation_date": _of(raw, ["date"]),
        "value": _of(raw, ["value"]),
        "realtime_start": _of(raw, known),
        "realtime_end": _of(raw, known),
        "pit_method": _of(raw, ["realtime_start"]),
        "vintage_date": _of(raw, known[:2]),
    }


def _bars() -> MadeOf:
    raw = "raw/market_ohlcv"
    same = ("symbol", "session_date", "high", "low", "volume", "trades", "notional", "vwap_basis")
    return {
        **{column: _of(raw, [column]) for column in (*same, "source")},
        **{column: _of(raw, [column, "event_us", "sequence"]) for column in ("open", "close")},
        "window_start_at": _of(raw, ["event_us"]),
        "vwap": _of(raw, ["notional", "volume"]),
        "message_count": _of(raw, ["sequence"]),
        "is_regular_hours": _of(raw, ["event_us"]),
        "is_synthetic": _of(raw, ["source"]),
        "revision": _of("raw/market_bars", ["revision"]),
    }


def _alerts() -> MadeOf:
    bars = "staging/market_bars"
    same = ("symbol", "session_date", "window_start_at", "bar_seconds", "close", "source")
    measured = _of(bars, ["close", "volume"])
    return {
        **{column: _of(bars, [column]) for column in (*same, "is_synthetic", "revision")},
        "alert_id": _of(bars, ["symbol", "window_start_at", "bar_seconds"]),
        **{column: measured for column in ("rule", "severity", "zscore")},
    }


APPLICATIONS: Final = "exports/fct_loan_applications"
LOANS: Final = "exports/fct_loans"
TRAINING: Final = "ml/training_set"
TRAINED: Final = [f"{TRAINING}.{name}" for name in (*FEATURES, "default_d1")]
TESTED: Final = ["ml/default_model.artifact", *TRAINED]
SCORED: Final = ["ml/default_model.artifact"] + [
    f"{APPLICATIONS}.{column}" for column in dict.fromkeys(f.column for f in FEATURES.values())
]
CASH: Final = _of(LOANS, CASH_COLUMNS)
# Inputs of a whole table, if all its columns have the same.
WHOLE: Final[dict[str, list[str]]] = {
    **dict.fromkeys(("default_model", "coefficients", "scorecard_points"), TRAINED),
    **dict.fromkeys(("evaluation", "evaluation_bins", "evaluation_curves"), TESTED),
    "evaluation_segments": [*TESTED, f"{LOANS}.grade", f"{LOANS}.term_months"],
    "gates": [*TESTED, "ml/evaluation.auc", "ml/evaluation.calibration_slope"],
    "scores": SCORED,
    "drift": [*SCORED, "ml/scores.pd_borrower_only", "ml/scores.pd_platform_informed"],
    "threshold_table": [*TESTED, *CASH],
    "threshold_summary": [
        *_of("ml/threshold_table", ["threshold", "profit_realised_usd"]),
        *CASH,
    ],
    "fairness": [*TESTED, *_of(APPLICATIONS, ["addr_state", "income_effective"])],
    "model_card": ["ml/default_model.artifact", "ml/evaluation.auc", "ml/evaluation.default_rate"],
    "spark_agreement": TESTED,
}
# Columns of the model tables that name the subject of a row.
LABELS: Final = {"training_cutoff", "model", "evaluation", "seed", "git_sha", "feature_list_sha256"}


def training_set() -> MadeOf:
    """Return the inputs of the training set: features, outcome, split."""
    return {
        **{name: _of(APPLICATIONS, [feature.column]) for name, feature in FEATURES.items()},
        **{column: _of(APPLICATIONS, [column]) for column in ("loan_key", "issue_month")},
        "split": _of(APPLICATIONS, ["issue_month"]),
        **{column: _of(LOANS, [column]) for column in ("default_d1", "maturity_month")},
    }


def _model(name: str) -> MadeOf:
    return {
        column: WHOLE[name] for column in MODEL_TABLES[name].columns if column not in LABELS
    } | (
        {c: _of(APPLICATIONS, [c]) for c in ("loan_key", "issue_month")} if name == "scores" else {}
    )


def _restatements() -> MadeOf:
    raw = "raw/bank_prices"
    kept = [name for ours, name in YAHOO_NAMES.items() if ours not in NOT_KEPT]
    prices = _of(raw, [raw_price(name) for name in kept])
    return {
        "symbol": _of(raw, ["Symbol"]),
        "session_date": _of(raw, ["Date"]),
        **{column: prices for column in ("field", "old_value", "new_value", "reason")},
        "event_date": _of(raw, ["Date", "Dividends", "Stock Splits"]),
    }


def _loan_restatements() -> MadeOf:
    staged = "staging/lending_club_loan_snapshots"
    values = _of(staged, [name for name in LENDING_CLUB_LOAN_SNAPSHOTS if name in LOAN_COLUMNS])
    return {
        "loan_id": _of(staged, ["loan_id"]),
        "snapshot_month": _of(staged, ["snapshot_month"]),
        **{column: values for column in ("field", "old_value", "new_value")},
    }


RESAMPLED: Final = [
    "exports/agg_macro_indicators.value",
    f"{LOANS}.default_d1",
    f"{LOANS}.default_d3_12",
    "exports/fct_daily_prices.adjusted_close",
    "exports/fct_loan_performance_monthly.default_event",
]
PRICE_COUNT: Final = _of("exports/fct_daily_prices", ["adjusted_close"])
# Counts of rows and choices of a series, which are no column of the recomputing SQL.
ROWS: Final[dict[str, MadeOf]] = {
    "metrics/default_rates_by_grade": {"originated_loans": [f"{LOANS}.loan_key"]},
    "metrics/vintage_curves": {
        column: [f"{LOANS}.loan_key"] for column in ("loans", "loans_at_risk")
    },
    "metrics/rating_transitions": dict.fromkeys(
        ("loans_from", "loans", "probability", "probability_low", "probability_high"),
        _of("exports/fct_loan_performance_monthly", ["loan_key", "loan_state"]),
    ),
    "metrics/rolling_volatility": dict.fromkeys(
        ("returns_21d", "returns_63d", "returns_252d"), PRICE_COUNT
    ),
    "metrics/sharpe_ratios": dict.fromkeys(("observations", "excess_returns_252d"), PRICE_COUNT),
    "metrics/return_correlations": dict.fromkeys(
        ("common_returns_63d", "common_returns_252d"), PRICE_COUNT
    ),
    "metrics/macro_correlations": {
        "macro_series": ["exports/agg_macro_indicators.indicator_id"],
        "months": ["exports/agg_macro_indicators.observation_date"],
        **{column: RESAMPLED for column in ("bootstrap_low", "bootstrap_high")},
    },
}


def declared_inputs() -> dict[str, MadeOf]:
    """Return the inputs of the columns of every table that Python writes."""
    return {
        "staging/lending_club_loans": _loans(),
        "staging/lending_club_loan_snapshots": _snapshots(),
        "staging/lending_club_rejections": _rejections(),
        "staging/bank_prices": _prices(),
        "staging/fred_observations": _observations(),
        "staging/market_bars": _bars(),
        "staging/market_alerts": _alerts(),
        "exports/price_restatements": _restatements(),
        "exports/loan_restatements": _loan_restatements(),
        TRAINING: training_set(),
        **{f"ml/{name}": _model(name) for name in WHOLE},
        **ROWS,
    }
