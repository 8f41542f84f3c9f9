"""The evidence on a model, and the gates that decide whether it is served."""

from dataclasses import asdict
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from financial_pipeline.defs.ml import tables
from financial_pipeline.defs.ml.tables import Outcome, each_cutoff
from financial_pipeline.defs.ml.training import artifacts
from financial_pipeline.defs.partitions import CUTOFFS
from financial_pipeline.defs.resources import OWNERS, Pipeline
from financial_pipeline.errors import PipelineError
from financial_pipeline.ml import backtest, gates
from financial_pipeline.ml.artifact import load_model, load_models
from financial_pipeline.ml.discrimination import auc
from financial_pipeline.ml.populations import MONTHS_OUT_OF_TIME, months_after
from financial_pipeline.ml.portfolio import Models, gate_candidate
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.settings import Settings


def stored_models(publication: Publication, cutoff: date) -> tuple[str | None, Models]:
    """The artifact of a cut-off and its models; None and nothing where none was trained."""
    rows = tables.read(publication, "default_model", cutoff)
    artifact = rows["artifact"][0] if rows.height else None
    if artifact is None:
        return None, {}
    return artifact, load_models(artifacts(publication.paths), artifact)


def evaluate_model(publication: Publication, cutoff: date, lag_months: int, source: str) -> Outcome:
    """Test both models and their challengers on every split, run the gates, move the pointer."""
    artifact, models = stored_models(publication, cutoff)
    cohort = tables.read(publication, "training_set", cutoff)
    all_splits = backtest.splits(cohort, cutoff, lag_months)
    headline = all_splits[0]
    trials = backtest.run_trials(cohort, all_splits, models)
    challengers = backtest.run_challengers(cohort, headline)
    candidate = gates.Served(artifact or "", cutoff, int(headline.train.sum()), source)
    held = pointer(publication)
    rival = gates.comparable(held, candidate)
    results = [
        result
        for trial in trials
        if trial.split.name == headline.name
        for result in _gates_of(publication, trial, challengers, cohort, models, rival)
    ]
    moved = gates.next_pointer(held, candidate, results) if artifact else held
    found = backtest.evaluation_tables([*trials, *challengers], _segments(publication, cohort))
    share = pl.when(pl.col("evaluation") == headline.name).then(_matured_share(publication, cutoff))
    found["evaluation"] = found["evaluation"].with_columns(matured_share=share)
    found["gates"] = pl.DataFrame([asdict(result) for result in results], infer_schema_length=None)
    upstream = tables.built_from(publication, "ml/training_set", "ml/default_model")
    facts = {"served": _to_json(moved.served), "replaced": _to_json(moved.replaced)}
    written = [
        tables.write(publication, name, cutoff, f, upstream, facts) for name, f in found.items()
    ]
    failed = [f"{result.gate} ({result.model})" for result in results if not result.passed]
    served = moved.served.artifact if moved.served else "none"
    notes = {"failed_gates": ", ".join(failed) or "none", "served_artifact": served}
    return Outcome(written, {"gates_pass": not failed}, notes, is_blocking=False)


def pointer(publication: Publication) -> gates.Pointer:
    """What is served, and what that replaced, as the newest evaluation says."""
    facts = tables.facts(publication, "evaluation")
    return gates.Pointer(_from_json(facts.get("served")), _from_json(facts.get("replaced")))


def gates_passed(publication: Publication, cutoff: date) -> bool:
    """Whether the candidate of a cut-off may be published."""
    rows = tables.read(publication, "gates", cutoff)
    return rows.height > 0 and bool(rows["passed"].all())


def _gates_of(
    publication: Publication,
    trial: backtest.Trial,
    challengers: list[backtest.Trial],
    cohort: pl.DataFrame,
    models: Models,
    previous: gates.Served | None,
) -> list[gates.GateResult]:
    boosted = next((c for c in challengers if c.model == f"{trial.model}_boosted"), None)
    rows, _ = backtest.training_rows(cohort, trial.split)
    known = models.get(trial.model)
    return gates.run_gates(
        gate_candidate(
            trial,
            boosted,
            known.predict(rows) if known else np.empty(0),
            rows.height,
            _previous_auc(publication, trial, cohort, previous),
            previous.training_loans if previous else None,
        )
    )


def _previous_auc(
    publication: Publication,
    trial: backtest.Trial,
    cohort: pl.DataFrame,
    previous: gates.Served | None,
) -> float | None:
    """AUC of the served model on this trial's loans; a lost artifact cannot be compared with."""
    if previous is None:
        return None
    try:
        model = load_model(artifacts(publication.paths), previous.artifact, trial.model)
    except PipelineError:
        return None
    return auc(trial.target, model.predict(cohort.filter(pl.Series(trial.split.test))))


def _segments(publication: Publication, cohort: pl.DataFrame) -> pl.DataFrame:
    """Grade, term and quarterly vintage of each cohort loan."""
    grades = tables.scan(publication, tables.LOANS).select("loan_key", "grade").collect()
    joined = cohort.join(grades, on="loan_key", how="left", maintain_order="left")
    month = pl.col("issue_month").dt
    vintage = pl.format("{}Q{}", month.year(), month.quarter())
    return joined.select("grade", "term", vintage.alias("vintage"))


def _matured_share(publication: Publication, cutoff: date) -> pl.Expr:
    """Matured loans among all that were issued in the test window."""
    window = pl.col("issue_month").is_between(
        cutoff, months_after(cutoff, MONTHS_OUT_OF_TIME), closed="left"
    )
    loans = tables.scan(publication, tables.LOANS).filter(window & pl.col("credit_policy_met"))
    return pl.lit(loans.select(pl.col("is_matured").mean()).collect().item(), pl.Float64)


def _to_json(model: gates.Served | None) -> dict[str, Any] | None:
    return None if model is None else {**asdict(model), "cutoff": model.cutoff.isoformat()}


def _from_json(row: object) -> gates.Served | None:
    if not isinstance(row, dict):
        return None
    return gates.Served(**{**row, "cutoff": date.fromisoformat(row["cutoff"])})


@dg.asset(
    key=["ml", "evaluation"],
    group_name="ml",
    deps=[["ml", "training_set"], ["ml", "default_model"], tables.whole(["exports", "fct_loans"])],
    partitions_def=CUTOFFS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    owners=OWNERS,
    kinds={"scikitlearn", "parquet"},
    tags={"family": "model", "domain": "lending"},
    check_specs=tables.check_specs(
        "evaluation",
        is_blocking=False,
        gates_pass="Every gate passes; otherwise what is served and published stays as it was.",
    ),
)
def evaluation(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per model and evaluation: out of time, random, by cumulative loans, known at cut-off.

    Curves, bins, segments and gates stand in tables beside it. What is served is named in the facts
    of this table: it moves only when every gate passes. Null figures have their reason.
    """
    settings: Settings = pipeline.settings

    def step(publication: Publication, cutoff: date) -> Outcome:
        return evaluate_model(publication, cutoff, settings.default_lag_months, settings.source)

    return each_cutoff(context, step, pipeline.publication)
