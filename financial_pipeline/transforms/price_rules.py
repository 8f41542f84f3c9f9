"""The rules that a line of a price file must keep; the requirements of later layers are checked
here.

Prices are judged against the lines around them too: a price that is a hundred times the ones
before and after it is an error of the unit.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.transforms.verdicts import duplicates, first_reason

OHLC: Final = ("open", "high", "low", "close")
VALUES: Final = (*OHLC, "adjusted_close", "volume", "dividend", "split_ratio")
KEY: Final = ["symbol", "session_date"]
# No provider has earlier daily prices; such a year is mistyped.
EARLIEST: Final = date(1960, 1, 1)
# Rounded texts may leave the open a hair outside the day's range.
RANGE_TOLERANCE: Final = 1e-6
# Upper bounds of a price and of a day's volume: dollars, shares.
HIGHEST_PRICE: Final = 1e7
LARGEST_VOLUME: Final = 1e12
# Larger ones may be adjusted for dividends; smaller ones with a fraction are no shares.
LEAST_ADJUSTED_VOLUME: Final = 1e6
# A dividend is taken out of the adjusted close, so it is not above the close.
ADJUSTED_TOLERANCE: Final = 1e-3
# No bank has had a day whose high is five times its low.
WIDEST_RANGE: Final = 5
# A group of three digits behind a comma: thousands, or the decimals of another language.
COMMA_PATTERN: Final = r"^[+-]?\d{1,3},\d{3}$"
# A number that shows how its column writes thousands: `1,079.50` or `1,079,500`.
THOUSANDS_PATTERN: Final = r",\d{3}[.,]"

# Errors of the unit and missed splits change a price by such a factor or its inverse, and are
# undone within LONGEST_ERROR lines by a return to within SAME_LEVEL of the price before.
FACTORS: Final = (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100, 1000)
SMALL_FACTOR: Final = 10
# Below all of them, their tolerance included.
LEAST_JUMP: Final = 1.5
LONGEST_ERROR: Final = 21
SAME_LEVEL: Final = 0.25
FACTOR_TOLERANCE: Final = 0.05

# With fewer steps from line to line it is unknown whether a file is daily.
LEAST_STEPS: Final = 4

# Reasons of lines without information of their own: nothing is lost with them.
HARMLESS: Final = frozenset(
    "duplicate repeated_session repeated_price filled_day empty_row missing_close"
    " unfinished_session".split()
)


def ambiguous_commas(column: str) -> pl.Expr:
    """Whether a price such as `107,950` may be a thousand times too large.

    A price of the column with both a comma and a point, or with two groups of thousands, shows
    that its commas separate thousands; a price with a point alone shows nothing.
    """
    text = pl.col(column).str.strip_chars()
    is_shown = text.str.contains(THOUSANDS_PATTERN).any().over("symbol")
    return text.str.contains(COMMA_PATTERN) & ~is_shown.fill_null(False)


def judge(typed: pl.DataFrame, sessions: Collection[date]) -> pl.DataFrame:
    """Add `reason`: the first rule that a line breaks; notes are left alone.

    Input: numbers OHLC, adjusted_close, volume, dividend and split_ratio, main_price,
    session_date, and the flags is_empty, is_unreadable and is_ambiguous.
    """
    days = sorted(sessions)
    future = pl.col("session_date") > (days[-1] if days else date.max)
    lowest, highest = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    too_high = pl.col("low") > lowest * (1 + RANGE_TOLERANCE)
    too_low = pl.col("high") < highest * (1 - RANGE_TOLERANCE)
    too_wide = pl.col("high") > pl.col("low") * WIDEST_RANGE
    dearest = pl.max_horizontal("main_price", "adjusted_close", "open", "high")
    has_fraction = (pl.col("volume") % 1 > 0) & (pl.col("volume") < LEAST_ADJUSTED_VOLUME)
    above = pl.col("adjusted_close") > pl.col("main_price") * (1 + ADJUSTED_TOLERANCE)
    reason = first_reason(
        (pl.col("is_empty") & pl.col("problem").is_null(), "empty_row"),
        (pl.col("session_date").is_null() & pl.col("problem").is_null(), "unparsable_date"),
        (pl.col("session_date") < EARLIEST, "implausible_date"),
        (pl.col("is_unreadable"), "unparsable_number"),
        (pl.col("is_ambiguous"), "ambiguous_comma"),
        (future, "future_session"),
        (pl.col("main_price").is_null(), "missing_close"),
        (_are_shifted(), "shifted_day"),
        (pl.col("session_date").is_in(days).not_(), "no_session"),
        (pl.min_horizontal("main_price", "adjusted_close") <= 0, "non_positive_close"),
        (dearest > HIGHEST_PRICE, "implausible_price"),
        (pl.col("volume") < 0, "negative_volume"),
        (pl.col("volume") > LARGEST_VOLUME, "implausible_volume"),
        (has_fraction, "fractional_volume"),
        (pl.col("dividend") < 0, "negative_dividend"),
        (pl.col("split_ratio") <= 0, "non_positive_split"),
        (too_high | too_low | (pl.col("low") > pl.col("high")), "inconsistent_range"),
        (too_wide, "implausible_range"),
        (above, "adjusted_above_close"),
    )
    reason = pl.when(pl.col("problem").is_null()).then(reason).otherwise(pl.col("problem"))
    possible = pl.col("volume").is_between(-LARGEST_VOLUME, LARGEST_VOLUME)
    volume = pl.when(possible).then(pl.col("volume")).round().cast(pl.Int64)
    return typed.with_columns(volume=volume, reason=pl.when(pl.col("note").is_null()).then(reason))


def _are_shifted() -> pl.Expr:
    """Whether the dates of a bank are those of another time zone, the day before or after.

    Sessions dated a day early have Sundays and no Friday; a day late, Tuesdays to Saturdays.
    """
    day = pl.col("session_date").dt.weekday()
    is_priced = pl.col("main_price").is_not_null()
    monday, tuesday, friday, saturday, sunday = (
        ((day == number) & is_priced).any().over("symbol") for number in (1, 2, 5, 6, 7)
    )
    return (sunday & ~friday) | (saturday & tuesday & ~monday)


def within_range(rows: pl.DataFrame) -> pl.DataFrame:
    """Widen high and low by the noise of rounding, so that they enclose open and close."""
    prices = ("open", "close")
    return rows.with_columns(
        high=pl.when(pl.col("high").is_not_null()).then(pl.max_horizontal("high", *prices)),
        low=pl.when(pl.col("low").is_not_null()).then(pl.min_horizontal("low", *prices)),
    )


def judge_repetitions(judged: pl.DataFrame) -> pl.DataFrame:
    """Judge sound lines of one bank and session: identical ones, and unequal ones.

    Lines with the same prices are one session, despite rounding and missing prices: the one with
    the largest volume is complete, and of equal volumes the one with the most prices.
    """
    sound = pl.col("reason").is_null() & pl.col("note").is_null()
    prices = (*OHLC, "adjusted_close")
    missing = pl.sum_horizontal(pl.col(name).is_null() for name in prices)
    ordered = judged.filter(sound).sort(
        pl.col("volume").fill_null(-1),
        -missing.cast(pl.Int64),
        descending=True,
        maintain_order=True,
    )
    agree = pl.all_horizontal(
        (pl.col(name).max() <= pl.col(name).min() * (1 + RANGE_TOLERANCE)).over(KEY).fill_null(True)
        for name in prices
    )
    is_later = pl.int_range(pl.len()).over(KEY) > 0
    verdict = duplicates(KEY, list(VALUES))
    repeated = pl.when(is_later).then(pl.lit("repeated_session"))
    reason = pl.when((verdict == "conflict") & agree).then(repeated).otherwise(verdict)
    rows = ordered.with_columns(reason=reason).sort("line_number", maintain_order=True)
    return pl.concat([judged.filter(~sound), rows])


def judge_filled(judged: pl.DataFrame) -> pl.DataFrame:
    """Judge sound lines that equal the line before in each price and the volume: `repeated_price`.

    No two sessions trade so; software fills missing sessions forward. A line without volume is not
    a proof, but three lines in a row with equal prices are one, with any volumes.
    """
    sound = pl.col("reason").is_null() & pl.col("note").is_null()
    rows = judged.filter(sound).sort(KEY)
    prices, volume = (
        pl.all_horizontal(
            pl.col(name).eq_missing(pl.col(name).shift(1).over("symbol")) for name in names
        )
        for names in ((*OHLC, "adjusted_close"), ("volume",))
    )
    # An adjusted close alone may be equal by rounding.
    has_range = pl.col("open", "high", "low").is_not_null()
    nearby = (prices.shift(step).over("symbol").fill_null(False) for step in (1, -1))
    is_run = pl.all_horizontal(prices, has_range) & pl.any_horizontal(*nearby)
    is_filled = (prices & volume & (pl.col("volume") > 0)) | is_run
    reason = pl.when(is_filled).then(pl.lit("repeated_price"))
    return pl.concat([judged.filter(~sound), rows.with_columns(reason=reason)])


def judge_units(judged: pl.DataFrame) -> pl.DataFrame:
    """Judge sound lines by their neighbours: a factor that is undone again is `unit_error`."""
    sound = pl.col("reason").is_null() & pl.col("note").is_null()
    ordered = judged.filter(sound).sort(KEY)
    wrong: list[int] = []
    for bank in ordered.partition_by("symbol"):
        for price in ("main_price", "adjusted_close"):
            known = bank.filter(pl.col(price).is_not_null())
            lines = known["line_number"].to_list()
            wrong += [lines[place] for place in unit_errors(known[price].to_list())]
        if wrong:
            is_wrong = (pl.col("symbol") == bank["symbol"][0]) & pl.col("line_number").is_in(wrong)
            judged = judged.with_columns(
                reason=pl.when(sound & is_wrong).then(pl.lit("unit_error")).otherwise("reason")
            )
            wrong = []
    return judged


def unit_errors(prices: Sequence[float]) -> list[int]:
    """The places of positive prices that a factor lifts or lowers and a later line puts back."""
    found: list[int] = []
    put_back = 0
    for place in _jumps(prices):
        before = prices[place - 1]
        if place <= put_back or not is_factor(prices[place] / before):
            continue
        after = range(place + 1, min(place + 1 + LONGEST_ERROR, len(prices)))
        back = next((end for end in after if _is_level(prices[end], before)), None)
        if back is not None and is_factor(prices[back - 1] / prices[back]):
            found += range(place, back)
            put_back = back
    return found


def _jumps(prices: Sequence[float]) -> list[int]:
    """The positions at which a price differs from the one before by a possible factor."""
    values = np.asarray(prices, dtype=float)
    ratios = values[1:] / values[:-1]
    places: list[int] = (np.flatnonzero(np.maximum(ratios, 1 / ratios) > LEAST_JUMP) + 1).tolist()
    return places


def _is_level(price: float, other: float) -> bool:
    return abs(price / other - 1) <= SAME_LEVEL


def is_factor(ratio: float) -> bool:
    """Whether a ratio of prices is near one of FACTORS or its inverse; a market moves besides."""
    size = max(ratio, 1 / ratio)
    return any(
        abs(size / factor - 1) <= (SAME_LEVEL if factor >= SMALL_FACTOR else FACTOR_TOLERANCE)
        for factor in FACTORS
    )


def is_daily(rows: pl.DataFrame, sessions: Collection[date]) -> bool:
    """Whether the rows of a file are one a session rather than one a week or a month.

    At least half of the rows that follow another one of their bank must follow it by one session;
    with fewer than five rows a bank, anything passes.
    """
    places = {day: place for place, day in enumerate(sorted(sessions))}
    place = pl.col("session_date").replace_strict(places, return_dtype=pl.Int64)
    steps = rows.sort(KEY).with_columns(step=place.diff().over("symbol"))["step"].drop_nulls()
    return steps.len() < LEAST_STEPS or int((steps == 1).sum()) * 2 >= steps.len()
