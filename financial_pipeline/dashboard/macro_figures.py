"""The figures of the Macro page: cards, queries, and the recessions."""

from datetime import date
from typing import Any, Final

import polars as pl

from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import Card, format_count, points
from financial_pipeline.schemas.macro_series import FREQUENCY_OF_SERIES

INDICATORS: Final = "exports/agg_macro_indicators"
CORRELATIONS: Final = "metrics/macro_correlations"
RULE: Final = "rule"
# Name, unit, and factor from the stored value to the shown one.
NAMES: Final[dict[str, tuple[str, str, float]]] = {
    "unrate": ("Unemployment", "%", 1),
    "unrate_change_12m": ("Unemployment, 12-month change", "pp", 1),
    "cpi_yoy": ("Inflation (CPI, y/y)", "%", 1),
    "gdp_growth_saar": ("Real GDP growth", "%", 1),
    "bill_rate_discount": ("Three-month bill", "%", 100),
    "fed_funds_rate": ("Federal funds rate", "%", 100),
}
# The series of each indicator.
SERIES_OF: Final = {
    "unrate": "UNRATE",
    "unrate_change_12m": "UNRATE",
    "cpi_yoy": "CPIAUCSL",
    "gdp_growth_saar": "GDPC1",
    "bill_rate_discount": "DTB3",
    "fed_funds_rate": "FEDFUNDS",
}
MEANINGS: Final = {
    "unrate": "Unemployed in per cent of the labour force, seasonally adjusted.",
    "cpi_yoy": "Consumer price index against twelve months before, per cent.",
    "gdp_growth_saar": "Real GDP against the quarter before, as a yearly rate, per cent.",
    "fed_funds_rate": "Effective federal funds rate, per cent.",
    "bill_rate_discount": "Three-month Treasury bill, bank discount, per cent.",
}
# Months of contraction of the US economy by the NBER's dates (peak to trough).
RECESSIONS: Final = (
    (date(1948, 11, 1), date(1949, 10, 1)),
    (date(1953, 7, 1), date(1954, 5, 1)),
    (date(1957, 8, 1), date(1958, 4, 1)),
    (date(1960, 4, 1), date(1961, 2, 1)),
    (date(1969, 12, 1), date(1970, 11, 1)),
    (date(1973, 11, 1), date(1975, 3, 1)),
    (date(1980, 1, 1), date(1980, 7, 1)),
    (date(1981, 7, 1), date(1982, 11, 1)),
    (date(1990, 7, 1), date(1991, 3, 1)),
    (date(2001, 3, 1), date(2001, 11, 1)),
    (date(2007, 12, 1), date(2009, 6, 1)),
    (date(2020, 2, 1), date(2020, 4, 1)),
)

LATEST = """
select indicator_id, observation_date, realtime_start as released, value, pit_method
from marts.agg_macro_indicators
where realtime_end = date '9999-12-31' and value is not null
qualify row_number() over (partition by indicator_id order by observation_date desc) <= 2
order by indicator_id, observation_date desc
"""
SERIES = """
with chosen as (
    select * from marts.agg_macro_indicators where indicator_id = $indicator
),
known as (
    select observation_date, value, realtime_start, pit_method
    from chosen
    where realtime_start <= $known and realtime_end > $known
),
revised as (
    select observation_date, value, realtime_start
    from chosen
    where realtime_end = date '9999-12-31'
),
releases as (
    select
        observation_date,
        min(realtime_start) as first_release,
        count(*)::bigint as releases,
        arg_min(pit_method, realtime_start) as first_method
    from chosen
    group by observation_date
)
select
    observation_date,
    -- The value of an undated copy is today's: nobody knows what was known earlier.
    case when known.pit_method = 'alfred' then known.value end as as_known,
    revised.value as revised,
    releases.first_release,
    known.realtime_start as known_release,
    releases.releases,
    coalesce(known.pit_method, releases.first_method) = 'rule' as is_estimated
from releases
left join known using (observation_date)
left join revised using (observation_date)
where observation_date >= $first
order by observation_date
"""
SPAN = """
select
    min(observation_date) as first_observation,
    min(realtime_start) as first_release,
    max(realtime_start) as last_release,
    min(pit_method) as first_method,
    max(pit_method) as last_method
from marts.agg_macro_indicators
where indicator_id = $indicator
"""
LAGS = """
select * exclude (as_of_month), as_of_month
from metrics.macro_correlations
where
    credit_series = $credit and macro_series = $macro and method = $method
    and as_of_month = (select max(as_of_month) from metrics.macro_correlations)
order by lag_months
"""
PAIRS = """
select distinct credit_series, macro_series, method
from metrics.macro_correlations
order by all
"""


def latest_cards(release: Release) -> list[Card]:
    """Make a card of each indicator's newest value, with its change."""
    latest = release.rows(LATEST, INDICATORS)
    cards = []
    for indicator in MEANINGS:
        rows = latest.filter(indicator_id=indicator)
        if rows.is_empty():
            continue
        name, unit, factor = NAMES[indicator]
        now = rows.row(0, named=True)
        change = since = None
        if rows.height > 1:
            before = rows.row(1, named=True)
            change = points((now["value"] - before["value"]) * factor, 2)
            since = f"since {period(indicator, before['observation_date'])}"
        cards.append(
            Card(
                name,
                _with_unit(now["value"] * factor, unit),
                f"of {period(indicator, now['observation_date'])} · {_release_note(now)}",
                f"{MEANINGS[indicator]} The value now published (`{indicator}`).",
                change,
                None,
                since,
            )
        )
    return cards


def _with_unit(value: float, unit: str) -> str:
    return f"{value:.2f}%" if unit == "%" else f"{value:.2f} {unit}"


def _release_note(row: dict[str, Any]) -> str:
    if row["pit_method"] == RULE:
        return f"released about {row['released']}, estimated"
    return f"released {row['released']}"


def period(indicator: str, observed: date) -> str:
    """Format the quarter, month or day that an observation is of."""
    frequency = FREQUENCY_OF_SERIES[SERIES_OF[indicator]]
    if frequency == "quarterly":
        return f"{observed.year} Q{(observed.month + 2) // 3}"
    return f"{observed:%d %b %Y}" if frequency == "daily" else f"{observed:%b %Y}"


def recessions_within(first: date, last: date) -> pl.DataFrame:
    """Return `start` and `end` of the recessions that touch a range, cut to it."""
    rows = [
        {"start": max(start, first), "end": min(end, last)}
        for start, end in RECESSIONS
        if start <= last and end >= first
    ]
    return pl.DataFrame(rows, schema={"start": pl.Date, "end": pl.Date})


def knowledge(rows: pl.DataFrame, known: date) -> str:
    """Describe what was known on a day: counts of dated vintages, or that revisions are unknown."""
    dated = rows.filter(~pl.col("is_estimated"))
    undated = rows.height - dated.height
    parts = []
    if dated.height:
        count = dated["as_known"].count()
        changed = dated.filter((pl.col("as_known") - pl.col("revised")).abs() > 1e-9).height
        parts.append(
            f"On **{known}**, **{format_count(count, 'observation')}**"
            f" {'was' if count == 1 else 'were'} known; **{changed:,}** of them"
            f" {'has' if changed == 1 else 'have'} been revised since."
            if count
            else f"On **{known}**, none of these observations was known yet."
        )
    if undated:
        parts.append(
            f"**{format_count(undated, 'observation')}** {'shows' if undated == 1 else 'show'}"
            " today's revised value, with an estimated release day and unknown revisions. Load"
            " the vintages of ALFRED to see what was known then."
        )
    return "  \n".join(parts)
