"""The ledger of restated prices: what upstream changed about sessions that were stored before."""

from typing import Final

import polars as pl

# One row per symbol, session, field and file that changed a stored value. The old value stays
# readable here, and whole in the archived file `old_file_sha256`.
PRICE_RESTATEMENTS: Final[dict[str, pl.DataType]] = {
    "symbol": pl.String(),
    "session_date": pl.Date(),
    # open, high, low, close, adjusted_close or volume.
    "field": pl.String(),
    "old_value": pl.Float64(),
    "new_value": pl.Float64(),
    # dividend, split, split_and_dividend (the change is what those call for), or correction.
    "reason": pl.String(),
    # Ex-date of the newest action behind it; null for a correction.
    "event_date": pl.Date(),
    "old_file_sha256": pl.String(),
    "new_file_sha256": pl.String(),
    # When the new file arrived; not part of the content hash.
    "restated_at": pl.Datetime("us", "UTC"),
}
KEYS: Final = ["symbol", "session_date", "field", "new_file_sha256"]
REASONS: Final = ("dividend", "split", "split_and_dividend", "correction")
