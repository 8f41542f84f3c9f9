"""FRED observations from text records to typed rows: the cleaning rules of one file.

`fred_intervals.py` turns the rows of all files into real-time intervals.
"""

from datetime import date, timedelta
from typing import Final

import polars as pl

from financial_pipeline.transforms.text_values import is_unreadable, number
from financial_pipeline.transforms.verdicts import Cleaned, duplicates, first_reason, sort_out

CURRENT: Final = date(9999, 12, 31)
BEFORE_FIRST_MONTH: Final = "before_first_observation_month"
KEY: Final = ["series_id", "observation_date", "vintage", "realtime_start"]
COLUMNS: Final = [*KEY, "realtime_end", "value", "line_number"]


def clean(records: pl.DataFrame, first_month: date) -> Cleaned:
    """Type the records of one file and sort out the lines that break a rule.

    Input: text columns `value`, `realtime_start` and `realtime_end` (inclusive, or null),
    `series_id`, `vintage`, `observation_date` (null if unreadable), `problem`, and the line
    columns. Staged columns: COLUMNS, with a half-open real-time period. A value that upstream
    leaves missing is null. Observations before `first_month` are a note.
    """
    note = pl.when(pl.col("observation_date") < first_month).then(pl.lit(BEFORE_FIRST_MONTH))
    typed = records.with_columns(
        note=note,
        is_empty=pl.all_horizontal(pl.col("date", "value").fill_null("").str.strip_chars() == ""),
        is_unreadable=is_unreadable("value"),
        has_period=pl.col("realtime_start").is_not_null() | pl.col("realtime_end").is_not_null(),
        value=number("value"),
        realtime_start=pl.col("realtime_start").str.to_date("%Y-%m-%d", strict=False),
        realtime_end=_half_open(pl.col("realtime_end").str.to_date("%Y-%m-%d", strict=False)),
    )
    judged = _judge(typed)
    sound = pl.col("reason").is_null() & pl.col("note").is_null()
    content = ["value", "realtime_end"]
    repeated = judged.filter(sound).with_columns(reason=duplicates(KEY, content))
    return sort_out(pl.concat([judged.filter(~sound), repeated]), COLUMNS)


def _half_open(inclusive_end: pl.Expr) -> pl.Expr:
    following = pl.when(inclusive_end < CURRENT).then(inclusive_end + timedelta(days=1))
    return following.otherwise(inclusive_end)


def _judge(typed: pl.DataFrame) -> pl.DataFrame:
    """Add `reason`: the first rule that a line breaks; notes are left alone."""
    has_period = pl.col("has_period") & (pl.col("realtime_end") > pl.col("realtime_start"))
    reason = first_reason(
        (pl.col("is_empty"), "empty_row"),
        (pl.col("observation_date").is_null(), "unparsable_date"),
        (pl.col("is_unreadable"), "unparsable_number"),
        (pl.col("has_period") & has_period.fill_null(False).not_(), "invalid_realtime_period"),
    )
    reason = pl.when(pl.col("problem").is_null()).then(reason).otherwise(pl.col("problem"))
    return typed.with_columns(reason=pl.when(pl.col("note").is_null()).then(reason))
