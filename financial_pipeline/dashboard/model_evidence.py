"""The figures of the Model page: evaluations of each trained model, and scores of loans."""

from typing import Any, Final

import polars as pl

from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import NOTHING, Card, number, percent
from financial_pipeline.dashboard.model_labels import plain
from financial_pipeline.ml.features import FEATURES
from financial_pipeline.ml.gates import why_not_served

EVALUATION: Final = "ml/evaluation"
CURVES: Final = "ml/evaluation_curves"
BINS: Final = "ml/evaluation_bins"
SCORES: Final = "ml/scores"
COEFFICIENTS: Final = "ml/coefficients"
DRIFT: Final = "ml/drift"
GATES: Final = "ml/gates"
CARD: Final = "ml/model_card"
FAIRNESS: Final = "ml/fairness"
LOANS: Final = "exports/fct_loans"
OUT_OF_TIME: Final = "out_of_time"
# Columns of PDs in `ml/scores`; other models do not score every loan.
SCORED: Final = {
    "borrower_only": "pd_borrower_only",
    "platform_informed": "pd_platform_informed",
    "scorecard": "pd_scorecard",
}
DECIDING: Final = "borrower_only"

CUTOFFS = "select distinct training_cutoff from ml.evaluation order by 1 desc"
EVALUATIONS = """
select * exclude (training_cutoff)
from ml.evaluation
where training_cutoff = $cutoff
order by model, evaluation
"""
ROC = """
select threshold, false_positive_rate, true_positive_rate
from ml.evaluation_curves
where training_cutoff = $cutoff and model = $model and evaluation = 'out_of_time'
order by false_positive_rate, true_positive_rate
"""
CALIBRATION = """
select bin, loans, defaults, mean_pd, default_rate, low, high
from ml.evaluation_bins
where training_cutoff = $cutoff and model = $model and evaluation = 'out_of_time'
order by bin
"""
COEFFICIENT_ROWS = """
select
    feature,
    term,
    coefficient,
    per_unit,
    unit
from ml.coefficients
where training_cutoff = $cutoff and model = $model and feature != 'intercept'
order by abs(coefficient) desc
"""
DRIFT_ROWS = """
select month, variable, psi, critical_value, loans, verdict
from ml.drift
where training_cutoff = $cutoff
order by variable, month
"""
GATE_ROWS = "select * exclude (training_cutoff) from ml.gates where training_cutoff = $cutoff"
FAIRNESS_ROWS = """
select * exclude (training_cutoff)
from ml.fairness
where training_cutoff = $cutoff and approval_rate is not null
order by proxy, level
"""
CARD_TEXT = "select markdown from ml.model_card where training_cutoff = $cutoff"
# The column name is one of SCORED, never text of a reader.
DISTRIBUTION = """
select
    floor({pd} * 50) / 50 as pd_from,
    floor({pd} * 50) / 50 + 0.02 as pd_to,
    case loan.default_d1 when 1 then 'bad' when 0 then 'good' else 'not known yet' end as outcome,
    count(*)::bigint as loans
from ml.scores as score
inner join marts.fct_loans as loan using (loan_key)
where score.training_cutoff = $cutoff
group by all
order by all
"""
EXAMPLES = """
select loan.loan_id
from ml.scores as score
inner join marts.fct_loans as loan using (loan_key)
where score.training_cutoff = $cutoff
qualify row_number() over (
    partition by floor(least(score.pd_borrower_only, 0.39) * 10), loan.default_d1
    order by score.loan_key
) = 1
order by score.pd_borrower_only desc
"""
ONE_LOAN = """
select score.*, loan.loan_id, loan.grade, loan.term_months, loan.loan_status,
    loan.funded_amount_usd
from ml.scores as score
inner join marts.fct_loans as loan using (loan_key)
where score.training_cutoff = $cutoff and loan.loan_id = $loan_id
"""


def cards(row: dict[str, Any], cutoff: object) -> list[Card]:
    """Make the cards of one evaluation."""
    counted = f"n {row['n']:,}, {row['defaults']:,} bad · cut-off {cutoff}"
    gap = None if row["mean_pd"] is None else row["mean_pd"] - row["default_rate"]
    bounds = (
        NOTHING
        if row["auc_low"] is None
        else f"95% DeLong {row['auc_low']:.3f} to {row['auc_high']:.3f}"
    )
    return [
        Card(
            "AUC (out of time)",
            number(row["auc"], 3),
            f"{bounds} · {counted}",
            "Chance that a bad loan scores worse than a good one; loans issued after the cut-off.",
        ),
        Card("KS", number(row["ks"], 3), counted, "Largest gap of the two score distributions."),
        Card("Gini", number(row["gini"], 3), counted, "2 AUC - 1."),
        Card(
            "Mean PD less default rate",
            NOTHING if gap is None else f"{gap * 100:+.2f} pp",
            f"mean PD {percent(row['mean_pd'])} against {percent(row['default_rate'])}",
            "Mean PD less the default rate.",
        ),
        Card(
            "Brier skill",
            number(row["brier_skill"], 3),
            f"slope {number(row['calibration_slope'])}, intercept"
            f" {number(row['calibration_intercept'])}",
            "1 - Brier score / that of the mean; slope and intercept of the calibration.",
        ),
    ]


def in_words(coefficients: pl.DataFrame) -> pl.DataFrame:
    """Replace `term` by the wording of the feature and its level."""
    wording = pl.col("feature").replace({name: plain(name) for name in FEATURES})
    level = wording + ": " + pl.col("term").str.replace_all("_", " ").str.to_lowercase()
    return coefficients.with_columns(
        term=pl.when(pl.col("term") == "value").then(wording).otherwise(level)
    )


def ks_point(roc: pl.DataFrame) -> dict[str, float]:
    """Return the point of the ROC curve with the largest gap of the two rates."""
    gap = (roc["true_positive_rate"] - roc["false_positive_rate"]).arg_max() or 0
    return roc.row(gap, named=True)


def served_model(release: Release) -> dict[str, Any] | None:
    """Return cut-off and artifact of the served model; None if no gates passed."""
    facts = release.table(EVALUATION).facts.get("served")
    return facts if isinstance(facts, dict) else None


def withheld(release: Release, cutoff: object = None) -> str | None:
    """Return why the model of a cut-off, by default the newest, is not served; None if it is."""
    if release.missing(EVALUATION, GATES):
        return None
    if cutoff is None:
        cutoff = next(iter(release.rows(CUTOFFS, EVALUATION)["training_cutoff"]), None)
    reason = why_not_served(release.rows(GATE_ROWS, GATES, cutoff=cutoff).to_dicts())
    return f"The model of cut-off {cutoff} is not served: {reason}." if reason else None
