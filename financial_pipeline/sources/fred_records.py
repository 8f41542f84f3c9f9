"""The text records of a FRED file, whatever its form."""

from dataclasses import dataclass
from typing import Final

import polars as pl

RECORD_SCHEMA: Final = {
    "line_number": pl.Int64(),
    # Lines that no earlier record of the file has counted, so that sums count each line once.
    "physical_lines": pl.Int64(),
    "original_text": pl.String(),
    # Why the line could not be cut into fields, else null.
    "problem": pl.String(),
    "series_id": pl.String(),
    # The day on which the value was current, where the file is a dated copy.
    "vintage": pl.Date(),
    "date": pl.String(),
    "value": pl.String(),
    # Inclusive real-time period, where the file contains one.
    "realtime_start": pl.String(),
    "realtime_end": pl.String(),
}


@dataclass(frozen=True)
class FredLines:
    """The text records of a file (RECORD_SCHEMA), its notes by kind, and its form."""

    records: pl.DataFrame
    notes: dict[str, int]
    form: str
