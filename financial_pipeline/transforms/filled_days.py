"""Days without a session that software filled forward: nothing is lost with them."""

from typing import Final

import polars as pl

from financial_pipeline.transforms.price_rules import OHLC

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
