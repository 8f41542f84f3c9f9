"""The evidence on a model, and the gates that decide whether it is served."""

from dataclasses import asdict
from datetime import date

import dagster as dg
import polars as pl

from financial_pipeline.defs.ml import tables
from financial_pipeline.defs.ml.tables import Outcome, each_cutoff
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.errors import PipelineError
from financial_pipeline.ml import backtest, gates
from financial_pipeline.ml.artifact import load_models
from financial_pipeline.ml.populations import matured_share
from financial_pipeline.ml.portfolio import gate_results
from financial_pipeline.ml.train import Models
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.settings import Settings


def stored_models(publication: Publication, cutoff: date) -> tuple[str | None, Models]:
    """The artifact of a cut-off and its models; None and nothing if none was trained."""
    rows = tables.read(publication, "default_model", cutoff)
    artifact = rows["artifact"][0] if rows.height else None
    if artifact is None:
        return None, {}
    return artifact, load_models(tables.artifacts(publication.paths), artifact)


def refusal_reason(publication: Publication, cutoff: date) -> str | None:
    """Return why a cut-off has no artifact; None if it has one."""
    rows = tables.read(publication, "default_model", cutoff)
    reason: str | None = rows["reason"][0] if rows.height else None
    return reason


def evaluate_model(publication: Publication, cutoff: date, lag_months: int, source: str) -> Outcome:
    """Test both models and their challengers on every split, run the gates, move the pointer."""
    artifact, models = stored_models(publication, cutoff)
    cohort = tables.read(publication, "training_set", cutoff)
    loans = publication.scan(tables.LOANS)
    splits = backtest.splits(cohort, cutoff, lag_months)
    trials = backtest.all_trials(cohort, splits, models, refusal_reason(publication, cutoff))
    candidate = gates.Served(artifact or "", cutoff, int(splits[0].train.sum()), source)
    held = pointer(publication)
    rival = gates.comparable(held, candidate)
    results = gate_results(trials, cohort, models, rival, _rivals(publication, rival))
    moved = gates.next_pointer(held, candidate, results) if artifact else held
    segments = backtest.segments(cohort, loans)
    found = backtest.evaluation_tables(trials, segments, matured_share(loans, cutoff))
    found["gates"] = pl.DataFrame([asdict(result) for result in results], infer_schema_length=None)
    upstream = publication.content_hashes("ml/training_set", "ml/default_model")
    facts = moved.to_json()
    written = [
        tables.write(publication, name, cutoff, f, upstream, facts) for name, f in found.items()
    ]
    failed = [f"{result.gate} ({result.model})" for result in results if not result.passed]
    served = moved.served.artifact if moved.served else "none"
    notes = {"failed_gates": ", ".join(failed) or "none", "served_artifact": served}
    return Outcome(written, {"gates_pass": not failed}, notes, is_blocking=False)


def pointer(publication: Publication) -> gates.Pointer:
    """Read the served and the replaced model from the newest evaluation."""
    return gates.Pointer.from_json(tables.facts(publication, "evaluation"))


def gates_passed(publication: Publication, cutoff: date) -> bool:
    """Whether the candidate of a cut-off may be published."""
    rows = tables.read(publication, "gates", cutoff)
    return rows.height > 0 and bool(rows["passed"].all())


def _rivals(publication: Publication, rival: gates.Served | None) -> Models:
    """Load the models to compare a candidate with; a lost artifact is no rival."""
    try:
        return load_models(tables.artifacts(publication.paths), rival.artifact) if rival else {}
    except PipelineError:
        return {}


@tables.model_asset(
    "evaluation",
    ["ml/training_set", "ml/default_model", "exports/fct_loans"],
    {"scikitlearn", "parquet"},
    is_blocking=False,
    gates_pass="Every gate passes; otherwise what is served and published stays as it was.",
)
def evaluation(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per model and evaluation: out of time, random, by cumulative loans, known at cut-off.

    Curves, bins, segments and gates have tables of their own. The facts of this table name the
    served artifact: it changes only if every gate passes. Null figures have their reason.
    """
    settings: Settings = pipeline.settings

    def step(publication: Publication, cutoff: date) -> Outcome:
        return evaluate_model(publication, cutoff, settings.default_lag_months, settings.source)

    return each_cutoff(context, step, pipeline.publication)
