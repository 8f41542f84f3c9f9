"""The staging tables: columns in contract order with their Polars types.

Every staging table is a folder `staging/<dataset>/` with one Parquet file per partition, named
`<partition key>.parquet`. Rates are fractions unless the column comment says per cent.
"""

from typing import Final

import polars as pl

from financial_pipeline.schemas.lending_club import (
    INTEGER_COLUMNS,
    LOAN_COLUMNS,
    MONTH_COLUMNS,
    REAL_COLUMNS,
)

Schema = dict[str, pl.DataType]

# Where a row came from: last columns of every staging table, left out of content hashes.
PROVENANCE: Final[Schema] = {
    # lending_club, yahoo, yfinance, csv (a dropped file that replaced a live provider), fred,
    # alfred, or simulated: what the dashboard shows.
    "source": pl.String(),
    "is_synthetic": pl.Boolean(),
    "file_sha256": pl.String(),
    # Physical line of the (uncompressed) file, counted from 1.
    "line_number": pl.Int64(),
}


def _loan_type(column: str) -> pl.DataType:
    if column in MONTH_COLUMNS:
        return pl.Date()
    if column in REAL_COLUMNS:
        return pl.Float64()
    if column in INTEGER_COLUMNS:
        return pl.Int64()
    return pl.String()


# One row per loan, from the latest snapshot that contains it; partition: issue month "YYYY-MM-01".
# The 151 upstream columns keep their names. `id` is as upstream wrote it or null; `loan_id` is
# the natural key: the upstream id, or for files without ids "fp-<fingerprint>-<occurrence>".
# `loan_status` has no policy prefix; that is `credit_policy_met`. `issue_d` is the issue month.
LENDING_CLUB_LOANS: Final[Schema] = {
    "loan_id": pl.String(),
    "snapshot_month": pl.Date(),
    "credit_policy_met": pl.Boolean(),
    "emp_length_missing": pl.Boolean(),
    **{column: _loan_type(column) for column in LOAN_COLUMNS},
    **PROVENANCE,
}

# One row per loan and snapshot file month; partition: snapshot month.
LENDING_CLUB_LOAN_SNAPSHOTS: Final[Schema] = {
    name: LENDING_CLUB_LOANS[name]
    for name in (
        "loan_id",
        "snapshot_month",
        "issue_d",
        "term",
        "credit_policy_met",
        "loan_status",
        "int_rate",
        "installment",
        "funded_amnt",
        "out_prncp",
        "total_pymnt",
        "total_rec_prncp",
        "total_rec_int",
        "total_rec_late_fee",
        "recoveries",
        "collection_recovery_fee",
        "last_pymnt_d",
        *PROVENANCE,
    )
}

# One row per rejected application; partition: application month.
LENDING_CLUB_REJECTIONS: Final[Schema] = {
    "application_date": pl.Date(),
    "amount_requested": pl.Float64(),
    "loan_title": pl.String(),
    "risk_score": pl.Float64(),
    # Per cent, as upstream writes it.
    "dti": pl.Float64(),
    "zip_code": pl.String(),
    "state": pl.String(),
    # Years, 0 for "< 1 year", 10 for "10+ years".
    "employment_length": pl.Int64(),
    "policy_code": pl.Int64(),
    **PROVENANCE,
}

# One row per bank and session; partition: session. Prices in dollars, split-adjusted as
# upstream publishes them; adjusted_close also removes dividends. A null open, high or low means
# that upstream had none (0.0), and the session leaves the range estimators.
BANK_PRICES: Final[Schema] = {
    "symbol": pl.String(),
    "session_date": pl.Date(),
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "adjusted_close": pl.Float64(),
    "volume": pl.Int64(),
    # Null if the file form has no such column.
    "dividend": pl.Float64(),
    "split_ratio": pl.Float64(),
    # Place of the session in the exchange calendar; 2000-01-03 is 0.
    "session_number": pl.Int64(),
    # Why the adjusted close cannot be compared with that of the session before: dividend_unknown or
    # scale_unknown where two files meet on unknown scales, or a file contradicts itself; else null.
    "scale_break": pl.String(),
    **PROVENANCE,
}

# One row per series, observation date and realtime interval [realtime_start, realtime_end);
# 9999-12-31 means still current. Partition: observation month. A null value is upstream's "." or
# an empty field. pit_method: "alfred" (dated vintages) or "rule" (release rule). vintage_date is
# the day of the copy that the value is from, whose units it has; null for recorded periods.
FRED_OBSERVATIONS: Final[Schema] = {
    "series_id": pl.String(),
    "observation_date": pl.Date(),
    "realtime_start": pl.Date(),
    "realtime_end": pl.Date(),
    "value": pl.Float64(),
    "pit_method": pl.String(),
    "vintage_date": pl.Date(),
    **PROVENANCE,
}

# One row per symbol and bar; partition: trading day. `window_start_at` is UTC without zone; prices
# and money in dollars. `revision` is 0 for the stream's bar and 1 if the batch corrected it.
MARKET_BARS: Final[Schema] = {
    "symbol": pl.String(),
    "session_date": pl.Date(),
    "window_start_at": pl.Datetime("us"),
    "bar_seconds": pl.Int64(),
    "open": pl.Decimal(18, 4),
    "high": pl.Decimal(18, 4),
    "low": pl.Decimal(18, 4),
    "close": pl.Decimal(18, 4),
    "volume": pl.Int64(),
    # Null if the source does not count them.
    "trades": pl.Int64(),
    "notional": pl.Decimal(38, 4),
    "vwap": pl.Float64(),
    # trades, or close where notional is close x volume.
    "vwap_basis": pl.String(),
    "message_count": pl.Int64(),
    "is_regular_hours": pl.Boolean(),
    "revision": pl.Int64(),
    "source": pl.String(),
    "is_synthetic": pl.Boolean(),
}

# One row per alert; partition: trading day.
MARKET_ALERTS: Final[Schema] = {
    "alert_id": pl.String(),
    "symbol": pl.String(),
    "session_date": pl.Date(),
    "window_start_at": pl.Datetime("us"),
    "bar_seconds": pl.Int64(),
    "rule": pl.String(),
    "severity": pl.String(),
    "zscore": pl.Float64(),
    "close": pl.Decimal(18, 4),
    "revision": pl.Int64(),
    "source": pl.String(),
    "is_synthetic": pl.Boolean(),
}

STAGING_TABLES: Final[dict[str, Schema]] = {
    "lending_club_loans": LENDING_CLUB_LOANS,
    "lending_club_loan_snapshots": LENDING_CLUB_LOAN_SNAPSHOTS,
    "lending_club_rejections": LENDING_CLUB_REJECTIONS,
    "bank_prices": BANK_PRICES,
    "fred_observations": FRED_OBSERVATIONS,
    "market_bars": MARKET_BARS,
    "market_alerts": MARKET_ALERTS,
}

# One row per raw line that broke a rule; one file per raw file, `staging/quarantine/<sha>.parquet`.
QUARANTINE: Final[Schema] = {
    "dataset": pl.String(),
    "file_name": pl.String(),
    "file_sha256": pl.String(),
    "line_number": pl.Int64(),
    # Physical lines that this row spans (quoted newlines).
    "physical_lines": pl.Int64(),
    "reason": pl.String(),
    "original_text": pl.String(),
}

# The kind of note of a sound row before the first partition of its table.
BEFORE_FIRST_MONTH: Final = "before_first_month"

# One row per raw file and kind of line; one file per raw file,
# `staging/row_accounting/<sha>.parquet`.
# category: "staged", "quarantined" or "note"; reason: the quarantine reason or the kind of note.
# The physical lines of a file are the sum over its rows.
ROW_ACCOUNTING: Final[Schema] = {
    "dataset": pl.String(),
    "file_name": pl.String(),
    "file_sha256": pl.String(),
    "category": pl.String(),
    "reason": pl.String(),
    "physical_lines": pl.Int64(),
    # Counted independently: the newline count of the whole file, repeated on each row.
    "file_physical_lines": pl.Int64(),
}
