"""The unit of a macro file, judged by its median and by the values that are already stored."""

import math
from collections.abc import Iterator
from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.schemas.macro_series import (
    LARGEST_CHANGE,
    LEVELS,
    LOWEST_MEDIAN,
    LOWEST_QUOTE,
    LOWEST_VALUE,
    REBASED,
    RECENT,
    RECENT_RANGE,
    SHORT_RATES,
    VALUE_RANGE,
    ZERO_RATES,
)

DAY: Final = "observation_date"
KEYS: Final = ["series_id", DAY, "base", "frequency"]
# Known series that are whole numbers, or so large that rounding changes nothing.
WHOLE: Final = frozenset({"GDPC1", "GDP", "PAYEMS"})
# This many whole values, not all of them equal, have been rounded.
MANY_WHOLE: Final = 12
# Unemployment and levels change within this many months or quarters; otherwise software has filled
# them forward.
MANY_EQUAL: Final = 18
# A rate of growth, which may change by any amount.
GROWTH: Final = "A191RL1Q225SBEA"
# Two copies of one series on one base differ by revisions, never by this much.
WIDEST_RATIO: Final = 2.0
# Series that are rebased: a smaller ratio is another base.
WIDEST_REVISION: Final = 1.07
# Unemployment is revised by a tenth in some months of a year, and other rates not at all.
WIDEST_RATE_REVISION: Final = 0.15
LEAST_COMMON: Final = 3
# A rate that differs by this many points from both neighbours, which agree within half of that, is
# mistyped.
LARGEST_SPIKE: Final = 5.0
# Neighbours of a value are at most this far away: a quarter, and a lost one.
LONGEST_STEP: Final = 190


def wrong_unit(rows: pl.DataFrame, stored: pl.DataFrame) -> str | None:
    """Explain why a file's values are in another unit than FRED's or the stored ones; else None.

    `rows` are the cleaned rows of the file with `arrived`; `stored` the values of the files that
    arrived before it, as `with_newer` gives them.
    """
    return next((reason for part in _series(rows) if (reason := _unit_fault(part, stored))), None)


def _series(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    yield from rows.drop_nulls("value").partition_by("series_id", maintain_order=True)


def _unit_fault(part: pl.DataFrame, stored: pl.DataFrame) -> str | None:
    series_id: str = part["series_id"][0]
    copies = part.filter(pl.col("realtime_start").is_null()).sort("vintage", DAY)
    is_jump = _is_far(pl.col("value"), _near(1).over("vintage"))
    jumps: pl.Series | list[object] = copies.filter(is_jump)[DAY] if series_id in LEVELS else []
    if len(jumps):
        return (
            f"its {series_id} has values on two bases or in two units, before and from {jumps[0]}"
            " on; download it again"
        )
    lowest = LOWEST_MEDIAN.get(series_id)
    spans = ZERO_RATES if series_id in SHORT_RATES else ()
    is_low = pl.any_horizontal(
        pl.lit(False), *(pl.col(DAY).is_between(*span, closed="left") for span in spans)
    )
    telling = part.filter(is_low.not_())
    if telling.is_empty():
        telling = part.filter(pl.col("value") != 0)
        lowest = LOWEST_QUOTE if lowest is not None else None
    typical = telling["value"].abs().median()
    if lowest is not None and isinstance(typical, float) and typical < lowest:
        return (
            f"its {series_id} has a median of {typical:.4g}, which is that of fractions; FRED"
            f" publishes it in per cent: multiply the values by 100"
        )
    if reason := _implausible(part, copies, series_id):
        return reason
    common = _common(part, stored.filter(pl.col("series_id") == series_id), series_id)
    if reason := _other_rate(common, series_id):
        return reason
    ratio = _ratio(common)
    widest = WIDEST_REVISION if series_id in REBASED else WIDEST_RATIO
    if ratio is None or 1 / widest <= ratio <= widest:
        return None
    return (
        f"its {series_id} is {ratio:.4g} times the stored one on their common days: another unit or"
        " base year; download it again, or withdraw the older file"
    )


def _implausible(part: pl.DataFrame, copies: pl.DataFrame, series_id: str) -> str | None:
    """Explain why a known series has another base, or is rounded or filled; else None."""
    low, high = RECENT_RANGE.get(series_id, (-math.inf, math.inf))
    typical = part.filter(pl.col(DAY) >= RECENT)["value"].median()
    if isinstance(typical, float) and not low <= typical <= high:
        return (
            f"its {series_id} has a median of {typical:,.6g} since {RECENT.year}, and FRED's are"
            f" between {low:,} and {high:,}: another base year, unit or series;"
            " download it again"
        )
    if series_id in VALUE_RANGE.keys() - WHOLE and _is_rounded(part["value"]):
        return (
            f"its {series_id} has whole numbers only, which FRED publishes with decimals; download"
            " it again"
        )
    if series_id in (*LEVELS, *LOWEST_VALUE) and (day := _filled_from(copies)):
        return (
            f"its {series_id} has one value for at least {MANY_EQUAL} periods from {day} on, which"
            " software filled forward; download it again"
        )
    return None


def _filled_from(copies: pl.DataFrame) -> date | None:
    """The first day of MANY_EQUAL equal values of one copy in a row, None without such a run."""
    is_same = [pl.col("value") == pl.col("value").shift(-step) for step in range(1, MANY_EQUAL)]
    filled = copies.filter(pl.all_horizontal(is_same).over("vintage"))
    return filled[DAY].min()  # type: ignore[return-value]


def _is_rounded(values: pl.Series) -> bool:
    is_whole = bool((values == values.round()).all())
    return is_whole and len(values) >= MANY_WHOLE and values.n_unique() > 1


def _common(part: pl.DataFrame, stored: pl.DataFrame, series_id: str) -> pl.DataFrame:
    """Return the values that a file and the stored ones of the same base have for one day."""
    return _newest(part, series_id).join(stored, on=KEYS, suffix="_old")


def _ratio(common: pl.DataFrame) -> float | None:
    """Median ratio to the stored values; None for too few common days."""
    known = common.filter(pl.col("value_old") != 0)
    if known.height < LEAST_COMMON:
        return None
    ratio = (known["value"] / known["value_old"]).median()
    return ratio if isinstance(ratio, float) else None


def _other_rate(common: pl.DataFrame, series_id: str) -> str | None:
    """Explain why the values of a known rate are those of another one; else None."""
    away = (common["value"] - common["value_old"]).abs().median()
    is_rate = series_id in VALUE_RANGE.keys() - {*LEVELS, GROWTH}
    if not is_rate or common.height < LEAST_COMMON or not isinstance(away, float):
        return None
    if away < WIDEST_RATE_REVISION:
        return None
    return (
        f"its {series_id} is {away:.2g} points away from the stored one on half of their"
        f" {common.height:,} common days, and no such rate is revised so far: another series, such"
        " as one of another adjustment or maturity; download it again, or withdraw the older file"
    )


def _newest(part: pl.DataFrame, series_id: str) -> pl.DataFrame:
    """Return the last value of each day and base of one series: KEYS and value."""
    day = pl.coalesce("realtime_start", "vintage", "arrived")
    base = pl.sum_horizontal(pl.lit(0), *(day >= start for start in REBASED.get(series_id, ())))
    values = part.drop_nulls("value").with_columns(base=base.cast(pl.Int64))
    return values.select(*KEYS, "value").unique(KEYS, keep="last", maintain_order=True)


def older_series(rows: pl.DataFrame, stored: pl.DataFrame) -> Iterator[tuple[str, date, date]]:
    """Each series of an undated copy that has other values than the stored ones and ends earlier.

    With its last day and the last stored one. Input as `wrong_unit`.
    """
    is_undated = pl.col("vintage").is_null() & pl.col("realtime_start").is_null()
    for part in _series(rows.filter(is_undated)):
        known = stored.filter(pl.col("series_id") == part["series_id"][0])
        common = _common(part, known, part["series_id"][0])
        ends, reach = part[DAY].max(), known[DAY].max()
        if (common["value"] != common["value_old"]).any() and ends < reach:  # type: ignore[operator]
            yield part["series_id"][0], ends, reach  # type: ignore[misc]


def with_newer(stored: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the newest value of each series, day, base and frequency.

    `stored` are the values of the files before, empty at first; `rows` those of one file.
    """
    parts = [_newest(part, part["series_id"][0]) for part in _series(rows)]
    values = pl.concat([*parts, stored])
    return values.unique(KEYS, keep="first", maintain_order=True)


def no_values() -> pl.DataFrame:
    """Return the stored values before the first file."""
    kinds = (pl.String(), pl.Date(), pl.Int64(), pl.String(), pl.Float64())
    return pl.DataFrame(schema=dict(zip((*KEYS, "value"), kinds, strict=True)))


def judge_changes(rows: pl.DataFrame) -> pl.DataFrame:
    """Give single mistyped values of known series the reason `implausible_change`.

    A level is compared with its neighbours of the same copy, at the ends with the nearest one, and
    a rate with both. Values with recorded periods are upstream's own.
    """
    value, keys = pl.col("value"), ["series_id", "vintage"]
    is_judged = value.is_not_null() & pl.col("reason").is_null() & pl.col("note").is_null()
    is_judged &= pl.col("realtime_start").is_null() & pl.col("series_id").is_in(list(VALUE_RANGE))
    judged = rows.filter(is_judged.fill_null(False)).sort(*keys, DAY)
    steps = judged.with_columns(
        before=_near(1).over(keys), after=_near(-1).over(keys), second=value.shift(-2).over(keys)
    )
    before, after = pl.col("before"), pl.col("after")
    is_lone = _is_far(value, before) & _is_far(value, after) & ~_is_far(before, after)
    is_last = _is_far(value, before) & after.is_null()
    is_first = before.is_null() & _is_far(value, after) & ~_is_far(after, pl.col("second"))
    is_level = pl.col("series_id").is_in(list(LEVELS))
    up, down = value - before, value - after
    is_spike = (up.abs() >= LARGEST_SPIKE) & (down.abs() >= LARGEST_SPIKE) & (up * down > 0)
    is_spike &= (before - after).abs() < LARGEST_SPIKE / 2
    is_rate = is_level.not_() & (pl.col("series_id") != GROWTH)
    wrong = (is_level & (is_lone | is_last | is_first)) | (is_rate & is_spike)
    reason = pl.when(wrong.fill_null(False)).then(pl.lit("implausible_change")).otherwise("reason")
    marked = steps.with_columns(reason=reason).select(rows.columns)
    return pl.concat([rows.filter(is_judged.fill_null(False).not_()), marked])


def _near(step: int) -> pl.Expr:
    """The value `step` rows before, if it is near in time."""
    apart = (pl.col(DAY) - pl.col(DAY).shift(step)).dt.total_days().abs()
    return pl.when(apart <= LONGEST_STEP).then(pl.col("value").shift(step))


def _is_far(value: pl.Expr, other: pl.Expr) -> pl.Expr:
    ratio = value / other
    is_far = (ratio > 1 + LARGEST_CHANGE) | (ratio < 1 / (1 + LARGEST_CHANGE))
    return is_far.fill_null(False)


def possible_values(subject: str) -> str:
    """The ranges of these series in words, for a message; empty without a known one."""
    known = {name: VALUE_RANGE[name] for name in subject.split(",") if name in VALUE_RANGE}
    texts = [f"{name} between {low:g} and {high:g}" for name, (low, high) in known.items()]
    return f"; FRED publishes {', '.join(texts)}" if texts else ""
