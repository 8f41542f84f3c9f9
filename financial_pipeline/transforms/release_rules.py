"""When a figure was published, by rule: for series of which no vintages are known.

The rules are conservative (methodology 4.2): most figures came out somewhat earlier. A month of
government shutdown breaks any rule.
"""

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
    """daily, weekly, monthly, quarterly or annual: known, or told by the usual distance of dates.

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
