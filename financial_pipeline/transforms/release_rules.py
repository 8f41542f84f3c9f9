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
# Days from the end of a quarter, half-year or year to its first figure.
QUARTERLY_LAG_DAYS: Final = 31
# Dates of biweekly values may be those of the first day of the two weeks.
LAG_DAYS: Final = {"weekly": 7, "biweekly": 21}

# Longest usual interval between observations, in days, by frequency.
FREQUENCIES: Final = {
    "daily": 4,
    "weekly": 10,
    "biweekly": 20,
    "monthly": 45,
    "quarterly": 120,
    "semiannual": 200,
}
LONGEST_YEAR: Final = 366
# Gaps make intervals longer, never shorter, so a low quantile is the usual interval.
USUAL_QUANTILE: Final = 0.25
ORDER: Final = (*FREQUENCIES, "annual")
MONTHS_OF_PERIOD: Final = {"quarterly": 3, "semiannual": 6, "annual": 12}
# For a single observation of an unknown series.
UNKNOWN_FREQUENCY: Final = "monthly"
HOLIDAY_YEARS: Final = (1930, 2100)


def frequency(observation_dates: pl.Series) -> str | None:
    """Return one of ORDER, from the usual gap of dates.

    None for fewer than two dates.
    """
    distances = observation_dates.unique().sort().diff().dt.total_days()
    usual = distances.quantile(USUAL_QUANTILE, "lower")
    if usual is None:
        return None
    return next((name for name, longest in FREQUENCIES.items() if usual <= longest), "annual")


def is_coarser(kind: str | None, other: str | None) -> bool:
    """Return whether both frequencies are known and the first has the longer period."""
    return bool(kind and other) and ORDER.index(str(kind)) > ORDER.index(str(other))


@cache
def _federal_holidays() -> list[date]:
    first, last = (pd.Timestamp(year=year, month=1, day=1) for year in HOLIDAY_YEARS)
    return [day.date() for day in USFederalHolidayCalendar().holidays(first, last)]


def release_date(series_id: str, kind: str) -> pl.Expr:
    """The day on which the observation of a series was public, by its frequency `kind`.

    UNRATE on the 10th and any other monthly series on the 18th of the next month; quarterly,
    semiannual and annual ones 31 days after the period's end; weekly ones after 7 days, biweekly
    ones after 21; daily ones on the next business day.
    """
    day = pl.col("observation_date")
    if kind == "daily":
        return day.dt.add_business_days(1, holidays=_federal_holidays(), roll="backward")
    if kind in LAG_DAYS:
        return day.dt.offset_by(f"{LAG_DAYS[kind]}d")
    if kind == "monthly":
        release_day = RELEASE_DAY_OF_SERIES.get(series_id, MONTHLY_RELEASE_DAY)
        return day.dt.month_start().dt.offset_by(f"1mo{release_day - 1}d")
    period = f"{MONTHS_OF_PERIOD[kind]}mo{QUARTERLY_LAG_DAYS - 1}d"
    return day.dt.month_start().dt.offset_by(period)


def latest_release(series_id: str, *kinds: str | None) -> pl.Expr:
    """The latest of the rules of these frequencies; None among them has no rule."""
    known = list(dict.fromkeys(kind for kind in kinds if kind)) or [UNKNOWN_FREQUENCY]
    return pl.max_horizontal(release_date(series_id, kind) for kind in known)
