"""Bitemporal FRED observations: since when, and until when, each value was the known one.

ALFRED's answer over all vintages is exact until the day it was fetched. Dated copies of a series
are compared one by one, and an undated file is a copy of the day on which it arrived. A copy speaks
only about the days that it covers, and the later arrival wins.
"""

from datetime import timedelta
from typing import Final

import polars as pl

from financial_pipeline.schemas.macro_series import FREQUENCY_OF_SERIES
from financial_pipeline.transforms.fred_observations import CURRENT
from financial_pipeline.transforms.release_rules import (
    FREQUENCIES,
    LONGEST_YEAR,
    frequency,
    latest_release,
)

DAY: Final = "observation_date"
COPY: Final = "vintage_date"
# Longest delay of a release; two copies that are further apart do not date the values that appear
# between them.
LONGEST_DELAY: Final = timedelta(days=92)


def realtime_intervals(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn the cleaned rows of all files into intervals [realtime_start, realtime_end).

    Input: the columns of `fred_observations.clean`, `arrived` (the day of the file), `file_rank` (0
    is the newest file) and any further columns, which follow the row that an interval starts with.
    Adds `pit_method` (alfred or rule) and `vintage_date` (the day of the copy that a value is from,
    null for recorded periods). The intervals of one observation never overlap.
    """
    if rows.is_empty():
        none = pl.lit(None, pl.Date()).alias(COPY)
        return rows.with_columns(none, pit_method=pl.lit("alfred"))
    series = rows.partition_by("series_id", maintain_order=True)
    return pl.concat([_intervals_of_series(part) for part in series])


def _intervals_of_series(rows: pl.DataFrame) -> pl.DataFrame:
    is_recorded = pl.col("realtime_start").is_not_null()
    dated = rows.with_columns(
        release_rule=_release_rule(rows),
        pit_method=pl.lit("alfred"),
        vintage_date=pl.when(~is_recorded).then(pl.col("vintage").fill_null(pl.col("arrived"))),
    )
    recorded = _from_recorded(dated.filter(is_recorded))
    copies = dated.filter(~is_recorded)
    found = recorded if copies.is_empty() else _with_copies(recorded, copies)
    return found.drop("release_rule").sort(DAY, "realtime_start")


def _release_rule(rows: pl.DataFrame) -> pl.Expr:
    """The later rule where the frequency of a file is not that of its series."""
    series_id: str = rows["series_id"][0]
    known = FREQUENCY_OF_SERIES.get(series_id)
    rule = latest_release(series_id, known or frequency(rows[DAY]))
    for kind in rows["frequency"].drop_nulls().unique().sort():
        is_kind = pl.col("frequency") == kind
        rule = pl.when(is_kind).then(latest_release(series_id, kind, known)).otherwise(rule)
    return rule


def _newest(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return rows.sort("file_rank").unique(key, keep="first", maintain_order=True)


def _from_recorded(rows: pl.DataFrame) -> pl.DataFrame:
    """Exact intervals; where answers of several days disagree on an end, the next start ends it.

    A value that has ended in one answer has ended, even if older answers do not show its end.
    """
    over = pl.col("realtime_end").min().over(DAY, "realtime_start")
    ended = rows.with_columns(realtime_end=over)
    versions = _newest(ended, [DAY, "realtime_start"]).sort(DAY, "realtime_start")
    following = pl.col("realtime_start").shift(-1).over(DAY)
    return versions.with_columns(realtime_end=pl.min_horizontal("realtime_end", following))


def _with_copies(recorded: pl.DataFrame, copies: pl.DataFrame) -> pl.DataFrame:
    """Intervals of recorded periods and copies; a later copy that differs ends a recorded value."""
    known = (
        recorded.sort("realtime_start")
        .unique(DAY, keep="last")
        .join(recorded.group_by(DAY).agg(pl.col("arrived").max().alias("known_until")), on=DAY)
    )
    # The recorded value is the state before the next copy.
    is_open = pl.col("realtime_end") == CURRENT
    before = known.with_columns(
        line_number=pl.when(is_open).then("line_number"), vintage_date="known_until"
    ).select(*copies.columns, recorded=pl.lit(True))
    states = _states(copies).with_columns(recorded=pl.lit(False))
    newer = states.join(known.select(DAY, "known_until"), on=DAY, how="left").filter(
        pl.col("known_until").is_null() | (pl.col(COPY) > pl.col("known_until"))
    )
    found = _changes(pl.concat([before, newer.select(before.columns)]).sort(DAY, COPY))
    ends = found.filter("recorded").select(DAY, over="realtime_end")
    closed = recorded.join(ends, on=DAY, how="left").with_columns(
        realtime_end=pl.min_horizontal("realtime_end", pl.max_horizontal("over", "realtime_start"))
    )
    fresh = found.filter(pl.col("recorded").not_()).select(recorded.columns)
    return pl.concat([closed.select(recorded.columns), fresh])


def _states(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per observation and copy that speaks about it; without line number if it is absent.

    A copy that ends long before the values of its day is a part of the series: it does not affect
    later days. Any other one shows that a later observation was not published yet. A copy withdraws
    a single observation between two of its own; a longer gap is not conclusive.
    """
    released = rows.group_by(DAY).agg(pl.col("release_rule").min())
    copies = rows.group_by(COPY).agg(first=pl.col(DAY).min(), last=pl.col(DAY).max())
    grid = released.join(copies, how="cross")
    due = pl.col(DAY).filter(pl.col("release_rule") + LONGEST_DELAY <= pl.col(COPY)).max()
    is_part = (due.over(COPY) > pl.col("last")).fill_null(False)
    covered = pl.col(DAY) <= pl.col("last")
    reached = grid.filter((pl.col(DAY) >= pl.col("first")) & (covered | ~is_part))
    keys = reached.select(DAY, COPY, is_covered=covered)
    found = keys.join(_newest(rows, [DAY, COPY]), on=[DAY, COPY], how="left").sort(DAY, COPY)
    # A copy that ends before an observation does not withdraw it.
    present = pl.col("line_number").is_not_null()
    seen = present.cum_sum().over(DAY) > 0
    is_left_out = pl.col("is_covered") & _is_single_hole(frequency(rows[DAY]), present)
    is_later = pl.col("is_covered").not_() & ~seen
    return found.filter(present | is_left_out | is_later).select(rows.columns)


def _is_single_hole(kind: str | None, present: pl.Expr) -> pl.Expr:
    """Whether a copy has the observations of the periods directly before and after."""
    days = 2 * FREQUENCIES.get(str(kind), LONGEST_YEAR)
    before, after = (pl.col(DAY).shift(step).over(COPY, order_by=DAY) for step in (1, -1))
    is_framed = [present.shift(step).over(COPY, order_by=DAY) for step in (1, -1)]
    return pl.all_horizontal(*is_framed, after - before <= timedelta(days=days))


def _changes(states: pl.DataFrame) -> pl.DataFrame:
    """Compare the states of each observation: an interval starts where a value first appears.

    A value in the first copy that speaks about it was released by rule, at the latest on that
    copy's day. An observation that a later copy leaves out ends there.
    """
    present, copied = pl.col("line_number").is_not_null(), pl.col(COPY)
    before, last_copy = present.shift(1).over(DAY), copied.shift(1).over(DAY)
    is_new = present & (present.cum_sum().over(DAY) == 1) & ~pl.col("recorded").any().over(DAY)
    revised = pl.col("value").ne_missing(pl.col("value").shift(1).over(DAY))
    changes = states.with_columns(
        is_first=before.is_null(),
        # The copies before it lack it, but they are too old to date it.
        is_between=is_new & (copied > last_copy + LONGEST_DELAY),
        after=last_copy + timedelta(days=1),
    ).filter(before.is_null() | (present != before) | revised)
    by_rule = pl.min_horizontal("release_rule", COPY)
    between = pl.min_horizontal(pl.max_horizontal("release_rule", "after"), COPY)
    is_ruled = pl.col("is_first") | pl.col("is_between") | pl.col("vintage").is_null()
    intervals = changes.with_columns(
        realtime_start=pl.when("is_first")
        .then(by_rule)
        .when("is_between")
        .then(between)
        .otherwise(COPY),
        realtime_end=copied.shift(-1).over(DAY).fill_null(CURRENT),
        pit_method=pl.when(is_ruled).then(pl.lit("rule")).otherwise("pit_method"),
    )
    return intervals.filter(present | pl.col("recorded"))
