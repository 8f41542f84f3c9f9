"""Release rules: the day on which an observation without a vintage was surely public."""

from datetime import date
from functools import cache
from typing import Final

import pandas as pd
import polars as pl
from pandas.tseries.holiday import USFederalHolidayCalendar

# Day of the month after the observed one; a month's figures come with the price index or earlier.
UNEMPLOYMENT_RELEASE_DAY: Final = 10
MONTHLY_RELEASE_DAY: Final = 18
RELEASE_DAY_OF_SERIES: Final = {"UNRATE": UNEMPLOYMENT_RELEASE_DAY}
# Days from the end of a quarter (or year) to its first figure.
QUARTERLY_LAG_DAYS: Final = 31
WEEKLY_LAG_DAYS: Final = 7

# Longest usual distance between observations, in days, by frequency.
FREQUENCIES: Final = ((4, "daily"), (10, "weekly"), (45, "monthly"), (120, "quarterly"))
# Gaps make distances longer, never shorter: a low quantile is the usual one.
USUAL_QUANTILE: Final = 0.25
ORDER: Final = ("daily", "weekly", "monthly", "quarterly", "annual")
MONTHS_OF_PERIOD: Final = {"quarterly": 3, "annual": 12}
# Of a single observation of an unknown series.
UNKNOWN_FREQUENCY: Final = "monthly"
HOLIDAY_YEARS: Final = (1930, 2100)


def frequency(observation_dates: pl.Series) -> str | None:
    """Return daily, weekly, monthly, quarterly or annual, from the usual gap of dates.

    None for fewer than two dates.
    """
    distances = observation_dates.unique().sort().diff().dt.total_days()
    usual = distances.quantile(USUAL_QUANTILE, "lower")
    if usual is None:
        return None
    return next((name for longest, name in FREQUENCIES if usual <= longest), "annual")


def is_coarser(kind: str | None, other: str | None) -> bool:
    """Return whether both frequencies are known and the first has the longer period."""
    return bool(kind and other) and ORDER.index(str(kind)) > ORDER.index(str(other))


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


def latest_release(series_id: str, *kinds: str | None) -> pl.Expr:
    """The latest of the rules of these frequencies; None among them has no rule."""
    known = list(dict.fromkeys(kind for kind in kinds if kind)) or [UNKNOWN_FREQUENCY]
    return pl.max_horizontal(release_date(series_id, kind) for kind in known)
