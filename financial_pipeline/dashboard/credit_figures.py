"""The figures of the Credit page: vintages, roll rates, approvals, arrears and recovery."""

from math import sqrt
from typing import Any, Final

import polars as pl

from financial_pipeline.dashboard.elements import percent
from financial_pipeline.dashboard.portfolio_figures import MEASURES as SHARED
from financial_pipeline.dashboard.portfolio_figures import Measure
from financial_pipeline.figures.default_rates import default_rates
from financial_pipeline.schemas.intervals import Z_95

TRANSITIONS: Final = "metrics/rating_transitions"
SUMMARY: Final = "metrics/portfolio_summary"
RATES: Final = "metrics/default_rates_by_grade"
REJECTIONS: Final = "exports/fct_loan_rejections"
LOANS: Final = "exports/fct_loans"
# Months on book between two columns of the heat map.
STEP: Final = 6
# Loans issued at most this many months before the newest snapshot are young.
YOUNG_MONTHS: Final = 12
# The states of a loan, from good to bad, and their names.
STATES: Final = {
    "CURRENT": "current",
    "GRACE": "grace period",
    "D16_30": "16 to 30 days late",
    "D31_120": "31 to 120 days late",
    "BAD": "bad",
    "PAID": "paid",
}
# Measures of the summary that the cards of the Portfolio page leave out.
MEASURES: Final[dict[str, Measure]] = {
    "approval_rate": Measure(
        "Approval rate",
        percent,
        "Issued loans among all applications of the month; a month without rejections on file has"
        " none.",
        of="applications",
    ),
    "conditional_prepayment_rate": Measure(
        "Prepayment speed (CPR)", percent, "Principal paid above schedule, a year, by dollars."
    ),
    "conditional_default_rate": Measure(
        "Default speed (CDR)", percent, "Balance that goes bad, a year, by dollars.", True
    ),
    "exposure_at_default_ratio": Measure(
        "Exposure at default",
        percent,
        "Balance at default over the amount lent, bad loans.",
        of="bad loans",
    ),
    "loss_given_default_on_ead": SHARED["loss_given_default_on_ead"],
}

ROLL_MONTHS = """
select distinct snapshot_month, source
from metrics.rating_transitions
order by snapshot_month desc, source
"""
MATRIX = """
select from_state, to_state, loans_from, loans, probability, probability_low, probability_high,
    probability_usd_weighted
from metrics.rating_transitions
where snapshot_month = $month and source = $source
"""
ROLL_HISTORY = """
select snapshot_month, loans_from, loans, probability, probability_low, probability_high
from metrics.rating_transitions
where source = $source and from_state = $from_state and to_state = $to_state
order by snapshot_month
"""
APPROVALS = """
select
    snapshot_month as month,
    value as approval_rate,
    value_low as low,
    value_high as high,
    numerator::bigint as issued,
    denominator::bigint as applications
from metrics.portfolio_summary
where measure = 'approval_rate' and segment_kind = 'all' and value is not null
order by snapshot_month
"""
MATURED = """
select
    issue_month as month,
    sum(loans)::bigint as matured,
    sum(loans - defaults)::bigint as paid
from metrics.default_rates_by_grade
where definition = 'D1'
group by all
"""
REJECTED = """
select
    year(application_month)::varchar as year,
    count(*)::bigint as rejections,
    avg(amount_requested_usd)::double as mean_amount_usd,
    avg(risk_score) as mean_risk_score,
    count(risk_score)::bigint as with_risk_score,
    avg(dti) as mean_dti_percent
from marts.fct_loan_rejections
group by all
order by year
"""
# As the measure loss_given_default_on_ead, by issue year.
LOSSES = """
select
    year(issue_month)::varchar as vintage,
    count(*)::bigint as loans,
    sum(ead_usd)::double as ead_usd,
    sum(recoveries_usd - collection_recovery_fee_usd)::double as recovered_usd,
    sum(net_loss_usd)::double as net_loss_usd,
    sum(ead_usd::double * ead_usd::double) as ead_squared,
    sum(ead_usd::double * net_loss_usd::double) as ead_by_loss,
    sum(net_loss_usd::double * net_loss_usd::double) as loss_squared
{chosen} and credit_policy_met and loan_state = 'BAD' and ead_usd > 0
group by all
order by vintage
"""
ARREARS = """
with newest as (select max(snapshot_month) as month from marts.fct_loans)
select
    strftime(loan.issue_month, '%Y-%m') as issued,
    count(*)::bigint as loans,
    count_if(loan.loan_state = 'D16_30')::bigint as late_16_to_30,
    count_if(loan.loan_state = 'D31_120')::bigint as late_31_to_120,
    count_if(loan.loan_state = 'BAD')::bigint as bad
{chosen}
    and loan.snapshot_month = (select month from newest)
    and loan.issue_month >= (select month from newest) - to_months($months::integer)
group by all
order by issued
"""


def with_rates(rows: pl.DataFrame, events: str, trials: str) -> pl.DataFrame:
    """Add `rate` with its 95% Wilson interval, `low` to `high`: events over trials."""
    kept = rows.filter(pl.col(trials) > 0)
    rated = default_rates(kept.select(loans=trials, defaults=events).to_dicts())
    schema = dict.fromkeys(("rate", "low", "high"), pl.Float64)
    return kept.hstack(pl.DataFrame(rated, schema=schema))


def losses(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the loss given default of each vintage, its 95% interval, and the recovery rate.

    Both are dollars over dollars at default; the interval is that of a ratio of two sums over
    loans, by linearisation, and null for a single loan.
    """
    loss = pl.col("net_loss_usd") / pl.col("ead_usd")
    spread = (
        pl.col("loss_squared") - 2 * loss * pl.col("ead_by_loss") + loss**2 * pl.col("ead_squared")
    ).clip(lower_bound=0)
    loans = pl.col("loans").cast(pl.Float64)
    error = (spread * loans / (loans - 1)).sqrt() / pl.col("ead_usd")
    half = pl.when(loans > 1).then(Z_95 * error)
    return rows.select(
        "vintage",
        "loans",
        "ead_usd",
        "recovered_usd",
        "net_loss_usd",
        loss.clip(0, 1).alias("loss_given_default_share"),
        (loss - half).clip(0, 1).alias("low"),
        (loss + half).clip(0, 1).alias("high"),
        (pl.col("recovered_usd") / pl.col("ead_usd")).alias("recovery_rate"),
    )


def funnel(approvals: pl.DataFrame, matured: pl.DataFrame, year: str) -> pl.DataFrame:
    """Return the stages of one year's applications, each as a share of the stage before."""
    months = approvals.filter(pl.col("month").dt.year() == int(year))
    sums = months.join(matured, on="month", how="left").sum()
    names = ("applications", "issued", "matured", "paid")
    counts = [int(sums[name][0] or 0) for name in names]
    stages = pl.DataFrame({"stage": names, "loans": counts, "of": [counts[0], *counts[:-1]]})
    return with_rates(stages, "loans", "of")


def difference(first: dict[str, Any], second: dict[str, Any]) -> tuple[float, float, float]:
    """Return the first rate less the second, and its 95% interval after Newcombe."""
    gap = first["default_rate"] - second["default_rate"]
    low, high = (
        sqrt(
            (first["default_rate"] - first[f"default_rate_{one}"]) ** 2
            + (second["default_rate"] - second[f"default_rate_{other}"]) ** 2
        )
        for one, other in (("low", "high"), ("high", "low"))
    )
    return gap, gap - low, gap + high


def compare_vintages(first: pl.DataFrame, second: pl.DataFrame) -> str:
    """Compare two vintages at the last month on book that both have reached, in one sentence."""
    shared = set(first["months_on_book"]) & set(second["months_on_book"])
    if not shared:
        return "The two vintages have no month on book in common."
    rows = [one.filter(months_on_book=max(shared)).row(0, named=True) for one in (first, second)]
    gap, low, high = difference(rows[0], rows[1])
    parts = [f"{row['vintage']} {row['default_rate']:.2%} (n {row['loans']:,})" for row in rows]
    side = (
        "within the interval: no difference is shown"
        if low <= 0 <= high
        else f"beyond the interval: {rows[0 if gap > 0 else 1]['vintage']} is worse"
    )
    return (
        f"After {max(shared)} months on book: {parts[0]} against {parts[1]}; the difference of"
        f" **{gap * 100:+.2f} pp** (95% {low * 100:+.2f} to {high * 100:+.2f}) is {side}."
    )
