"""Baselines of a threshold: approving all, and approving by grade alone."""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import Card, dollars, percent
from financial_pipeline.dashboard.thresholds import SUMMARY, TABLE, View

# The profit of each grade if all its loans are approved.
BY_GRADE: Final = """
select level as grade, arg_max(approved, threshold) as loans,
    arg_max(profit_realised_usd, threshold) as profit_usd
from ml.threshold_table
where
    model = $model and segment = 'grade'
    and training_cutoff = (select max(training_cutoff) from ml.threshold_summary)
group by level
order by level
"""
# A difference below this share of the realised profit is not mentioned.
SMALL: Final = 0.05


@dataclass(frozen=True)
class Baseline:
    """A policy without a model, and its realised profit over the tested loans, in dollars."""

    name: str
    profit_usd: float


def approve_all(view: View) -> Baseline:
    """Return the profit of the loans as they were made: the lender approved all of them."""
    return Baseline("approving all", float(view.table.row(-1, named=True)["profit_realised_usd"]))


def best_by_grade(release: Release, view: View) -> Baseline | None:
    """Return the most profitable of the policies "grades A to X".

    None within a segment, and if approving all is better than every cut.
    """
    if view.summary["segment"] != "all":
        return None
    grades = release.rows(BY_GRADE, TABLE, SUMMARY, model=view.summary["model"])
    if grades.is_empty():
        return None
    sums = grades.with_columns(pl.col("profit_usd").cum_sum())
    best = sums.row(int(sums["profit_usd"].arg_max() or 0), named=True)
    # Small grades have no threshold table, so no cut may earn more than approving all loans.
    if best["profit_usd"] <= approve_all(view).profit_usd:
        return None
    first = grades["grade"][0]
    name = f"grade {first}" if best["grade"] == first else f"grades {first} to {best['grade']}"
    return Baseline(f"approving {name} only", float(best["profit_usd"]))


def card(row: dict[str, Any], baseline: Baseline, meaning: str) -> Card:
    """Make the card of the profit at a threshold less that of a baseline."""
    gained = row["profit_realised_usd"] - baseline.profit_usd
    sign = "+" if gained > 0 else ""
    earned = dollars(baseline.profit_usd)
    # As a share of a loss it would have the wrong sign.
    note = (
        f"{gained / baseline.profit_usd:+.1%} of {earned}"
        if baseline.profit_usd > 0
        else f"that policy earns {earned}"
    )
    return Card(f"Against {baseline.name}", f"{sign}{dollars(gained)}", note, meaning)


def cards(row: dict[str, Any], everyone: Baseline, by_grade: Baseline | None) -> list[Card]:
    """Make the cards that compare a threshold with policies without a model."""
    meaning = "Realised profit at the threshold less that of the loans as the lender made them."
    found = [card(row, everyone, meaning)]
    if by_grade:
        meaning = "The same against the most profitable cut by the lender's grade alone."
        found.append(card(row, by_grade, meaning))
    return found


def expected_against_realised(view: View, row: dict[str, Any]) -> str:
    """Explain the difference of expected and realised profit at a threshold in one sentence."""
    expected, realised = row["profit_expected_usd"], row["profit_realised_usd"]
    funded, gain, loss = row["funded_approved_usd"], view.summary["gain"], view.summary["loss"]
    if not funded:
        return "Nothing is approved at this threshold, so there is neither profit nor loss."
    if abs(expected - realised) <= SMALL * abs(realised):
        return "Expected and realised profit agree within 5%."
    implied = (gain - expected / funded) / (gain + loss)
    more = "more" if expected > realised else "less"
    share = f" ({abs(expected / realised - 1):.0%})" if realised > 0 else ""
    return (
        f"The model expects {dollars(abs(expected - realised))}{share} {more} than was realised:"
        f" its PDs imply that {percent(implied)} of the approved dollars go bad,"
        f" {percent(row['bad_rate_approved'])} of the approved loans did, and a good loan is"
        f" assumed to gain {gain:.3f} and a bad one to lose {loss:.3f} per dollar, as in the"
        " training loans. Decide by the realised profit; these outcomes are known."
    )
