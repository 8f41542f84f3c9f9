"""Bitemporal FRED observations: since when, and until when, each value was the known one.

Three kinds of sources give intervals of falling precision. ALFRED's answer over all vintages is
exact; dated copies of a series are compared one by one; an undated file tells values only, and
its dates follow the release rules. Each observation takes the most precise kind that has it.
"""

import polars as pl

from financial_pipeline.transforms.fred_observations import CURRENT
from financial_pipeline.transforms.release_rules import frequency, release_date

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

    What stood already in the first copy that reaches back to it was released by rule, at the
    latest on that copy's day. An observation that a later copy leaves out ends there.
    """
    copies = rows.group_by("vintage").agg(pl.col(DAY).min().alias("first_day"))
    grid = rows.select(DAY).unique().join(copies, how="cross")
    reached = grid.filter(pl.col(DAY) >= pl.col("first_day"))
    values = _newest(rows, [DAY, "vintage"])
    states = reached.join(values, on=[DAY, "vintage"], how="left").sort(DAY, "vintage")
    # The line number tells an absent observation from one whose value is missing.
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
