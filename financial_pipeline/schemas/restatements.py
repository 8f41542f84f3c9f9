"""The ledger of restated prices: what upstream changed about sessions that were stored before."""

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
REASONS: Final = (
    "dividend",
    "split",
    "split_and_dividend",
    "correction",
    "no_common_session",
    "scale_unknown",
)
