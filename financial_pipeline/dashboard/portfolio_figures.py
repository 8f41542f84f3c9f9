"""The figures of the Portfolio page: measures of the cards, and queries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl

from financial_pipeline.dashboard import elements
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import Card, dollars, number, percent
from financial_pipeline.dashboard.trend import is_beyond, year_before
from financial_pipeline.settings import Settings

SUMMARY: Final = "metrics/portfolio_summary"
HISTORY_MONTHS: Final = 24

HISTORY = """
select measure, segment_kind, snapshot_month, value, value_low, value_high, loans
from metrics.portfolio_summary
where segment = 'all'
order by measure, segment_kind, snapshot_month
"""


@dataclass(frozen=True)
class Measure:
    """A card's measure of `portfolio_summary`, its format and its meaning."""

    label: str
    form: Callable[[float | None], str]
    meaning: str
    rise_is_bad: bool | None = None
    # Unit of its count.
    of: str = "loans"


MATURED: Final = "matured loans"
MEASURES: Final[dict[str, Measure]] = {
    "loans": Measure("Loans", lambda v: number(v, 0), "Loans issued up to the month."),
    "funded_usd": Measure("Funded", dollars, "Sum of the amounts lent."),
    "default_rate_matured": Measure(
        "Default rate (matured)",
        percent,
        "D1: charged off or in default among loans whose term has passed, counted, with a 95%"
        " Wilson interval.",
        True,
        of=MATURED,
    ),
    "default_rate_matured_usd_weighted": Measure(
        "Default rate, by dollars",
        percent,
        "D1 again, each loan weighted by the amount lent.",
        True,
        of=MATURED,
    ),
    "net_loss_rate_matured": Measure(
        "Net loss rate (matured)",
        percent,
        "Funded less principal and recoveries plus collection fee, over funded, D1 loans.",
        True,
        of=MATURED,
    ),
    "delinquent_30_plus": Measure(
        "30+ days late (active)",
        percent,
        "31 to 120 days late among loans still paying. The files have one group for both, so"
        " loans past 90 days cannot be separated.",
        True,
        of="active loans",
    ),
    "weighted_average_rate": Measure(
        "Average rate", percent, "Interest rate weighted by the amount lent."
    ),
    "weighted_average_fico": Measure(
        "Average FICO", lambda v: number(v, 0), "FICO midpoint weighted by the amount lent.", False
    ),
    "loss_given_default_on_ead": Measure(
        "LGD on EAD",
        percent,
        "Loss given default: 1 - (recoveries - collection fee) / exposure at default,"
        " dollar-weighted over bad loans.",
        True,
        of="bad loans",
    ),
    "expected_to_realised_loss": Measure(
        "Expected / realised loss",
        number,
        "PD x LGD x EAD known a year before, over the loss of the loans that matured since.",
        of=MATURED,
    ),
}


@cache
def default_lag_months() -> int:
    """Return the months from a last payment to the default; reading settings takes long."""
    return Settings().default_lag_months


def kpi_cards(
    release: Release, measures: Mapping[str, Measure] = MEASURES, *, of_any_month: bool = False
) -> list[Card]:
    """Make one card per measure: newest month, change over twelve months, n and interval.

    A measure without the newest month has no card, or that of its last one if `of_any_month`.
    """
    history = release.rows(HISTORY, SUMMARY)
    newest = history["snapshot_month"].max()
    cards = []
    for name, measure in measures.items():
        months = history.filter(
            (pl.col("measure") == name)
            & (pl.col("segment_kind") == "all")
            & pl.col("value").is_not_null()
        )
        if months.height and (of_any_month or months["snapshot_month"][-1] == newest):
            cards.append(_card(measure, months))
    return cards


def _card(measure: Measure, months: pl.DataFrame) -> Card:
    last = months.row(-1, named=True)
    before = year_before(months)
    interval = (
        f" · 95% {percent(last['value_low'])} to {percent(last['value_high'])}"
        if last["value_low"] is not None
        else ""
    )
    return Card(
        measure.label,
        measure.form(last["value"]),
        f"n {last['loans']:,} {measure.of}{interval} · as of {last['snapshot_month']:%Y-%m}",
        measure.meaning,
        _change(measure, last["value"], before["value"]) if before else None,
        measure.rise_is_bad if before and is_beyond(last, before["value"]) else None,
        f"since {before['snapshot_month']:%Y-%m}" if before else None,
        months["value"].tail(HISTORY_MONTHS).to_list(),
    )


def _change(measure: Measure, now: float, before: float) -> str:
    difference = now - before
    if round(difference, 6) == 0:
        return "0"
    if measure.form is percent:
        return f"{difference * 100:+.2f} pp"
    if measure.form is dollars:
        return ("+" if difference > 0 else "") + elements.dollars(difference).replace("−", "-")
    return f"{difference:+,.2f}" if abs(difference) < 10 else f"{difference:+,.0f}"
