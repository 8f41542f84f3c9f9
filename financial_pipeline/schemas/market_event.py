"""A market event before it is a message: from bar files, simulator and live polling."""

from decimal import Decimal
from typing import NamedTuple


class MarketEvent(NamedTuple):
    """One trade or bar to produce; prices and notional are decimal texts with four places."""

    event_us: int
    symbol: str
    sequence: int
    open: str
    high: str
    low: str
    close: str
    volume: int
    trades: int | None
    notional: str
    vwap_basis: str
    # ISO date, or None if the exchange is closed.
    session_date: str | None
    source: str
    # When it becomes known, microseconds since 1970: the end of a bar, the arrival of a trade.
    known_us: int


def price_text(price: Decimal | float | str) -> str:
    """A price in dollars as the text with four places that messages carry."""
    return f"{Decimal(price):.4f}"
