"""The ledgers of restated prices and loans: values that a later file changed."""

from typing import Final

import polars as pl

from financial_pipeline.schemas.contract import Table

# The old value stays readable here, and whole in the archived file `old_file_sha256`.
PRICE_RESTATEMENTS: Final[Table[pl.DataType]] = Table(
    layer="exports",
    name="price_restatements",
    grain="One row per symbol, session, field and file that changed a stored value.",
    keys=("symbol", "session_date", "field", "new_file_sha256"),
    columns={
        "symbol": pl.String(),
        "session_date": pl.Date(),
        # open, high, low, close, adjusted_close or volume.
        "field": pl.String(),
        "old_value": pl.Float64(),
        "new_value": pl.Float64(),
        # dividend, split, split_and_dividend (the change is what those call for), or correction;
        # no_common_session and scale_unknown: the closes before and after the seam of two files.
        "reason": pl.String(),
        # Ex-date of the newest action behind it; null if none is known.
        "event_date": pl.Date(),
        "old_file_sha256": pl.String(),
        "new_file_sha256": pl.String(),
        # When the new file arrived.
        "restated_at": pl.Datetime("us", "UTC"),
    },
    unhashed=("restated_at",),
)

# Values are text, since all columns have no common type. The winning row is staged, and the
# other is quarantined as `superseded`.
LOAN_RESTATEMENTS: Final[Table[pl.DataType]] = Table(
    layer="exports",
    name="loan_restatements",
    grain="One row per loan, snapshot month, column and file whose value a later arrival changed.",
    keys=("loan_id", "snapshot_month", "field", "old_file_sha256"),
    columns={
        "loan_id": pl.String(),
        "snapshot_month": pl.Date(),
        "field": pl.String(),
        "old_value": pl.String(),
        "new_value": pl.String(),
        "old_file_sha256": pl.String(),
        "old_line_number": pl.Int64(),
        "new_file_sha256": pl.String(),
        "new_line_number": pl.Int64(),
        # When the new file arrived.
        "restated_at": pl.Datetime("us", "UTC"),
    },
    unhashed=("restated_at",),
)
