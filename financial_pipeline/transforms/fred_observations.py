"""FRED observations from text records to typed rows: the cleaning rules of one file.

`fred_intervals.py` turns the rows of all files into real-time intervals.
"""

from datetime import date, timedelta
from typing import Final

import polars as pl

from financial_pipeline.schemas.macro_series import (
    FREQUENCY_OF_SERIES,
    LOWEST_VALUE,
    PROJECTIONS,
    VALUE_RANGE,
)
from financial_pipeline.transforms.fred_periods import PADDING, one_per_period
from financial_pipeline.transforms.fred_units import judge_changes
from financial_pipeline.transforms.price_rules import COMMA_PATTERN, THOUSANDS_PATTERN
from financial_pipeline.transforms.text_values import is_unreadable, number
from financial_pipeline.transforms.verdicts import Cleaned, duplicates, first_reason, sort_out

CURRENT: Final = date(9999, 12, 31)
BEFORE_FIRST_MONTH: Final = "before_first_observation_month"
KEY: Final = ["series_id", "observation_date", "vintage", "realtime_start"]
COLUMNS: Final = [*KEY, "realtime_end", "value", "frequency", "line_number"]
# No FRED series has older observations; such a year is mistyped.
EARLIEST: Final = date(1600, 1, 1)
# The date dimension of the warehouse begins here.
FIRST_RELEASE: Final = date(1900, 1, 1)
AFTER_THIS_MONTH: Final = "after_this_month"
# A week may be dated by its last day.
LONGEST_LEAD: Final = timedelta(days=7)


def clean(records: pl.DataFrame, first_month: date, copied_on: date, today: date) -> Cleaned:
    """Type the records of one file and sort out the lines that break a rule.

    Input: text columns `value`, `realtime_start` and `realtime_end` (inclusive, or null),
    `series_id`, `vintage`, `observation_date` (null if unreadable), `problem`, and the line
    columns. Staged columns: COLUMNS, with a half-open real-time period. A value that upstream
    leaves missing is null. Observations before `first_month` are a note, and so are projections
    after the month of `today`. `copied_on` is the day on which an undated file arrived.
    """
    day, month_end = pl.col("observation_date"), pl.lit(today).dt.month_end()
    is_missing = number("value").is_null() & is_unreadable("value").not_()
    is_projected = pl.col("series_id").is_in(list(PROJECTIONS))
    may_project = is_projected | pl.col("series_id").is_in(list(FREQUENCY_OF_SERIES)).not_()
    is_early = day > pl.col("vintage").fill_null(copied_on) + LONGEST_LEAD
    is_future = (day > month_end) | (is_early & pl.col("realtime_start").is_null())
    note = (
        pl.when(day.is_between(EARLIEST, first_month, closed="left"))
        .then(pl.lit(BEFORE_FIRST_MONTH))
        .when((day > month_end) & may_project)
        .then(pl.lit(AFTER_THIS_MONTH))
        # Tables and matrices of vintages have rows for dates without a value yet.
        .when(is_future & is_missing & pl.col("problem").is_null())
        .then(pl.lit(PADDING))
    )
    typed = records.with_columns(
        note=note,
        is_future=is_future & may_project.not_(),
        is_empty=pl.all_horizontal(pl.col("date", "value").fill_null("").str.strip_chars() == ""),
        is_unreadable=is_unreadable("value"),
        is_ambiguous=_has_ambiguous_comma(),
        has_period=pl.col("realtime_start").is_not_null() | pl.col("realtime_end").is_not_null(),
        value=number("value"),
        realtime_start=pl.col("realtime_start").str.to_date("%Y-%m-%d", strict=False),
        realtime_end=_half_open(pl.col("realtime_end").str.to_date("%Y-%m-%d", strict=False)),
    )
    return _shape(_judge(typed, today))


def _shape(judged: pl.DataFrame) -> Cleaned:
    """Leave one sound observation per period, and sort out the rest."""
    sound = pl.col("reason").is_null() & pl.col("note").is_null()
    others = judged.filter(~sound).with_columns(frequency=pl.lit(None, pl.String()))
    shaped = judge_changes(one_per_period(judged.filter(sound)).select(others.columns))
    repeated = shaped.filter(sound).with_columns(reason=duplicates(KEY, ["value", "realtime_end"]))
    return sort_out(pl.concat([others, shaped.filter(~sound), repeated]), COLUMNS)


def _half_open(inclusive_end: pl.Expr) -> pl.Expr:
    following = pl.when(inclusive_end < CURRENT).then(inclusive_end + timedelta(days=1))
    return following.otherwise(inclusive_end)


def _is_implausible() -> pl.Expr:
    """Whether a value is outside the range of its series in the unit that FRED publishes.

    A file whose median is too low contains fractions, which is a separate fault.
    """
    outside = [
        (pl.col("series_id") == name) & pl.col("value").is_between(low, high).not_()
        for name, (low, high) in VALUE_RANGE.items()
    ]
    median = pl.col("value").median().over("series_id")
    outside += [
        (pl.col("series_id") == name) & (pl.col("value") < low) & (median >= low)
        for name, low in LOWEST_VALUE.items()
    ]
    return pl.any_horizontal(outside)


def _has_ambiguous_comma() -> pl.Expr:
    """Whether a value such as `101,234` may be a thousand times too large.

    The range of a known series decides, and so does another value of the series with both a comma
    and a decimal point, or with two groups of thousands.
    """
    has_thousands = (
        pl.col("value").str.contains(THOUSANDS_PATTERN).any().over("series_id").fill_null(False)
    )
    ranged = pl.col("series_id").is_in(list(VALUE_RANGE))
    has_comma = pl.col("value").str.strip_chars().str.contains(COMMA_PATTERN)
    return has_comma & ~has_thousands & ~ranged.fill_null(False)


def _judge(typed: pl.DataFrame, today: date) -> pl.DataFrame:
    """Add `reason`: the first rule that a line breaks; notes are left alone."""
    has_period = pl.col("has_period") & (pl.col("realtime_end") > pl.col("realtime_start"))
    reason = first_reason(
        (pl.col("is_empty"), "empty_row"),
        (pl.col("observation_date").is_null(), "unparsable_date"),
        (pl.col("is_future"), "future_observation"),
        (pl.max_horizontal("realtime_start", "vintage") > today, "future_release"),
        (pl.col("realtime_start") < FIRST_RELEASE, "implausible_date"),
        (pl.col("observation_date") < EARLIEST, "implausible_date"),
        (pl.col("is_unreadable"), "unparsable_number"),
        (pl.col("is_ambiguous"), "ambiguous_comma"),
        (_is_implausible(), "implausible_value"),
        (pl.col("has_period") & has_period.fill_null(False).not_(), "invalid_realtime_period"),
    )
    reason = pl.when(pl.col("problem").is_null()).then(reason).otherwise(pl.col("problem"))
    return typed.with_columns(reason=pl.when(pl.col("note").is_null()).then(reason))
