"""Bank prices from text records to typed rows: the cleaning rules, and one row per bank and day.

Prices stay as upstream publishes them (split-adjusted; methodology 3.1). Where several files
describe one bank and day, raw prices win over adjusted-only ones and newer files over older ones.
"""

from collections.abc import Collection
from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.transforms.text_values import is_unreadable, number
from financial_pipeline.transforms.verdicts import Cleaned, duplicates, first_reason, sort_out

OHLC: Final = ("open", "high", "low", "close")
VALUES: Final = (*OHLC, "adjusted_close", "volume", "dividend", "split_ratio")
KEY: Final = ["symbol", "session_date"]
# Rounded texts may leave the open a hair outside the day's range.
RANGE_TOLERANCE: Final = 1e-6

BEFORE_FIRST_SESSION: Final = "before_first_session"

# Adjusted closes of two files are brought to one scale by their ratio on their last common
# sessions; a smaller difference than this is rounding.
SPLICE_SESSIONS: Final = 21
SPLICE_TOLERANCE: Final = 1e-4


def clean(
    records: pl.DataFrame,
    *,
    adjusted_only: bool,
    sessions: Collection[date],
    first_session: date,
) -> Cleaned:
    """Type the records of one file and sort out the lines that break a rule.

    Input: text columns `date`, `symbol` and VALUES, `session_date` (null if unreadable),
    `problem`, and the line columns. Staged columns: KEY, VALUES, `line_number`. An open, high or
    low that is not positive becomes null. An adjusted-only file gives `adjusted_close` alone.
    """
    texts = ["date", *VALUES]
    empty = pl.all_horizontal(pl.col(texts).fill_null("").str.strip_chars() == "")
    unreadable = pl.any_horizontal(is_unreadable(name) for name in VALUES)
    note = pl.when(pl.col("session_date") < first_session).then(pl.lit(BEFORE_FIRST_SESSION))
    typed = records.with_columns(
        note=note, is_empty=empty, is_unreadable=unreadable, **{n: number(n) for n in VALUES}
    )
    judged = _judge(_keep_adjusted(typed) if adjusted_only else _drop_zero_prices(typed), sessions)
    return sort_out(_judge_duplicates(judged), [*KEY, *VALUES, "line_number"])


def _drop_zero_prices(typed: pl.DataFrame) -> pl.DataFrame:
    prices = (pl.when(pl.col(name) > 0).then(pl.col(name)).alias(name) for name in OHLC[:3])
    # yfinance writes 0.0 on days without a split; the ratio of such a day is one.
    split = pl.when(pl.col("split_ratio") == 0).then(1.0).otherwise("split_ratio")
    return typed.with_columns(*prices, split_ratio=split, main_price=pl.col("close"))


def _keep_adjusted(typed: pl.DataFrame) -> pl.DataFrame:
    dropped = ("open", "high", "low", "close", "dividend", "split_ratio")
    return typed.with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in dropped),
        adjusted_close=pl.col("close"),
        main_price=pl.col("close"),
    )


def _judge(typed: pl.DataFrame, sessions: Collection[date]) -> pl.DataFrame:
    """Add `reason`: the first rule that a line breaks; notes are left alone."""
    lowest, highest = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    too_high = pl.col("low") > lowest * (1 + RANGE_TOLERANCE)
    too_low = pl.col("high") < highest * (1 - RANGE_TOLERANCE)
    crossed = pl.col("low") > pl.col("high")
    reason = first_reason(
        (pl.col("is_empty") & pl.col("problem").is_null(), "empty_row"),
        (pl.col("session_date").is_null() & pl.col("problem").is_null(), "unparsable_date"),
        (pl.col("is_unreadable"), "unparsable_number"),
        (pl.col("session_date").is_in(list(sessions)).not_(), "no_session"),
        (pl.col("main_price").is_null(), "missing_close"),
        (pl.min_horizontal("main_price", "adjusted_close") <= 0, "non_positive_close"),
        (pl.col("volume") < 0, "negative_volume"),
        (too_high | too_low | crossed, "inconsistent_range"),
    )
    reason = pl.when(pl.col("problem").is_null()).then(reason).otherwise(pl.col("problem"))
    volume = pl.col("volume").round().cast(pl.Int64)
    return typed.with_columns(volume=volume, reason=pl.when(pl.col("note").is_null()).then(reason))


def _judge_duplicates(judged: pl.DataFrame) -> pl.DataFrame:
    sound = pl.col("reason").is_null() & pl.col("note").is_null()
    repeated = judged.filter(sound).with_columns(reason=duplicates(KEY, list(VALUES)))
    return pl.concat([judged.filter(~sound), repeated])


def one_row_per_session(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep one row per bank and session of all files, adjusted closes on one scale.

    Input: KEY, VALUES, `is_adjusted_only` and `file_rank` (0 is the newest file), and any further
    columns, which are kept from the winning row. The newest file of a bank sets the scale of its
    adjusted closes, as Yahoo rewrites the past after each dividend; only ratios matter.
    """
    banks = rows.partition_by("symbol", maintain_order=True)
    ranked = pl.concat([_on_one_scale(bank) for bank in banks] or [rows])
    ranked = ranked.sort(*KEY, "is_adjusted_only", "file_rank")
    known = pl.col("adjusted_close").sort_by("file_rank").drop_nulls().first().over(KEY)
    filled = ranked.with_columns(pl.col("adjusted_close").fill_null(known))
    return filled.unique(KEY, keep="first", maintain_order=True)


def _on_one_scale(bank: pl.DataFrame) -> pl.DataFrame:
    """Multiply the adjusted closes of each older file so that they meet those of newer ones."""
    files = bank.partition_by("file_rank", maintain_order=True)
    if len(files) == 1:
        return bank
    parts: list[pl.DataFrame] = []
    for part in sorted(files, key=lambda frame: frame["file_rank"][0]):
        factor = _scale(part, pl.concat(parts)) if parts else 1.0
        parts.append(part.with_columns(pl.col("adjusted_close") * factor))
    return pl.concat(parts)


def _scale(part: pl.DataFrame, newer: pl.DataFrame) -> float:
    """Ratio of the newer adjusted closes to those of `part` on their last common sessions."""
    reference = newer.sort("file_rank").unique("session_date", keep="first")
    common = part.join(reference, on="session_date", suffix="_newer").sort("session_date")
    ratios = common["adjusted_close_newer"] / common["adjusted_close"]
    ratio = ratios.drop_nulls().tail(SPLICE_SESSIONS).median()
    if not isinstance(ratio, float) or abs(ratio - 1) < SPLICE_TOLERANCE:
        return 1.0
    return ratio
