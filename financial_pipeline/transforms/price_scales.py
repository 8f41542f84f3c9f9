"""Prices of several files of one bank on one scale.

A provider rewrites all earlier prices after a split and all earlier adjusted closes after a
dividend, so two downloads differ by a factor. Common sessions give it; without them the raw closes
on both sides of the seam decide; otherwise the scale is unknown and the seam is a break.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from financial_pipeline.transforms.price_ratios import (
    LEAST_COMMON,
    NOISE,
    RATIO_TOLERANCE,
    is_usual_split,
    priced_in_both,
    turns_volume,
)

# The factor is the median over the last common sessions; a smaller difference is rounding.
SPLICE_SESSIONS: Final = 21
SPLICE_TOLERANCE: Final = 1e-4
# Raw closes on both sides of a seam that differ by more are not on one scale: 11:10 is the
# smallest usual split.
LARGEST_MOVE: Final = 0.08
# No bank's price rises or falls by this factor from one session to the next: the scale changed
# between the two rows of one file.
LARGEST_RISE: Final = 2.5
DEEPEST_FALL: Final = 1 / 30
# Rows further apart may differ by more.
LONGEST_JUMP: Final = 10
DIVIDEND_UNKNOWN: Final = "dividend_unknown"
SCALE_UNKNOWN: Final = "scale_unknown"
# A factor counts as a split if this share of the common sessions has it.
MOST: Final = 0.9
PER_SHARE: Final = ("open", "high", "low", "close", "dividend")

Row = dict[str, Any]


@dataclass(frozen=True)
class _Factors:
    """The factors of a file's raw and adjusted prices, and the breaks left.

    `adjusted` may have a factor for each row. `breaks` maps a session to why it cannot be compared
    with the one before.
    """

    raw: float = 1.0
    adjusted: float | pl.Series = 1.0
    breaks: tuple[tuple[Any, str], ...] = ()


def on_one_scale(bank: pl.DataFrame) -> pl.DataFrame:
    """Put the rows of one bank on the scale of its newest file and name the breaks left.

    Input: session_date, prices, volume, dividend, split_ratio and `file_rank` (0 is the newest).
    Adds `scale_break`. Files with common sessions are joined first, then the nearest one in time: a
    seam is between neighbours.
    """
    bank = bank.with_columns(share=pl.col("adjusted_close") / pl.col("close"))
    files = bank.sort("session_date", maintain_order=True).partition_by("file_rank")
    parts = {part["file_rank"][0]: part for part in files}
    joined = parts.pop(min(parts)) if parts else bank
    breaks: dict[Any, str] = {}
    while parts:
        days = set(joined["session_date"])
        overlaps = [rank for rank, part in parts.items() if days & set(part["session_date"])]
        part = parts.pop(min(overlaps) if overlaps else _nearest(parts, sorted(days)))
        factors = _from_common(part, joined) if overlaps else _from_seam(part, joined)
        breaks |= dict(factors.breaks)
        joined = pl.concat([joined, _scale(part, factors)])
    noted = pl.col("session_date").replace_strict(breaks, default=None, return_dtype=pl.String)
    return joined.drop("share").with_columns(
        scale_break=noted if breaks else pl.lit(None, pl.String)
    )


def _nearest(parts: Mapping[int, pl.DataFrame], days: Sequence[date]) -> int:
    """The rank of the file that begins or ends nearest to one of the days, the newer of two."""

    def distance(day: date) -> int:
        place = bisect_left(days, day)
        return min(abs((near - day).days) for near in days[max(place - 1, 0) : place + 1])

    def apart(rank: int) -> tuple[int, int]:
        sessions = parts[rank]["session_date"].to_list()
        return min(distance(min(sessions)), distance(max(sessions))), rank

    return min(parts, key=apart)


def _scale(part: pl.DataFrame, factors: _Factors) -> pl.DataFrame:
    if factors.raw == 1.0:
        return part.with_columns(pl.col("adjusted_close") * factors.adjusted)
    return part.with_columns(
        *(pl.col(name) * factors.raw for name in PER_SHARE),
        pl.col("adjusted_close") * factors.adjusted,
        (pl.col("volume") / factors.raw).round().cast(pl.Int64),
    )


def _from_common(part: pl.DataFrame, joined: pl.DataFrame) -> _Factors:
    """The factors of a file from its last common sessions with newer files.

    A correction of some sessions, or a last row of the middle of a day, moves nothing else: raw
    prices follow a split alone, and dividends are read where the raw closes agree. Where none do,
    the sessions on both sides of the seam decide.
    """
    reference = joined.sort("file_rank").unique("session_date", keep="first")
    common = part.join(reference, on="session_date", suffix="_newer").sort("session_date")
    priced = priced_in_both(common, "close")
    if priced.is_empty():
        adjusted = priced_in_both(common, "adjusted_close").with_columns(close="adjusted_close")
        return _Factors(1.0, _adjusted(part, adjusted))
    raw = _split(priced)
    agreeing = priced.filter((pl.col("ratio") / raw - 1).abs() <= NOISE)
    if agreeing.is_empty():
        return _from_corrected(part, joined)
    share = pl.col("adjusted_close_newer") / pl.col("adjusted_close") / pl.col("ratio")
    return _Factors(raw, raw * _adjusted(part, agreeing.with_columns(ratio=share)))


def _from_corrected(part: pl.DataFrame, joined: pl.DataFrame) -> _Factors:
    """The factors of a file whose every common session has another raw close in a newer file.

    Newer rows amid those of the file correct them; others begin or end at a seam.
    """
    days = part["session_date"]
    rest = part.filter(~days.is_in(joined["session_date"].implode()))
    newer = joined["session_date"].filter(~joined["session_date"].is_in(days.implode()))
    return _from_seam(rest, joined) if rest.height and newer.len() else _Factors()


def _adjusted(part: pl.DataFrame, common: pl.DataFrame) -> float | pl.Series:
    """The factor of adjusted closes: the usual `ratio`, or that of the nearest common sessions.

    It is one number unless one of the two downloads lacks dividends that the other has.
    """
    usual = _usual(common["ratio"])
    near = pl.col("ratio").rolling_median(SPLICE_SESSIONS, center=True, min_samples=1)
    known = common.drop_nulls("ratio").select("session_date", "close", near=near)
    if known.select(((pl.col("near") / usual - 1).abs() <= NOISE).all()).item():
        return usual
    return part.join_asof(known, on="session_date", strategy="nearest")["near"]


def _split(priced: pl.DataFrame) -> float:
    """The ratio of newer to older closes if it is that of a split, else 1.

    A split is the same on nearly all sessions. Two of three signs distinguish it from a correction:
    many sessions, volumes with the inverse ratio, and a usual ratio.
    """
    ratio = _usual(priced["ratio"])
    is_steady = priced.select(((pl.col("ratio") / ratio - 1).abs() <= NOISE).mean()).item()
    # Not every provider adjusts volumes for splits.
    is_turned = turns_volume(priced, ratio) is not False
    proofs = (priced.height >= LEAST_COMMON, is_turned, is_usual_split(ratio))
    return ratio if is_steady >= MOST and sum(proofs) >= 2 else 1.0


def _usual(ratios: pl.Series) -> float:
    ratio = ratios.drop_nulls().tail(SPLICE_SESSIONS).median()
    if not isinstance(ratio, float) or abs(ratio - 1) < SPLICE_TOLERANCE:
        return 1.0
    return ratio


def _from_seam(part: pl.DataFrame, joined: pl.DataFrame) -> _Factors:
    """The factors of a file without a common session, from the rows on both sides of its seams."""
    known = joined.sort("file_rank").unique("session_date", keep="first").sort("session_date")
    mine = part.sort("session_date")
    first, last = mine.row(0, named=True), mine.row(-1, named=True)
    before = known.filter(pl.col("session_date") < first["session_date"]).tail(1).to_dicts()
    after = known.filter(pl.col("session_date") > last["session_date"]).head(1).to_dicts()
    # The newer side sets the scale, the older one can only be compared with it.
    if after:
        raw, adjusted, note = _seam(last, after[0])
        breaks = [(after[0]["session_date"], note)]
        if before:
            breaks.append((first["session_date"], note or DIVIDEND_UNKNOWN))
    else:
        raw, adjusted, note = _seam(before[0], first) if before else (1.0, 1.0, SCALE_UNKNOWN)
        # Here the later part is rescaled.
        raw, adjusted = 1 / raw, 1 / adjusted
        breaks = [(first["session_date"], note)]
    return _Factors(raw, adjusted, tuple((day, why) for day, why in breaks if why is not None))


def _seam(older: Row, newer: Row) -> tuple[float, float, str | None]:
    """The factors of the older side of a seam, and why its return is unknown (None: it is known).

    A split on the newer side's first day is taken from its actions. The adjusted factor is
    continuous except for that day's dividend, which only a file with actions contains.
    """
    prices = [row[name] for row in (older, newer) for name in ("close", "adjusted_close")]
    if any(price is None for price in prices):
        return 1.0, 1.0, SCALE_UNKNOWN
    raw = 1 / (newer["split_ratio"] or 1.0)
    if abs(newer["close"] / (older["close"] * raw) - 1) > LARGEST_MOVE:
        return 1.0, 1.0, SCALE_UNKNOWN
    older_share = older["adjusted_close"] / older["close"]
    newer_share = newer["adjusted_close"] / newer["close"]
    if newer["dividend"] is not None:
        paid = 1 - newer["dividend"] / (older["close"] * raw)
        return raw, raw * newer_share * paid / older_share, None
    # Two files with the same dividends taken out, before they were scaled, are of one download.
    is_same = abs(newer["share"] / older["share"] - 1) < SPLICE_TOLERANCE < 1 - newer["share"]
    return raw, raw * newer_share / older_share, None if is_same else DIVIDEND_UNKNOWN


def with_jumps(rows: pl.DataFrame) -> pl.DataFrame:
    """Mark moves as breaks of scale that no market makes between neighbouring sessions.

    Input: one row per symbol and session with session_number, close, adjusted_close, dividend,
    split_ratio and scale_break. A change that the split of its day explains better than the market
    is one that the file did not adjust for; a dividend that less than half of it was taken out for
    is another one.
    """
    ordered = rows.sort("symbol", "session_number")
    apart = pl.col("session_number").diff().over("symbol")
    ratio = pl.col("adjusted_close") / pl.col("adjusted_close").shift(1).over("symbol")
    close = pl.col("close") / pl.col("close").shift(1).over("symbol")
    paid = pl.col("dividend") / pl.col("close").shift(1).over("symbol")
    is_left_in = (ratio / close - 1 < paid / 2) & (paid > RATIO_TOLERANCE) & (apart == 1)
    split = pl.col("split_ratio").fill_null(1.0)
    is_unadjusted = (split != 1) & ((ratio * split - 1).abs() < (ratio - 1).abs())
    is_jump = (ratio >= LARGEST_RISE) | (ratio <= DEEPEST_FALL) | is_unadjusted
    is_break = (is_jump & (apart <= LONGEST_JUMP)).fill_null(False)
    return ordered.with_columns(
        scale_break=pl.when(is_break)
        .then(pl.lit(SCALE_UNKNOWN))
        .when(is_left_in & pl.col("scale_break").is_null())
        .then(pl.lit(DIVIDEND_UNKNOWN))
        .otherwise("scale_break")
    )
