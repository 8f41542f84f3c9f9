"""Plausibility of prices as dollars and cents of a bank, by the file alone."""

from datetime import date
from typing import Final

import polars as pl

# Minimum numbers of rows to judge the usual turnover, and of prices to judge decimals.
LEAST_ROWS: Final = 5
LEAST_PRICES: Final = 30
# Dollars: above the turnover of any bank on a usual day; in cents, or in yen, all banks exceed it.
LARGEST_TURNOVER: Final = 5e10
# One in a hundred prices in dollars and cents is whole.
MOST_WHOLE: Final = 0.9
# Whole dollars move a return by this share of the price at most, or they are too coarse for one.
COARSE: Final = 1e-3
# Banks that paid a dividend in every quarter, but for the months without one (from, until).
PAYERS: Final = {
    **dict.fromkeys(("JPM", "BAC", "WFC", "GS"), (date.max, date.max)),
    "C": (date(2009, 2, 1), date(2011, 6, 1)),
}
# More than a year, in which at least three dividends were paid.
LEAST_PAID_SESSIONS: Final = 260
# Share of the close: the smallest dividend, a cent of Citigroup's, was twenty times as much.
NO_DIVIDEND: Final = 1e-5
CENT_NOISE: Final = 1e-4


def another_unit(rows: pl.DataFrame) -> str | None:
    """Return why the cleaned rows of a file are no dollars and cents, else None."""
    for bank in rows.partition_by("symbol", maintain_order=True):
        if reason := _unit_fault(bank):
            return f"its {bank['symbol'][0]} has {reason}"
    return None


def _unit_fault(bank: pl.DataFrame) -> str | None:
    price = pl.coalesce("close", "adjusted_close")
    priced = bank.filter(price.is_not_null())
    if priced.height < LEAST_ROWS:
        return None
    turnover = priced.select((price * pl.col("volume")).median()).item()
    if turnover is not None and turnover > LARGEST_TURNOVER:
        return (
            f"a turnover of {turnover:,.0f} dollars on a usual day, more than any bank: its prices"
            " are in cents or in another currency, or its volumes are no shares; export dollars and"
            " shares"
        )
    columns = (priced[name].drop_nulls() for name in ("close", "adjusted_close"))
    if any(_is_coarse(prices) for prices in columns):
        return "prices in whole dollars, too coarse for daily returns: export them with cents"
    return _left_in(bank)


def _left_in(bank: pl.DataFrame) -> str | None:
    """Explain that the adjusted closes of a bank are its closes, although it paid dividends; else
    None.

    Closes in whole cents are as they traded. Others may be adjusted ones, twice in the file.
    """
    start, end = PAYERS.get(bank["symbol"][0], (date.min, date.max))
    day, close, adjusted = (pl.col(n) for n in ("session_date", "close", "adjusted_close"))
    paid = bank.drop_nulls(["close", "adjusted_close"]).filter((day < start) | (day >= end))
    if paid.height < LEAST_PAID_SESSIONS:
        return None
    is_close = ((adjusted / close - 1).abs() <= NO_DIVIDEND).all()
    in_cents = ((close - close.round(2)).abs() <= CENT_NOISE).mean()
    are_closes, share = paid.select(is_close, in_cents).row(0)
    if not are_closes or share < MOST_WHOLE:
        return None
    return (
        f"adjusted closes that are its closes on all {paid.height:,} sessions, though it paid"
        " dividends in each quarter of them; export closes with dividends taken out, such as"
        " Yahoo's Adj Close"
    )


def _is_coarse(prices: pl.Series) -> bool:
    typical = prices.median()
    if len(prices) < LEAST_PRICES or not isinstance(typical, float) or typical * COARSE >= 1:
        return False
    return float((prices == prices.round()).mean() or 0) >= MOST_WHOLE  # type: ignore[arg-type]
