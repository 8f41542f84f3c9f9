"""The figures of the Market page: its cards and its queries."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import Card, format_count, number, percent, points

PRICES: Final = "exports/fct_daily_prices"
VOLATILITY: Final = "metrics/rolling_volatility"
SHARPE: Final = "metrics/sharpe_ratios"
RISK: Final = "metrics/market_risk"
CORRELATIONS: Final = "metrics/return_correlations"

SESSIONS = "select distinct session_date from marts.fct_daily_prices order by session_date"
SYMBOLS = "select distinct symbol from marts.fct_daily_prices order by symbol"
# A cumulative return starts again after a break of scale.
PRICE_ROWS = """
with scaled as (
    select
        *,
        count(*) filter (where scale_break = 'scale_unknown') over (
            partition by symbol order by session_date
        ) as scale
    from marts.fct_daily_prices
    where session_date >= $first and adjusted_close is not null
)
select
    symbol,
    session_date,
    close,
    adjusted_close,
    adjusted_close / first_value(adjusted_close) over since - 1 as cumulative_return
from scaled
window since as (partition by symbol, scale order by session_date)
order by session_date, symbol
"""
ROLLING = """
select
    session_date,
    symbol,
    simple_return,
    return_note,
    volatility_21d,
    volatility_63d,
    volatility_252d,
    returns_252d,
    sharpe_252d,
    excess_note,
    drawdown
from metrics.rolling_volatility
left join metrics.sharpe_ratios using (session_date, symbol)
left join metrics.market_risk using (session_date, symbol)
where session_date >= $first
order by session_date, symbol
"""
# If no session has a return of the bill, the series is missing.
HAS_BILL = """
select coalesce(bool_or(bill_return is not null), false) as has_bill
from metrics.sharpe_ratios
"""
MATRIX = """
with newest as (
    select session_date, symbol_a, symbol_b, correlation_252d as correlation
    from metrics.return_correlations
    qualify session_date = max(session_date) over ()
),
banks as (select symbol_a as symbol from newest union select symbol_b from newest)
select * from newest
union all
select session_date, symbol_b, symbol_a, correlation from newest
union all
select null, symbol, symbol, 1.0 from banks
"""
BREACHES = """
select
    session_date,
    simple_return,
    case
        when simple_return is not null then -lag(value_at_risk_95) over (order by session_date)
    end as forecast
from metrics.market_risk
inner join metrics.rolling_volatility using (session_date, symbol)
where symbol = $bank
qualify session_date >= $first
order by session_date
"""
NEWEST = """
select *
from metrics.market_risk
left join metrics.rolling_volatility using (session_date, symbol)
left join metrics.sharpe_ratios using (session_date, symbol)
where symbol = $bank
order by session_date desc
limit 22
"""
NOTES = """
select symbol, return_note, count(*) as sessions, max(session_date) as newest
from metrics.rolling_volatility
where session_date >= $first and return_note is not null and return_note != 'first_session'
group by symbol, return_note
order by symbol, return_note
"""
# After "n sessions".
NOTE_WORDS: Final = {
    "missing_session": "without a return after missing sessions",
    "dividend_unknown": "without a return, since a dividend is unknown or not taken out",
    "scale_unknown": "without a return between two files on unknown scales",
    "beyond_25_percent": "with a return beyond 25%, to be judged by a person",
}
COVERAGE = """
select forecasts, hits, kupiec_p_value, christoffersen_p_value
from metrics.market_risk
where symbol = $bank
order by session_date desc
limit 1
"""
BEFORE_SESSIONS: Final = 21


def not_measured(bank: str) -> str:
    """Describe a bank that is in the prices and in no metric."""
    return f"The metrics do not contain {bank} yet: run `financial-pipeline transform`."


def bank_cards(release: Release, bank: str) -> list[Card]:
    """Make the cards of one bank at its newest session, against 21 sessions before.

    There are none for a bank that is in the prices and not yet in the metrics.
    """
    rows = release.rows(NEWEST, RISK, VOLATILITY, SHARPE, bank=bank)
    if rows.is_empty():
        return []
    now = rows.row(0, named=True)
    before = rows.row(min(BEFORE_SESSIONS, rows.height - 1), named=True)
    session = f"as of {now['session_date']}"

    def change(name: str) -> str | None:
        if now[name] is None or before[name] is None or rows.height == 1:
            return None
        return points((now[name] - before[name]) * 100, 1)

    # A change without an interval is not coloured.
    def card(label: str, name: str, note: str, meaning: str) -> Card:
        since = f"since {before['session_date']:%d %b}"
        value = percent(now[name])
        note = note if now[name] is not None else "too few sessions so far"
        return Card(label, value, f"{note} · {session}", meaning, change(name), None, since)

    risk = "95%, historical, positive is a loss"
    return [
        card("Volatility, 21", "volatility_21d", "21 returns", "Annualised deviation."),
        card("Volatility, 63", "volatility_63d", "63 returns", "Annualised deviation."),
        _sharpe(now, session),
        card(
            "Largest drawdown, 252",
            "max_drawdown_252d",
            "deepest within 252 sessions",
            "Deepest fall from a peak within the window. The chart shows another figure: the fall"
            " of each session from the highest close since the first one.",
        ),
        card("Value at risk", "value_at_risk_95", "95%, one session", risk),
        card("Expected shortfall", "expected_shortfall_95", "95%", "Mean of the worst 5%."),
    ]


def _sharpe(now: dict[str, Any], session: str) -> Card:
    error = now["sharpe_252d_standard_error"]
    return Card(
        "Sharpe ratio, 252",
        number(now["sharpe_252d"]),
        (f"± {error:.2f} standard error · " if error is not None else "") + session,
        "Annualised mean over deviation of returns above the three-month bill (DTB3).",
    )


def note_words(release: Release, first: date, banks: Sequence[str]) -> str:
    """List what is missing or flagged among the returns since `first`; empty if nothing is."""
    rows = release.rows(NOTES, VOLATILITY, first=first).filter(pl.col("symbol").is_in(banks))
    return " · ".join(
        f"{symbol}: {format_count(sessions, 'session')} {NOTE_WORDS[note]} (newest {newest})"
        for symbol, note, sessions, newest in rows.iter_rows()
    )


def _p_value(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def coverage_words(release: Release, bank: str) -> str:
    """Describe the coverage tests of all forecasts so far."""
    rows = release.rows(COVERAGE, RISK, bank=bank).drop_nulls("kupiec_p_value")
    if rows.is_empty():
        return ""
    row = rows.row(0, named=True)
    independent = row["christoffersen_p_value"]
    second = (
        "too few breaches for a test of their independence (Christoffersen)"
        if independent is None
        else f"of independent breaches {_p_value(independent)} (Christoffersen)"
    )
    return (
        f"Since the first forecast: {row['hits']:,} of {row['forecasts']:,}; p of the count"
        f" {_p_value(row['kupiec_p_value'])} (Kupiec), {second}."
    )
