"""Reasons of a restated price: the dividends and splits that call for the change."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from financial_pipeline.transforms.price_ratios import LARGEST_SPLIT

# Maximum difference between a change and the one that its action explains.
EXPLAINED: Final = 2e-4
# The ratios of shares that count as a split.
SMALLEST_SPLIT: Final = 1.5

Row = dict[str, Any]


def new_actions(stored: pl.DataFrame, new: pl.DataFrame) -> list[Row]:
    """Dividends and splits that `new` knows of and the stored rows do not, as price factors."""
    none = pl.lit(0.0)
    known = stored.select(
        "session_date",
        known_dividend=pl.col("dividend").fill_null(none),
        known_split=pl.col("split_ratio").fill_null(1.0),
    )
    days = new.sort("session_date").with_columns(before=pl.col("close").shift(1))
    found = days.join(known, on="session_date", how="left").with_columns(
        paid=pl.col("dividend").fill_null(none) - pl.col("known_dividend").fill_null(none),
        ratio=pl.col("split_ratio").fill_null(1.0) / pl.col("known_split").fill_null(1.0),
    )
    factors = found.select(
        "session_date",
        dividend_factor=(1 - pl.col("paid") / pl.col("before")).fill_null(1.0),
        split_factor=1 / pl.col("ratio"),
    )
    acted = (pl.col("dividend_factor") != 1) | (pl.col("split_factor") != 1)
    return factors.filter(acted).to_dicts()


def unnamed_split(both: pl.DataFrame) -> list[Row]:
    """The split that the closes of all common sessions show, for files without actions."""
    ratios = (both["close_new"] / both["close"]).drop_nulls().to_list()
    if not ratios or max(ratios) > min(ratios) * (1 + EXPLAINED):
        return []
    factor = ratios[0]
    size = round(max(factor, 1 / factor), 3)
    if size * 2 != round(size * 2) or not SMALLEST_SPLIT <= size < LARGEST_SPLIT:
        return []
    # Its day is unknown: after the last common session, and so without an ex-date.
    return [{"session_date": date.max, "dividend_factor": 1.0, "split_factor": factor}]


def explain(field: str, old: float, now: float, actions: Sequence[Row]) -> Row:
    """The reason of a change, and the ex-date of the newest action behind it."""
    split, dividend = 1.0, 1.0
    for action in actions:
        split *= action["split_factor"]
        dividend *= action["dividend_factor"] if field == "adjusted_close" else 1.0
    expected = 1 / split if field == "volume" else split * dividend
    is_called_for = expected != 1 and old and abs(now / old / expected - 1) <= EXPLAINED
    if not is_called_for:
        return {"reason": "correction", "event_date": None}
    names = [name for name, factor in (("split", split), ("dividend", dividend)) if factor != 1]
    event = actions[-1]["session_date"]
    return {"reason": "_and_".join(names), "event_date": None if event == date.max else event}
