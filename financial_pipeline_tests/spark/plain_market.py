"""The market metrics as the methodology reads, one bank and session after the other."""

import statistics
from bisect import bisect_left
from datetime import date, timedelta
from operator import itemgetter
from typing import Any

import numpy as np
import polars as pl

Row = dict[str, Any]
YEAR = 252


def rows(prices: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """One row per bank and session, with some columns of three metric tables."""
    banks = prices.sort("symbol", "session_date").partition_by("symbol")
    bills = rates.sort("observation_date").to_dicts()
    return pl.DataFrame(
        [row for bank in banks for row in _bank(bank.to_dicts(), bills)],
        infer_schema_length=None,
    )


def _bank(sessions: list[Row], bills: list[Row]) -> list[Row]:
    found: list[Row] = []
    returns: dict[int, float] = {}
    excess: dict[int, float] = {}
    prices: dict[int, float] = {}
    for place, now in enumerate(sessions):
        before = sessions[place - 1] if place else None
        number = now["session_number"]
        note, simple = _return(before, now)
        if note == "scale_unknown" or now["scale_break"] == "scale_unknown":
            prices = {}
        prices[number] = now["adjusted_close"]
        row: Row = {"session_date": now["session_date"], "symbol": now["symbol"]}
        row |= {"simple_return": simple, "return_note": note}
        row["drawdown"] = now["adjusted_close"] / max(prices.values()) - 1
        bill, bill_note = _bill(now["session_date"], bills)
        row["excess_note"] = note if simple is None else bill_note
        if simple is not None:
            returns[number] = simple
            row |= _windows(returns, number)
            if bill is not None:
                excess[number] = simple - bill
                row |= _sharpe(excess, number)
        found.append(row)
    return found


def _return(before: Row | None, now: Row) -> tuple[str | None, float | None]:
    if before is None:
        return "first_session", None
    if now["session_number"] - before["session_number"] > 1:
        return "missing_session", None
    if now["scale_break"] is not None:
        return now["scale_break"], None
    simple = now["adjusted_close"] / before["adjusted_close"] - 1
    return ("beyond_25_percent" if abs(simple) > 0.25 else None), simple


def _last(values: dict[int, float], number: int, count: int) -> tuple[list[float], bool]:
    """The values of the last sessions, and whether they cover a whole window by 95 %."""
    recent = [value for at, value in values.items() if number - count < at <= number]
    is_whole = number - min(values) >= count - 1
    return recent, is_whole and len(recent) * 20 >= count * 19


def _windows(returns: dict[int, float], number: int) -> Row:
    row: Row = {}
    for count in (21, 63, 252):
        recent, is_covered = _last(returns, number, count)
        row[f"returns_{count}d"] = len(recent)
        if is_covered:
            row[f"volatility_{count}d"] = statistics.stdev(recent) * YEAR**0.5
    recent, is_covered = _last(returns, number, 250)
    if is_covered:
        quantile = float(np.quantile(recent, 0.05))
        row["value_at_risk_95"] = -quantile
        row["expected_shortfall_95"] = -statistics.fmean(r for r in recent if r <= quantile)
    return row


def _sharpe(excess: dict[int, float], number: int) -> Row:
    recent, is_covered = _last(excess, number, YEAR)
    row: Row = {"excess_returns_252d": len(recent)}
    if is_covered:
        row["sharpe_252d"] = statistics.fmean(recent) / statistics.stdev(recent) * YEAR**0.5
    return row


def _bill(session: date, bills: list[Row]) -> tuple[float | None, str | None]:
    """The newest rate that was observed before the session, known on it and not too old.

    The bills are sorted by the day of their observation.
    """
    oldest, end = (
        bisect_left(bills, day, key=itemgetter("observation_date"))
        for day in (session - timedelta(days=14), session)
    )
    usable = [
        bill
        for bill in bills[oldest:end]
        if bill["realtime_start"] <= session < bill["realtime_end"]
    ]
    if usable:
        discount = max(usable, key=lambda bill: bill["observation_date"])["value"]
        annual = 365 * discount / (360 - 91 * discount)
        return (1 + annual) ** (1 / YEAR) - 1, None
    is_early = all(bill["realtime_start"] > session for bill in bills)
    return None, "no_bill_rate" if is_early else "bill_rate_too_old"
