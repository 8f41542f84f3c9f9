"""The model applied: scores of every loan, drift by month, thresholds and their economics."""

from datetime import date

import dagster as dg
import polars as pl

from financial_pipeline.defs.ml import tables
from financial_pipeline.defs.ml.evaluation import gates_passed, stored_models
from financial_pipeline.defs.ml.tables import Outcome, each_cutoff
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.ml import portfolio
from financial_pipeline.ml.artifact import load_scorecard, scorecard_query
from financial_pipeline.ml.features import build_features
from financial_pipeline.ml.scorecard_sql import largest_difference
from financial_pipeline.publishing.publication import Publication

# SQL and Python scores agree to this many points, for every loan.
SCORE_TOLERANCE = 1e-9
NO_PRICES = "the training loans give no gain of good loans or no loss of bad ones per dollar"
WITHHELD = "the gates of this cut-off did not pass; what is published stays as it was"


def score_loans(publication: Publication, cutoff: date) -> Outcome:
    """Score every loan with the model of one cut-off, if its gates passed."""
    if not gates_passed(publication, cutoff):
        return _withheld("sql_and_python_scores_agree", "every_loan_is_scored_once")
    artifact, models = stored_models(publication, cutoff)
    folder = tables.artifacts(publication.paths)
    card = load_scorecard(folder, str(artifact))
    scores = portfolio.score_table(_features(publication), models, card)
    files = publication.files(tables.APPLICATIONS)
    gap = largest_difference(scorecard_query(folder, str(artifact)), files, scores)
    has_score = scores["pd_borrower_only"].is_finite().all()
    found = {
        "sql_and_python_scores_agree": gap <= SCORE_TOLERANCE,
        "every_loan_is_scored_once": scores["loan_key"].is_unique().all() and has_score,
    }
    facts = {"artifact": artifact, "largest_sql_difference": gap}
    if not all(found.values()):
        return Outcome([], found, facts)
    upstream = publication.content_hashes(tables.APPLICATIONS, "ml/default_model")
    table = tables.write(publication, "scores", cutoff, scores, upstream, facts)
    return Outcome([table], found, facts)


def measure_drift(publication: Publication, cutoff: date) -> Outcome:
    """PSI of scores and inputs of every month since one cut-off, against its training loans."""
    if not gates_passed(publication, cutoff):
        return _withheld("score_is_stable")
    scores = tables.scan(publication, "scores", cutoff)
    cohort = tables.scan(publication, "training_set", cutoff).select("loan_key", "issue_month")
    training = cohort.filter(pl.col("issue_month") < cutoff).collect()
    rows = portfolio.drift_table(_features(publication), scores, training, cutoff)
    upstream = publication.content_hashes(tables.APPLICATIONS, "ml/scores")
    table = tables.write(publication, "drift", cutoff, rows, upstream)
    drifted = portfolio.months_to_act_on(rows)
    facts = {"months_to_act_on": ", ".join(drifted) or "none"}
    return Outcome([table], {"score_is_stable": not drifted}, facts, is_blocking=False)


def price_thresholds(publication: Publication, cutoff: date) -> Outcome:
    """Confusion matrix and profit at every threshold, on the test loans of one cut-off."""
    if not gates_passed(publication, cutoff):
        return _withheld("decisions_add_up")
    _, models = stored_models(publication, cutoff)
    cohort = tables.read(publication, "training_set", cutoff)
    loans = publication.scan(tables.LOANS)
    found = portfolio.price_thresholds(cohort, loans, cutoff, models)
    if found is None:
        return Outcome([], {"decisions_add_up": True}, {"withheld": NO_PRICES})
    table, summary = found
    tested = int((cohort["issue_month"] >= cutoff).sum())
    upstream = publication.content_hashes(tables.LOANS, "ml/training_set", "ml/default_model")
    written = [
        tables.write(publication, "threshold_table", cutoff, table, upstream),
        tables.write(publication, "threshold_summary", cutoff, summary, upstream),
    ]
    adds_up = portfolio.decisions_add_up(table, tested)
    return Outcome(written, {"decisions_add_up": adds_up}, {"test_loans": tested})


def _features(publication: Publication) -> pl.LazyFrame:
    """The features of every loan, in order of its key, as the files of the mart are."""
    return build_features(publication.scan(tables.APPLICATIONS))


def _withheld(*checks: str) -> Outcome:
    return Outcome([], dict.fromkeys(checks, True), {"withheld": WITHHELD})


@tables.model_asset(
    "scores",
    ["ml/evaluation", "ml/default_model", "exports/fct_loan_applications"],
    {"scikitlearn", "parquet"},
    sql_and_python_scores_agree="The scorecard gives every loan equal points in both, to 1e-9.",
    every_loan_is_scored_once="Every loan has one finite probability.",
)
def scores(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per loan, matured or not: probabilities of default, points and reason codes.

    Reason codes explain `borrower_only`: points lost against the average training loan, at most
    four, never grade or rate. Withheld if the gates of the cut-off did not pass.
    """
    return each_cutoff(context, score_loans, pipeline.publication)


@tables.model_asset(
    "drift",
    ["ml/scores", "ml/training_set", "exports/fct_loan_applications"],
    {"polars", "parquet"},
    is_blocking=False,
    score_is_stable="No month of 100 loans has a score PSI of 0.25.",
)
def drift(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per issue month since the cut-off and variable: PSI against the training loans.

    The critical value of each PSI depends on n; 0.10 and 0.25 are rules of thumb.
    """
    return each_cutoff(context, measure_drift, pipeline.publication)


@tables.model_asset(
    "threshold_table",
    ["ml/evaluation", "ml/training_set", "exports/fct_loans"],
    {"polars", "parquet"},
    decisions_add_up="The confusion matrix contains every test loan.",
)
def threshold_table(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per model, segment level and threshold: what declining from there on would have done.

    Counted and priced on the out-of-time loans, from realised and from predicted outcomes. The
    best threshold, its 1% band and bootstrap intervals are in `threshold_summary`.
    """
    return each_cutoff(context, price_thresholds, pipeline.publication)
