"""Prices as they traded, put on the scale of today's shares.

Yahoo's closes are adjusted for splits. Those of Alpha Vantage and Tiingo are not: their files name
each split, and only the adjusted closes show none.
"""

from datetime import date
from math import log
from typing import Final

import polars as pl

PER_SHARE: Final = ("open", "high", "low", "close", "main_price", "dividend")
# A smaller change of the number of shares cannot be distinguished from a move of the market.
LEAST_SPLIT: Final = 1.15


def on_scale_of_today(typed: pl.DataFrame) -> pl.DataFrame:
    """Divide the prices before each split that a file names and has not adjusted its closes for.

    Input: symbol, session_date, PER_SHARE, adjusted_close, volume and split_ratio of one file.
    """
    for symbol, day, ratio in _splits(typed):
        is_before = (pl.col("symbol") == symbol) & (pl.col("session_date") < day)
        typed = typed.with_columns(
            *(
                pl.when(is_before).then(pl.col(name) / ratio).otherwise(name).alias(name)
                for name in PER_SHARE
            ),
            pl.when(is_before)
            .then((pl.col("volume") * ratio).round())
            .otherwise("volume")
            .alias("volume"),
        )
    return typed


def _splits(typed: pl.DataFrame) -> list[tuple[str, date, float]]:
    """Symbol, first day and ratio of each split that the closes show and adjusted ones do not."""
    known = typed.filter(pl.col("session_date").is_not_null(), pl.col("close") > 0)
    rows = known.sort("symbol", "session_date").with_columns(
        move=(pl.col("close") / pl.col("close").shift(1)).over("symbol"),
        adjusted=(pl.col("adjusted_close") / pl.col("adjusted_close").shift(1)).over("symbol"),
    )
    ratio = pl.col("split_ratio")
    is_split = (ratio >= LEAST_SPLIT) | (ratio.is_between(0, 1 / LEAST_SPLIT, closed="right"))
    found = rows.filter(is_split, pl.col("move") > 0, pl.col("adjusted") > 0, ratio > 0)
    return [
        (symbol, day, ratio)
        for symbol, day, ratio, move, adjusted in found.select(
            "symbol", "session_date", "split_ratio", "move", "adjusted"
        ).iter_rows()
        if _is_nearer(move, 1 / ratio) and not _is_nearer(adjusted, 1 / ratio)
    ]


def _is_nearer(move: float, split: float) -> bool:
    """Whether a change of price is nearer to that of a split than to none."""
    return abs(log(move / split)) < abs(log(move))
