"""Lookup of one macro value as it was known on a day: the Python twin of the dbt macro `as_of`.

Model features and backtests take macro values from here or from the dbt macro and nowhere else; a
join to the published observations without the day looks ahead.
"""

from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline.schemas.macro_series import FREQUENCY_OF_SERIES
from financial_pipeline.settings import Settings

OBSERVATIONS: Final = "exports/fct_macro_observations"
FOREVER: Final = date(9999, 12, 31)
RULE: Final = "rule"
# Default maximum age of the newest observation, in days: two periods and a late release.
OLDEST_DAYS: Final = {"daily": 14, "weekly": 28, "monthly": 124, "quarterly": 275, "annual": 800}
# For a series of unknown frequency: the longest.
UNKNOWN: Final = "annual"
# For a value of an undated copy.
ESTIMATED: Final = "release day estimated; revisions unknown"
MONTHS: Final = {"monthly": 1, "quarterly": 3, "annual": 12}
DAYS_PER_WEEK: Final = 7
FRIDAY: Final = 5  # ISO day of the week.


@dataclass(frozen=True)
class KnownValue:
    """One observation of a series as it was known on the day `as_of`.

    `value` is in the units that FRED publishes. It is null if upstream left it out, or if nothing
    was published by then; in that case `realtime_start` is null too. The value was current from
    `realtime_start` up to, not including, `realtime_end` (9999-12-31: it is current).
    """

    series_id: str
    observation_date: date | None
    as_of: date
    value: float | None
    realtime_start: date | None
    realtime_end: date | None
    # alfred (dated vintages) or rule (a release rule dates the value, which is of a later copy).
    pit_method: str | None = None
    # The day of the copy that the value is from; null for recorded vintages.
    vintage_date: date | None = None
    # Whether the simulator made the value.
    is_synthetic: bool | None = None
    # A caveat about the value, or the reason why it is null.
    note: str | None = None


def known_on(day: date) -> pl.Expr:
    """Return whether `day` is in the half-open interval [realtime_start, realtime_end).

    The last of all days, 9999-12-31, is in the intervals that have no end.
    """
    ends_later = (pl.lit(day) < pl.col("realtime_end")) | (pl.col("realtime_end") == FOREVER)
    return (pl.col("realtime_start") <= day) & ends_later


def _published_series(series_id: str, paths: Paths) -> pl.DataFrame:
    table = read_manifest(paths).table(OBSERVATIONS)
    rows = pl.scan_parquet(whole_files(paths, table))
    found = rows.filter(pl.col("series_id") == series_id).collect()
    if found.is_empty():
        known = rows.select(pl.col("series_id").unique().sort()).collect()["series_id"]
        raise PipelineError(
            f"No observation of {series_id} is published; ingest it, or choose one of"
            f" {', '.join(known)}."
        )
    return found


def as_of(
    series_id: str, day: date, observation_date: date | None = None, paths: Paths | None = None
) -> KnownValue:
    """Return the value of a published series as it was known at the end of `day`.

    Without an observation date, return the latest observation that had a value by then, no
    projection of a later period and none beyond OLDEST_DAYS. `paths` are the configured ones by
    default. Raise PipelineError if the series is not published, or if it has no observation of the
    date and never will.
    """
    place = paths or Paths(Settings().data_root.resolve())
    series = _published_series(series_id, place)
    known = series.filter(known_on(day))
    if observation_date is None:
        is_past = pl.col("observation_date") <= day
        known = known.filter(pl.col("value").is_not_null() & is_past)
    else:
        known = known.filter(pl.col("observation_date") == observation_date)
    if known.is_empty():
        reason = _why_unknown(series_id, series, day, observation_date)
        return KnownValue(series_id, observation_date, day, None, None, None, note=reason)
    row = known.sort("observation_date").row(-1, named=True)
    limit = OLDEST_DAYS[FREQUENCY_OF_SERIES.get(series_id, UNKNOWN)]
    if observation_date is None and (day - row["observation_date"]).days > limit:
        reason = (
            f"the newest observation is of {row['observation_date']}, more than {limit} days"
            " before; name its date to read it"
        )
        return KnownValue(series_id, None, day, None, None, None, note=reason)
    names = (
        "value",
        "realtime_start",
        "realtime_end",
        "pit_method",
        "vintage_date",
        "is_synthetic",
    )
    note = _caution(row["value"], row["pit_method"], row["vintage_date"])
    values = {name: row[name] for name in names}
    return KnownValue(series_id, row["observation_date"], day, **values, note=note)


def _caution(value: float | None, method: str, copied: date | None) -> str | None:
    if method != RULE:
        return None
    if value is None:
        return f"not in the copy of {copied}; {ESTIMATED}"
    return f"today's revised value, of the copy of {copied}; {ESTIMATED}"


def _why_unknown(
    series_id: str, series: pl.DataFrame, day: date, observation_date: date | None
) -> str:
    """Say why nothing was known that day; raises PipelineError if the observation cannot exist."""
    if observation_date is None:
        return f"not yet published; the first release is of {series['realtime_start'].min()!s}"
    releases = series.filter(pl.col("observation_date") == observation_date)
    if releases.is_empty():
        sentence = wrong_day(series_id, series["observation_date"], observation_date)
        if sentence:
            raise PipelineError(sentence)
        return f"not yet published; the newest observation is {series['observation_date'].max()!s}"
    first = releases.sort("realtime_start").row(0, named=True)
    if first["realtime_start"] > day:
        how = " by estimate" if first["pit_method"] == RULE else ""
        return f"not yet published; its first release is of {first['realtime_start']}{how}"
    return "withdrawn by the publisher by then"


def sentence(known: KnownValue) -> str:
    """Describe a known value in one line."""
    name = f"{known.series_id} of {known.observation_date}, as of {known.as_of}"
    if known.realtime_start is None:
        return f"{name}: {known.note}"
    end = "still current" if known.realtime_end == FOREVER else f"until {known.realtime_end}"
    value = "not available" if known.value is None else known.value
    if known.is_synthetic:
        value = f"{value}, simulated"
    if known.pit_method == RULE:
        return f"{name}: {value} ({known.note}: about {known.realtime_start})"
    return f"{name}: {value} (published {known.realtime_start}, {end})"


def wrong_day(series_id: str, days: pl.Series, asked: date) -> str | None:
    """Return a sentence that names the nearest observation day, for a day that is not observed.

    `days` are the observation days of the series. None if the day is a later period of the series,
    which is not published yet.
    """
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    frequency = FREQUENCY_OF_SERIES.get(series_id)
    if asked < first:
        return f"{series_id} starts on {first}; {asked} is before its first observation."
    if asked > last:
        weekends = bool((days.dt.weekday() > FRIDAY).any())
        meant = _period_of(frequency, asked, last, weekends)
        return None if meant == asked else f"{series_id} is {frequency}; did you mean {meant}?"
    before, after = days.filter(days <= asked).max(), days.filter(days >= asked).min()
    assert isinstance(before, date)
    assert isinstance(after, date)
    # A day within a month, quarter or year means that period.
    if frequency in MONTHS and _newest_period(frequency, before, asked) == before:
        return f"{series_id} is {frequency}; did you mean {before}?"
    nearest = after if after - asked < asked - before else before
    return f"{series_id} has no observation of {asked}; did you mean {nearest}?"


def _newest_period(frequency: str, first: date, asked: date) -> date:
    """Return the observation day of the period that contains `asked`; `first` is one before it."""
    days = pl.date_range(first, asked, f"{MONTHS[frequency]}mo", eager=True)
    newest: date = days[-1]
    return newest


def _period_of(frequency: str | None, asked: date, last: date, weekends: bool) -> date:
    """Return the observation day of the period that contains `asked`, which is after the last."""
    if asked.year == MAXYEAR:
        # The following period has no date.
        return asked
    if frequency in MONTHS:
        return _newest_period(frequency, last, asked)
    if frequency == "weekly":
        return asked - timedelta(days=(asked - last).days % DAYS_PER_WEEK)
    after_friday = asked.isoweekday() - FRIDAY
    is_closed = frequency == "daily" and not weekends and after_friday > 0
    return asked - timedelta(days=after_friday) if is_closed else asked
