"""One observation per period: the frequency of a file's series, read from its values.

Tables pad a series of lower frequency with missing values or repeat its last one, and write the
end of a period instead of its first day. Both are undone here, file by file.
"""

from typing import Final

import polars as pl

from financial_pipeline.schemas.macro_series import FREQUENCY_OF_SERIES
from financial_pipeline.transforms.release_rules import (
    FREQUENCIES,
    LONGEST_YEAR,
    ORDER,
    frequency,
    is_coarser,
)

DAY: Final = "observation_date"
PADDING: Final = "padding"
REPEATED: Final = "repeated_value"
ANOTHER_FREQUENCY: Final = "another_frequency"
WIDTHS: Final = {
    "weekly": "1w",
    "biweekly": "2w",
    "monthly": "1mo",
    "quarterly": "1q",
    "semiannual": "6mo",
    "annual": "1y",
}
# Frequencies whose dates are days of the week, not first days of a period.
UNDATED_PERIODS: Final = (None, "daily", "weekly", "biweekly")
# Lower frequencies whose values a table may repeat.
REPEATABLE: Final = ("monthly", "quarterly", "semiannual", "annual")
# Months of the first days of half-years, and of their last ones.
HALF_YEARS: Final = ({1, 7}, {6, 12})
# A series of unknown frequency is tested for repeated values if it has this many periods, and
# enough changes.
LEAST_PERIODS: Final = 4
# Days between observations of each frequency, at least, in the order of ORDER.
SHORTEST_GAPS: Final = dict(enumerate((0, 5, 12, 27, 85, 175, 350)))
LEAST_CHANGES: Final = 0.5


def one_per_period(rows: pl.DataFrame) -> pl.DataFrame:
    """Mark rows that are not observations, and date the others by the first day of their period.

    Input: sound rows of one file with series_id, observation_date, vintage, realtime_start, value,
    note and reason. Adds `frequency` (null if one observation does not show it). Rows with
    recorded periods are dated by them too, and none of theirs is padding or a repetition.
    """
    is_wide = rows["series_id"].n_unique() > 1
    parts = rows.partition_by("series_id", maintain_order=True)
    empty = rows.with_columns(frequency=pl.lit(None, pl.String()))
    return pl.concat([_shape(part, is_wide) for part in parts]) if parts else empty


def _shape(rows: pl.DataFrame, is_wide: bool) -> pl.DataFrame:
    series_id: str = rows["series_id"][0]
    values = rows.filter(pl.col("value").is_not_null())
    known = FREQUENCY_OF_SERIES.get(series_id)
    seen = _proven_frequency(values[DAY], known)
    if rows["realtime_start"].is_not_null().any():
        # Few of its dates do not make a monthly series quarterly.
        dates = _dated(known or seen, known)
        return rows.with_columns(dates, frequency=pl.lit(seen, pl.String()))
    filled = _filled_from(values, known, seen)
    kind = filled or seen
    rows = rows.with_columns(frequency=pl.lit(kind, pl.String()))
    if is_coarser(known, kind):
        return rows.with_columns(reason=pl.lit(ANOTHER_FREQUENCY))
    period = period_start(kind or known)
    ranked = rows.with_columns(_period=period).sort(pl.col("value").is_null(), DAY)
    repeats = pl.int_range(pl.len()).over("vintage", "_period") > 0
    is_padding = pl.col("value").is_null() & (repeats | _outside(is_wide))
    is_repeated = repeats & pl.lit(filled is not None)
    note = pl.when(is_padding).then(pl.lit(PADDING)).when(is_repeated).then(pl.lit(REPEATED))
    marked = ranked.with_columns(note=note)
    dated = marked.with_columns(_dated(kind or known, known))
    return dated.drop("_period").sort("line_number", maintain_order=True)


def period_start(kind: str | None) -> pl.Expr:
    """The first day of the period of an observation; its own day for daily ones."""
    width = WIDTHS.get(kind or "daily")
    return pl.col(DAY).dt.truncate(width) if width else pl.col(DAY)


def _proven_frequency(days: pl.Series, known: str | None) -> str | None:
    """The frequency of dates; the known one if a lower one is only that of gaps between them."""
    seen, gaps = frequency(days), days.unique().sort().diff().dt.total_days()
    # Every second quarter is not a half-year.
    if seen == "semiannual" and not any(set(days.dt.month()) <= ends for ends in HALF_YEARS):
        return known or "annual"
    is_lower = is_coarser(seen, known)
    shortest = gaps.min()
    if is_lower and isinstance(shortest, int) and shortest < SHORTEST_GAPS[ORDER.index(str(seen))]:
        return known
    return seen


def _dated(kind: str | None, known: str | None) -> pl.Expr:
    """The first day of the period; a year that ends within a year keeps its date or quarter."""
    if kind in UNDATED_PERIODS:
        return pl.col(DAY)
    if kind != "annual":
        return period_start(kind).alias(DAY)
    is_year_end = (pl.col(DAY).dt.month() == 12) & (pl.col(DAY).dt.day() > 1)
    within = pl.col(DAY) if known in UNDATED_PERIODS else period_start(known)
    other = pl.col(DAY) if known == "annual" else within
    return pl.when(is_year_end).then(pl.col(DAY).dt.truncate("1y")).otherwise(other).alias(DAY)


def _outside(is_wide: bool) -> pl.Expr:
    """Whether a row is before the first or after the last value of its series in a table."""
    if not is_wide:
        return pl.lit(False)
    valued = pl.col(DAY).filter(pl.col("value").is_not_null())
    inside = pl.col(DAY).is_between(valued.min().over("vintage"), valued.max().over("vintage"))
    return inside.fill_null(False).not_()


def _filled_from(values: pl.DataFrame, known: str | None, seen: str | None) -> str | None:
    """The lower frequency of which a table repeats the values, if it does."""
    wanted = [kind for kind in REPEATABLE if is_coarser(kind, seen)]
    found = [
        kind
        for kind in wanted
        if (kind == known or not is_coarser(known, kind))
        and _repeats(values, kind, is_known=kind == known)
    ]
    return found[-1] if found else None


def _repeats(values: pl.DataFrame, kind: str, *, is_known: bool) -> bool:
    keys = ["vintage", "period"]
    by_period = values.with_columns(period=period_start(kind)).sort(*keys)
    periods = by_period.group_by(keys, maintain_order=True).agg(
        pl.col("value").n_unique().alias("levels"), pl.col("value").first()
    )
    if periods["levels"].max() != 1:
        return False
    changed = periods["value"].diff().ne(0).sum()
    enough = periods.height >= LEAST_PERIODS and changed >= LEAST_CHANGES * (periods.height - 1)
    return is_known or enough


def find_aggregates(rows: pl.DataFrame) -> pl.DataFrame:
    """The series_id and file_rank of files with a lower frequency than another file of the series.

    Their values are means or sums of the others' and no second copy of them. A few observations
    with gaps between them are no proof, unless another file has values between them.
    """
    valued = rows.filter(pl.col("value").is_not_null())
    gaps = pl.col(DAY).unique().sort().diff().dt.total_days()
    days = valued.group_by("series_id", "file_rank").agg(
        pl.col("frequency").first(),
        gaps.min().alias("shortest"),
        gaps.max().alias("longest"),
        pl.col(DAY).min().alias("first"),
        pl.col(DAY).max().alias("last"),
        pl.col(DAY).n_unique().alias("days"),
        pl.col("realtime_start").is_null().all().alias("is_copy"),
    )
    rank = pl.col("frequency").replace_strict(
        {kind: n for n, kind in enumerate(ORDER)}, default=None
    )
    ranked = days.with_columns(rank=rank, width=rank.replace_strict(SHORTEST_GAPS, default=0))
    is_lower = (pl.col("rank") > pl.col("rank").min().over("series_id")) & pl.col("is_copy")
    lower = ranked.filter(is_lower & (pl.col("shortest") >= pl.col("width")))
    is_long = pl.col("days") >= LEAST_PERIODS
    found = pl.concat([lower.filter(is_long), _filled(lower.filter(~is_long), ranked, valued)])
    return found.select("series_id", "file_rank")


def _filled(few: pl.DataFrame, ranked: pl.DataFrame, valued: pl.DataFrame) -> pl.DataFrame:
    """The files of a few consecutive periods of which a file of higher frequency has parts."""
    usual = pl.col("frequency").replace_strict(FREQUENCIES | {"annual": LONGEST_YEAR}, default=0)
    whole = few.filter(pl.col("frequency").is_in(REPEATABLE) & (pl.col("longest") <= usual))
    files = ranked.select("series_id", "file_rank", other="rank")
    parts = valued.join(files, on=["series_id", "file_rank"]).select("series_id", "other", DAY)
    is_between = (pl.col("first") < pl.col(DAY)) & (pl.col(DAY) < pl.col("last"))
    inside = whole.join(parts, on="series_id").filter(
        is_between & (pl.col("other") < pl.col("rank"))
    )
    return whole.join(inside, on=["series_id", "file_rank"], how="semi")
