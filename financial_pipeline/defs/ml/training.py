"""From the marts to the model artifact: the training set, and the models fitted on it."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from financial_pipeline.defs.ml import tables
from financial_pipeline.defs.ml.tables import Outcome, each_cutoff
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.ml import backtest, populations
from financial_pipeline.ml.artifact import loads_the_same, save_artifact
from financial_pipeline.ml.explain import all_coefficient_rows
from financial_pipeline.ml.features import NotTrainable, feature_list_hash
from financial_pipeline.ml.leak_alarm import LeakAlarm
from financial_pipeline.ml.scorecard import Scorecard, scorecard_rows
from financial_pipeline.ml.train import Models
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.publication import Publication

MODEL_CHECKS = ("no_column_knows_the_outcome", "artifact_loads_and_scores_the_same")


def build_training_set(publication: Publication, cutoff: date) -> Outcome:
    """Write the D1 cohort of one cut-off: its training loans and its test loans."""
    cohort = populations.training_set(
        publication.scan(tables.APPLICATIONS),
        publication.scan(tables.LOANS),
        cutoff,
    )
    upstream = publication.content_hashes(tables.APPLICATIONS, tables.LOANS)
    table = tables.write(publication, "training_set", cutoff, cohort, upstream)
    keys, targets = cohort["loan_key"], cohort["default_d1"]
    checks = {
        "loans_are_unique_and_matured": keys.is_unique().all() and targets.null_count() == 0,
        "only_listed_features_are_inputs": True,
    }
    trains = int((cohort[populations.SPLIT] == populations.TRAIN).sum())
    return Outcome([table], checks, {"training_loans": trains, "test_loans": len(cohort) - trains})


def train_default_model(publication: Publication, cutoff: date) -> Outcome:
    """Fit both models and the scorecard of one cut-off; a refusal is stored with its reason."""
    cohort = tables.read(publication, "training_set", cutoff)
    split = populations.out_of_time(cohort, cutoff)
    target = backtest.training_target(cohort, split)
    row = {
        "artifact": None,
        "reason": None,
        "training_loans": len(target),
        "training_defaults": int(target.sum()),
        "seed": backtest.SEED,
        "git_sha": tables.git_sha(),
        "feature_list_sha256": feature_list_hash(),
    }
    upstream = publication.content_hashes("ml/training_set")
    try:
        outcomes_of = partial(tables.outcome_columns, publication)
        models, card = backtest.fit_models(cohort, split, outcomes_of)
    except (NotTrainable, LeakAlarm) as refusal:
        row["reason"] = str(refusal)
        written = _write_model(publication, cutoff, row, {}, None, upstream)
        checks = dict.fromkeys(MODEL_CHECKS, True)
        checks["no_column_knows_the_outcome"] = not isinstance(refusal, LeakAlarm)
        return Outcome(written, checks, {"reason": str(refusal)}, is_blocking=False)
    facts = {"cutoff": cutoff, "seed": backtest.SEED, "built_from": upstream}
    folder = tables.artifacts(publication.paths)
    artifact = row["artifact"] = save_artifact(folder, models, card, facts)
    same = loads_the_same(folder, artifact, models, cohort)
    checks = {"no_column_knows_the_outcome": True, "artifact_loads_and_scores_the_same": same}
    written = _write_model(publication, cutoff, row, models, card, upstream)
    return Outcome(written, checks, {"artifact": artifact, "training_loans": len(target)})


def _write_model(
    publication: Publication,
    cutoff: date,
    row: Mapping[str, Any],
    models: Models,
    card: Scorecard | None,
    upstream: Mapping[str, str],
) -> list[PublishedTable]:
    found: dict[str, tables.Rows] = {
        "default_model": [row],
        "coefficients": all_coefficient_rows(models),
        "scorecard_points": scorecard_rows(card) if card else [],
    }
    return [tables.write(publication, name, cutoff, rows, upstream) for name, rows in found.items()]


@tables.model_asset(
    "training_set",
    ["exports/fct_loan_applications", "exports/fct_loans"],
    {"polars", "parquet"},
    loans_are_unique_and_matured="Each loan occurs once and its outcome is known.",
    only_listed_features_are_inputs="No column besides the listed features is an input.",
)
def training_set(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per matured loan (D1) up to the end of the test window.

    Features as known at origination, whitelisted ones only. Split `train` was issued before the
    cut-off, `out_of_time` in the four quarters after it. Loans outside the credit policy and loans
    that are not matured are left out.
    """
    return each_cutoff(context, build_training_set, pipeline.publication)


@tables.model_asset(
    "default_model",
    ["ml/training_set", "staging/lending_club_loans"],
    {"scikitlearn", "parquet"},
    no_column_knows_the_outcome="No input is, copies or separates like an outcome column.",
    artifact_loads_and_scores_the_same="The stored artifact loads safely and scores alike.",
)
def default_model(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One artifact per cut-off: two logistic regressions and a scorecard.

    `borrower_only` knows the application, `platform_informed` the interest rate too. If an input
    knows the outcome, with one class, an all-null column or fewer than 500 matured loans there is
    no artifact, and the reason is stored.
    """
    return each_cutoff(context, train_default_model, pipeline.publication)
