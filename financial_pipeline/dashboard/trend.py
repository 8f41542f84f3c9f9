"""The trend of a measure: its change over a year, whether that is beyond chance, and its driver."""

from typing import Any, Final

import polars as pl

from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import percent

SUMMARY: Final = "metrics/portfolio_summary"
# A change is over this many months, so that its direction is that of the trend.
TREND_MONTHS: Final = 12
RATES = """
select snapshot_month, value, value_low, value_high, loans
from metrics.portfolio_summary
where measure = 'default_rate_matured' and segment_kind = 'all' and value is not null
order by snapshot_month
"""
GRADES = """
select segment as grade, snapshot_month, value, loans
from metrics.portfolio_summary
where measure = 'default_rate_matured' and segment_kind = 'grade' and value is not null
"""


def year_before(months: pl.DataFrame) -> dict[str, Any] | None:
    """Return the row of twelve months before the last, or the earliest one; None if alone."""
    if months.height < 2:
        return None
    start = months["snapshot_month"].dt.offset_by(f"-{TREND_MONTHS}mo")[-1]
    since = months.filter(pl.col("snapshot_month") >= start)
    return since.row(0, named=True) if since.height > 1 else months.row(-2, named=True)


def is_beyond(row: dict[str, Any], other: float) -> bool:
    """Return whether a value is outside the 95% interval of a row; False without an interval."""
    return row["value_low"] is not None and not row["value_low"] <= other <= row["value_high"]


def headline(release: Release) -> str | None:
    """Answer the page's question in one sentence: rate, its change over a year, and its driver."""
    months = release.rows(RATES, SUMMARY)
    if months.is_empty():
        return None
    now, before = months.row(-1, named=True), year_before(months)
    rate = (
        f"**{percent(now['value'])} of matured loans defaulted** (95% {percent(now['value_low'])}"
        f" to {percent(now['value_high'])}, n {now['loans']:,}, as of"
        f" {now['snapshot_month']:%Y-%m})"
    )
    if before is None:
        return f"{rate}."
    change = (
        f"{(now['value'] - before['value']) * 100:+.2f} pp since {before['snapshot_month']:%Y-%m}"
    )
    if not is_beyond(now, before["value"]):
        return f"{rate}; the change of {change} is within the interval."
    return f"{rate}, **{change}**, beyond the interval{_driver(release, now, before)}."


def _driver(release: Release, now: dict[str, Any], before: dict[str, Any]) -> str:
    """Name the grade that adds most to the change: by its rate and by its share of the loans."""
    grades = release.rows(GRADES, SUMMARY)
    excess = pl.col("loans") * (pl.col("value") - before["value"])
    parts = [
        grades.filter(pl.col("snapshot_month") == row["snapshot_month"]).select(
            "grade", excess.truediv(row["loans"]).alias("part")
        )
        for row in (now, before)
    ]
    both = parts[0].join(parts[1], on="grade", how="left", suffix="_before")
    added = both.with_columns(
        (pl.col("part") - pl.col("part_before").fill_null(0.0)).alias("added")
    ).sort("added", descending=now["value"] > before["value"])
    if added.is_empty():
        return ""
    top = added.row(0, named=True)
    return f"; grade {top['grade']} contributes most ({top['added'] * 100:+.2f} pp)"
