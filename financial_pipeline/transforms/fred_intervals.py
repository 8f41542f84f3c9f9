"""Bitemporal FRED observations: since when, and until when, each value was the known one.

Three kinds of sources give intervals of falling precision. ALFRED's answer over all vintages is
exact; dated copies of a series are compared one by one; an undated file has values only, and
its dates follow the release rules. Each observation takes the most precise kind that has it.
"""

from datetime import date
from functools import cache
from typing import Final

import pandas as pd
import polars as pl
from pandas.tseries.holiday import USFederalHolidayCalendar

from financial_pipeline.transforms.fred_observations import CURRENT

# Day of the month after the observed one; a month's figures come with the price index or earlier.
UNEMPLOYMENT_RELEASE_DAY: Final = 10
MONTHLY_RELEASE_DAY: Final = 18
RELEASE_DAY_OF_SERIES: Final = {"UNRATE": UNEMPLOYMENT_RELEASE_DAY}
# Days from the end of a quarter (or year) to its first figure.
QUARTERLY_LAG_DAYS: Final = 31
WEEKLY_LAG_DAYS: Final = 7

# Series whose frequency needs no guess, however few observations a file has.
FREQUENCY_OF_SERIES: Final = {
    **dict.fromkeys(("UNRATE", "CPIAUCSL", "FEDFUNDS", "TB3MS"), "monthly"),
    **dict.fromkeys(("GDPC1", "GDP", "A191RL1Q225SBEA"), "quarterly"),
    "DTB3": "daily",
}
# Longest usual distance between observations, in days, by frequency.
FREQUENCIES: Final = ((4, "daily"), (10, "weekly"), (45, "monthly"), (120, "quarterly"))
# Gaps make distances longer, never shorter: a low quantile is the usual one.
USUAL_QUANTILE: Final = 0.25
MONTHS_OF_PERIOD: Final = {"quarterly": 3, "annual": 12}
HOLIDAY_YEARS: Final = (1930, 2100)


def frequency(series_id: str, observation_dates: pl.Series) -> str:
    """Return daily, weekly, monthly, quarterly or annual: known, or from the usual gap of dates.

    A single observation of an unknown series counts as monthly.
    """
    if series_id in FREQUENCY_OF_SERIES:
        return FREQUENCY_OF_SERIES[series_id]
    distances = observation_dates.unique().sort().diff().dt.total_days()
    usual = distances.quantile(USUAL_QUANTILE, "lower")
    if usual is None:
        return "monthly"
    return next((name for longest, name in FREQUENCIES if usual <= longest), "annual")


@cache
def _federal_holidays() -> list[date]:
    first, last = (pd.Timestamp(year=year, month=1, day=1) for year in HOLIDAY_YEARS)
    return [day.date() for day in USFederalHolidayCalendar().holidays(first, last)]


def release_date(series_id: str, kind: str, column: str = "observation_date") -> pl.Expr:
    """The day on which the observation of a series was public, by its frequency `kind`.

    UNRATE on the 10th and any other monthly series on the 18th of the next month; quarterly and
    annual ones 31 days after the period's end; weekly ones after 7 days; daily ones on the next
    business day.
    """
    day = pl.col(column)
    if kind == "daily":
        return day.dt.add_business_days(1, holidays=_federal_holidays(), roll="backward")
    if kind == "weekly":
        return day.dt.offset_by(f"{WEEKLY_LAG_DAYS}d")
    if kind == "monthly":
        release_day = RELEASE_DAY_OF_SERIES.get(series_id, MONTHLY_RELEASE_DAY)
        return day.dt.month_start().dt.offset_by(f"1mo{release_day - 1}d")
    period = f"{MONTHS_OF_PERIOD[kind]}mo{QUARTERLY_LAG_DAYS - 1}d"
    return day.dt.month_start().dt.offset_by(period)


DAY = "observation_date"


def realtime_intervals(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn the cleaned rows of all files into intervals [realtime_start, realtime_end).

    Input: the columns of `fred_observations.clean`, `file_rank` (0 is the newest file) and any
    further columns, which follow the row that an interval starts with. Adds `pit_method`: alfred
    or rule. The intervals of one observation never overlap.
    """
    if rows.is_empty():
        return rows.with_columns(pit_method=pl.lit("alfred"))
    series = rows.partition_by("series_id", maintain_order=True)
    return pl.concat([_intervals_of_series(part) for part in series])


def _intervals_of_series(rows: pl.DataFrame) -> pl.DataFrame:
    series_id = rows["series_id"][0]
    rule = release_date(series_id, frequency(series_id, rows[DAY]))
    dated = rows.with_columns(release_rule=rule, pit_method=pl.lit("alfred"))
    is_recorded, is_copy = pl.col("realtime_start").is_not_null(), pl.col("vintage").is_not_null()
    found = _from_recorded(dated.filter(is_recorded))
    for less_precise in (
        _from_copies(dated.filter(~is_recorded & is_copy)),
        _from_undated(dated.filter(~is_recorded & ~is_copy)),
    ):
        missing = less_precise.join(found, on=DAY, how="anti").select(found.columns)
        found = pl.concat([found, missing])
    return found.drop("release_rule").sort(DAY, "realtime_start")


def _newest(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return rows.sort("file_rank").unique(key, keep="first", maintain_order=True)


def _from_recorded(rows: pl.DataFrame) -> pl.DataFrame:
    """Exact intervals; where answers of several days disagree on an end, the next start ends it.

    A value that one answer says is over is over, whatever answers say that did not know it yet.
    """
    over = pl.col("realtime_end").min().over(DAY, "realtime_start")
    ended = rows.with_columns(realtime_end=over)
    versions = _newest(ended, [DAY, "realtime_start"]).sort(DAY, "realtime_start")
    following = pl.col("realtime_start").shift(-1).over(DAY)
    return versions.with_columns(realtime_end=pl.min_horizontal("realtime_end", following))


def _from_copies(rows: pl.DataFrame) -> pl.DataFrame:
    """Compare consecutive copies of a series: an interval starts where a value first appears.

    A value in the first copy that reaches back to it was released by rule, at the
    latest on that copy's day. An observation that a later copy leaves out ends there.
    """
    copies = rows.group_by("vintage").agg(pl.col(DAY).min().alias("first_day"))
    grid = rows.select(DAY).unique().join(copies, how="cross")
    reached = grid.filter(pl.col(DAY) >= pl.col("first_day"))
    values = _newest(rows, [DAY, "vintage"])
    states = reached.join(values, on=[DAY, "vintage"], how="left").sort(DAY, "vintage")
    # The line number distinguishes an absent observation from one whose value is missing.
    present = pl.col("line_number").is_not_null()
    before = present.shift(1).over(DAY)
    is_first = before.is_null()
    revised = pl.col("value").ne_missing(pl.col("value").shift(1).over(DAY))
    changes = states.with_columns(is_first=is_first).filter(
        is_first | (present != before) | revised
    )
    by_rule = pl.min_horizontal("release_rule", "vintage")
    intervals = changes.with_columns(
        realtime_start=pl.when("is_first").then(by_rule).otherwise("vintage"),
        realtime_end=pl.col("vintage").shift(-1).over(DAY).fill_null(CURRENT),
        pit_method=pl.when("is_first").then(pl.lit("rule")).otherwise("pit_method"),
    )
    return intervals.filter(present)


def _from_undated(rows: pl.DataFrame) -> pl.DataFrame:
    return _newest(rows, [DAY]).with_columns(
        realtime_start=pl.col("release_rule"),
        realtime_end=pl.lit(CURRENT),
        pit_method=pl.lit("rule"),
    )
