"""Bank prices from text records to typed rows: the cleaning rules, and one row per bank and day.

Prices stay as upstream publishes them (split-adjusted; methodology 3.1). Where several files
describe one bank and day, raw prices win over adjusted-only ones and newer files over older ones.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.transforms.price_rules import (
    EARLIEST,
    KEY,
    OHLC,
    VALUES,
    ambiguous_commas,
    judge,
    judge_filled,
    judge_repetitions,
    judge_units,
    within_range,
)
from financial_pipeline.transforms.price_scales import on_one_scale
from financial_pipeline.transforms.text_values import is_unreadable, number
from financial_pipeline.transforms.traded_prices import on_scale_of_today
from financial_pipeline.transforms.verdicts import Cleaned, sort_out

# Two weekends; fewer lines may be mistyped dates.
LEAST_FILLED: Final = 4


def name_filled_days(judged: pl.DataFrame) -> pl.DataFrame:
    """Give lines of no session with all prices of the line before the reason `filled_day`.

    Input: symbol, session_date, OHLC, adjusted_close and `reason`. A data frame of calendar days
    has them on weekends and holidays.
    """
    ordered = judged.sort("symbol", "session_date", "line_number")
    is_equal = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift(1).over("symbol"))
        for name in (*OHLC, "adjusted_close")
    )
    is_filled = (pl.col("reason") == "no_session") & is_equal
    is_filled &= is_filled.sum().over("symbol") >= LEAST_FILLED
    reason = pl.when(is_filled).then(pl.lit("filled_day")).otherwise("reason")
    return ordered.with_columns(reason=reason).sort("line_number", maintain_order=True)


BEFORE_FIRST_SESSION: Final = "before_first_session"


def clean(
    records: pl.DataFrame,
    *,
    adjusted_only: bool,
    sessions: Collection[date],
    first_session: date,
) -> Cleaned:
    """Type the records of one file and sort out the lines that break a rule.

    Input: text columns `date`, `symbol` and VALUES, `session_date` (null if unreadable),
    `problem`, and the line columns. `sessions` end with the newest possible one. Staged columns:
    KEY, VALUES, `line_number`. An open, high or low that is not positive becomes null. An
    adjusted-only file gives `adjusted_close` alone, and its range is judged like any other.
    """
    texts = ["date", *VALUES]
    empty = pl.all_horizontal(pl.col(texts).fill_null("").str.strip_chars() == "")
    unreadable = pl.any_horizontal(is_unreadable(name) for name in VALUES)
    ambiguous = pl.any_horizontal(
        ambiguous_commas(name) for name in (*OHLC, "adjusted_close", "dividend")
    )
    is_before = pl.col("session_date").is_between(EARLIEST, first_session, closed="left")
    note = pl.when(is_before).then(pl.lit(BEFORE_FIRST_SESSION))
    typed = records.with_columns(
        note=note,
        is_empty=empty,
        is_unreadable=unreadable,
        is_ambiguous=ambiguous,
        **{name: number(name) for name in VALUES},
    )
    priced = typed.with_columns(adjusted_close="close") if adjusted_only else typed
    scaled = on_scale_of_today(_drop_zero_prices(priced))
    judged = name_filled_days(judge(scaled, sessions))
    once = judge_filled(judge_repetitions(judged))
    cleaned = sort_out(judge_units(once), [*KEY, *VALUES, "line_number"])
    rows = within_range(cleaned.rows)
    return replace(cleaned, rows=_keep_adjusted(rows) if adjusted_only else rows)


def _drop_zero_prices(typed: pl.DataFrame) -> pl.DataFrame:
    prices = (pl.when(pl.col(name) > 0).then(pl.col(name)).alias(name) for name in OHLC[:3])
    # yfinance writes 0.0 on days without a split; the ratio of such a day is one.
    split = pl.when(pl.col("split_ratio") == 0).then(1.0).otherwise("split_ratio")
    return typed.with_columns(*prices, split_ratio=split, main_price=pl.col("close"))


def _keep_adjusted(rows: pl.DataFrame) -> pl.DataFrame:
    dropped = (*OHLC, "dividend", "split_ratio")
    return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in dropped)


def one_row_per_session(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep one row per bank and session of all files, their prices on one scale.

    Input: KEY, VALUES, `is_adjusted_only` and `file_rank` (0 is the newest file), and any further
    columns, which are kept from the winning row; adds `scale_break`. The newest file of a bank
    sets the scale, as Yahoo rewrites the past after each split and dividend.
    """
    banks = rows.partition_by("symbol", maintain_order=True)
    empty = rows.with_columns(scale_break=pl.lit(None, pl.String))
    ranked = pl.concat([on_one_scale(_without_covered(bank)) for bank in banks] or [empty])
    ranked = ranked.sort(*KEY, "is_adjusted_only", "file_rank")
    known = pl.col("adjusted_close").sort_by("file_rank").drop_nulls().first().over(KEY)
    filled = ranked.with_columns(pl.col("adjusted_close").fill_null(known))
    return filled.unique(KEY, keep="first", maintain_order=True)


def _without_covered(bank: pl.DataFrame) -> pl.DataFrame:
    """Leave out files of which a newer one has every session and every adjusted close.

    None of their rows can win, and the newer one joins all that they would join: a year of daily
    downloads of whole histories is one file. Input: the rows of one bank.
    """
    kept: list[tuple[pl.DataFrame, date, date]] = []
    for part in bank.sort("file_rank").partition_by("file_rank", maintain_order=True):
        days = part["session_date"].to_list()
        first, last = min(days), max(days)
        if not any(
            start <= first and last <= end and _covers(newer, part) for newer, start, end in kept
        ):
            kept.append((part, first, last))
    return pl.concat([part for part, _, _ in kept]) if kept else bank


def _covers(newer: pl.DataFrame, older: pl.DataFrame) -> bool:
    """Whether each row of a file has its counterpart in a newer one of the same form."""
    if newer["is_adjusted_only"][0] != older["is_adjusted_only"][0]:
        return False
    both = older.join(newer, on="session_date", how="left", suffix="_newer")
    is_lost = pl.col("adjusted_close").is_not_null() & pl.col("adjusted_close_newer").is_null()
    return both.filter(pl.col("file_rank_newer").is_null() | is_lost).is_empty()
