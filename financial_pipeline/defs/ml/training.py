"""From the marts to the model artifact: the training set, and what is fitted on it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from financial_pipeline.defs.ml import tables
from financial_pipeline.defs.ml.tables import Outcome, each_cutoff
from financial_pipeline.defs.partitions import CUTOFFS
from financial_pipeline.defs.resources import OWNERS, Pipeline
from financial_pipeline.ml import backtest
from financial_pipeline.ml.artifact import load_model, save_artifact
from financial_pipeline.ml.explain import coefficient_rows, with_averages
from financial_pipeline.ml.features import FEATURE_SETS, FEATURES, NotTrainable, build_features
from financial_pipeline.ml.leak_alarm import LeakAlarm, check_inputs, check_whitelist
from financial_pipeline.ml.populations import (
    MONTHS_OUT_OF_TIME,
    Split,
    d1_cohort,
    months_after,
    out_of_time,
)
from financial_pipeline.ml.portfolio import Models
from financial_pipeline.ml.scorecard import Scorecard, fit_scorecard, scorecard_rows
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.publication import Publication

SPLIT, TRAIN, TEST = "split", "train", "out_of_time"
KEPT = ("loan_key", "issue_month", "maturity_month", "default_d1")
MODEL_CHECKS = ("no_column_knows_the_outcome", "artifact_loads_and_scores_the_same")


def build_training_set(publication: Publication, cutoff: date) -> Outcome:
    """Write the D1 cohort of one cut-off: its training loans and its test loans."""
    features = build_features(tables.scan(publication, tables.APPLICATIONS))
    in_time = features.filter(pl.col("issue_month") < months_after(cutoff, MONTHS_OUT_OF_TIME))
    is_training = pl.col("issue_month") < cutoff
    cohort = d1_cohort(in_time, tables.scan(publication, tables.LOANS)).select(
        pl.when(is_training).then(pl.lit(TRAIN)).otherwise(pl.lit(TEST)).alias(SPLIT), pl.all()
    )
    inputs = [name for name in cohort.columns if name not in (SPLIT, *KEPT)]
    check_whitelist(inputs, tuple(FEATURES))
    upstream = tables.built_from(publication, tables.APPLICATIONS, tables.LOANS)
    table = tables.write(publication, "training_set", cutoff, cohort, upstream)
    keys, targets = cohort["loan_key"], cohort["default_d1"]
    checks = {
        "loans_are_unique_and_matured": keys.is_unique().all() and targets.null_count() == 0,
        "only_listed_features_are_inputs": True,
    }
    trains = int((cohort[SPLIT] == TRAIN).sum())
    return Outcome([table], checks, {"training_loans": trains, "test_loans": len(cohort) - trains})


def train_default_model(publication: Publication, cutoff: date) -> Outcome:
    """Fit both models and the scorecard of one cut-off; a refusal is stored with its reason."""
    cohort = tables.read(publication, "training_set", cutoff)
    split = out_of_time(cohort, cutoff)
    _, target = backtest.training_rows(cohort, split)
    row = {
        "artifact": None,
        "reason": None,
        "training_loans": len(target),
        "training_defaults": int(target.sum()),
        "seed": backtest.SEED,
        "git_sha": tables.git_sha(),
        "feature_list_sha256": _feature_list_hash(),
    }
    upstream = tables.built_from(publication, "ml/training_set")
    try:
        models, card = _fit(publication, cohort, split)
    except (NotTrainable, LeakAlarm) as refusal:
        row["reason"] = str(refusal)
        written = _write_model(publication, cutoff, row, {}, None, upstream)
        checks = dict.fromkeys(MODEL_CHECKS, True)
        checks["no_column_knows_the_outcome"] = not isinstance(refusal, LeakAlarm)
        return Outcome(written, checks, {"reason": str(refusal)}, is_blocking=False)
    facts = {"cutoff": cutoff, "seed": backtest.SEED, "built_from": upstream}
    row["artifact"] = save_artifact(artifacts(publication.paths), models, card, facts)
    same = _loads_the_same(publication, str(row["artifact"]), models, cohort)
    checks = {"no_column_knows_the_outcome": True, "artifact_loads_and_scores_the_same": same}
    written = _write_model(publication, cutoff, row, models, card, upstream)
    return Outcome(written, checks, {"artifact": row["artifact"], "training_loans": len(target)})


def artifacts(paths: Paths) -> Path:
    """Return the folder of the artifacts, each in a folder named by its hash."""
    return paths.data_root / tables.LAYER / "artifacts"


def _fit(publication: Publication, cohort: pl.DataFrame, split: Split) -> tuple[Models, Scorecard]:
    if split.reason:
        raise NotTrainable(f"The default model is not trained: {split.reason}.")
    rows, target = backtest.training_rows(cohort, split)
    outcomes, funded = tables.outcome_columns(publication, rows["loan_key"])
    check_inputs(rows.select(*FEATURES), target, outcomes, funded)
    models: Models = {
        name: with_averages(backtest.fit_on(cohort, split, name), rows) for name in FEATURE_SETS
    }
    return models, fit_scorecard(rows, target, FEATURE_SETS[backtest.CHALLENGED])


def _loads_the_same(
    publication: Publication, artifact: str, models: Models, cohort: pl.DataFrame
) -> bool:
    loaded = {name: load_model(artifacts(publication.paths), artifact, name) for name in models}
    pairs = [(loaded[name].predict(cohort), models[name].predict(cohort)) for name in models]
    return all(bool((first == second).all()) for first, second in pairs)


def _write_model(
    publication: Publication,
    cutoff: date,
    row: Mapping[str, Any],
    models: Models,
    card: Scorecard | None,
    upstream: Mapping[str, str],
) -> list[PublishedTable]:
    coefficients = [
        {"model": name, **line}
        for name, model in models.items()
        for line in coefficient_rows(model)
    ]
    return [
        tables.write(publication, "default_model", cutoff, [row], upstream),
        tables.write(publication, "coefficients", cutoff, coefficients, upstream),
        tables.write(
            publication, "scorecard_points", cutoff, scorecard_rows(card) if card else [], upstream
        ),
    ]


def _feature_list_hash() -> str:
    return hashlib.sha256(json.dumps(FEATURE_SETS, sort_keys=True).encode()).hexdigest()


@dg.asset(
    key=["ml", "training_set"],
    group_name="ml",
    deps=[
        tables.whole(["exports", "fct_loan_applications"]),
        tables.whole(["exports", "fct_loans"]),
    ],
    partitions_def=CUTOFFS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    owners=OWNERS,
    kinds={"polars", "parquet"},
    tags={"family": "model", "domain": "lending"},
    check_specs=tables.check_specs(
        "training_set",
        loans_are_unique_and_matured="Each loan occurs once and its outcome is known.",
        only_listed_features_are_inputs="No column besides the listed features is an input.",
    ),
)
def training_set(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per matured loan (D1) up to the end of the test window.

    Features as known at origination, whitelisted ones only. Split `train` was issued before the
    cut-off, `out_of_time` in the four quarters after it. Loans outside the credit policy and loans
    that are not matured are left out.
    """
    return each_cutoff(context, build_training_set, pipeline.publication)


@dg.asset(
    key=["ml", "default_model"],
    group_name="ml",
    deps=[["ml", "training_set"], tables.whole(["staging", "lending_club_loans"])],
    partitions_def=CUTOFFS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    owners=OWNERS,
    kinds={"scikitlearn", "parquet"},
    tags={"family": "model", "domain": "lending"},
    check_specs=tables.check_specs(
        "default_model",
        no_column_knows_the_outcome="No input is, copies or separates like an outcome column.",
        artifact_loads_and_scores_the_same="The stored artifact loads safely and scores alike.",
    ),
)
def default_model(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One artifact per cut-off: two logistic regressions and a scorecard.

    `borrower_only` knows the application, `platform_informed` the interest rate too. If an input
    knows the outcome, with one class, an all-null column or fewer than 500 matured loans there is
    no artifact, and the reason is stored.
    """
    return each_cutoff(context, train_default_model, pipeline.publication)
