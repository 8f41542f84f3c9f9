"""Hand-made tables of the model, and a real artifact of two small models for the what-if."""

from dataclasses import asdict, replace
from datetime import date
from functools import cache

import polars as pl

from financial_pipeline.ml import explain
from financial_pipeline.ml.artifact import save_artifact
from financial_pipeline.ml.features import FEATURE_SETS
from financial_pipeline.ml.gates import Candidate, run_gates
from financial_pipeline.ml.train import DefaultModel, fit_model
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.world import CUTOFF, put
from financial_pipeline_tests.ml.loans import make_book

AS_OF = CUTOFF.isoformat()
KEY = {"training_cutoff": CUTOFF, "model": "borrower_only"}
TESTED = KEY | {"evaluation": "out_of_time"}
METRICS = {"n": 1000, "defaults": 120, "default_rate": 0.12, "mean_pd": 0.11, "auc": 0.7} | {
    "auc_low": 0.65,
    "auc_high": 0.75,
    "gini": 0.4,
    "ks": 0.3,
    "brier_skill": 0.05,
    "calibration_intercept": 0.1,
    "calibration_slope": 1.1,
    "reason": None,
}


@cache
def fitted() -> dict[str, DefaultModel]:
    """Both models of a made-up book, fitted once."""
    cohort = make_book(1200).cohort()
    target = cohort["default_d1"].to_numpy()
    return {
        name: explain.with_averages(fit_model(name, cohort, target), cohort)
        for name in FEATURE_SETS
    }


def model(paths: Paths) -> None:
    """One cut-off, served; loan L0 has a PD of 5% and lost points for its income."""
    artifact = save_artifact(paths.data_root / "ml" / "artifacts", fitted(), None, {})
    put(paths, "ml/evaluation", pl.DataFrame([TESTED | METRICS]), AS_OF)
    table = publication.Publication(paths, "test").newest("ml/evaluation")
    served = {"artifact": artifact, "cutoff": AS_OF}
    publication.Publication(paths, "test").register(replace(table, facts={"served": served}))
    points = [{"false_positive_rate": at, "true_positive_rate": at**0.5} for at in (0.0, 0.25, 1.0)]
    curve = [TESTED | {"threshold": 0.5} | point for point in points]
    put(paths, "ml/evaluation_curves", pl.DataFrame(curve), AS_OF)
    cell = {"loans": 500, "defaults": 50, "low": 0.08, "high": 0.13}
    pair = [{"bin": 0, "mean_pd": 0.1}, {"bin": 1, "mean_pd": 0.2}]
    bins = [TESTED | cell | {"default_rate": 0.1} | one for one in pair]
    put(paths, "ml/evaluation_bins", pl.DataFrame(bins), AS_OF)
    put(paths, "ml/scores", _scores(), AS_OF)
    rows = explain.coefficient_rows(fitted()["borrower_only"])
    put(paths, "ml/coefficients", pl.DataFrame([KEY | row for row in rows]), AS_OF)
    parts(paths)
    month = {"training_cutoff": CUTOFF, "variable": "pd_borrower_only", "psi": 0.03}
    rest = {"critical_value": 0.05, "loans": 200, "verdict": "stable"}
    drift = [month | rest | {"month": date(2015, number, 1)} for number in range(4, 10)]
    put(paths, "ml/drift", pl.DataFrame(drift), AS_OF)
    put(paths, "ml/gates", gates(), AS_OF)
    card = {"training_cutoff": CUTOFF, "markdown": "# The model card", "json": "{}"}
    put(paths, "ml/model_card", pl.DataFrame([card]), AS_OF)
    proxy = {"training_cutoff": CUTOFF, "proxy": "addr_state", "level": "CA", "n": 600}
    put(paths, "ml/fairness", pl.DataFrame([proxy | {"approval_rate": 0.9}]), AS_OF)


def parts(paths: Paths) -> None:
    """Two grades, the second ranked as by chance; two bins of income; a fit by Spark."""
    bad = {"level": "B", "n": 10, "defaults": 2, "mean_pd": 0.3, "auc": 0.5, "auc_low": 0.3}
    groups = [
        TESTED | METRICS | {"segment": "grade", "level": "A"},
        TESTED | METRICS | {"segment": "grade"} | bad,
    ]
    put(paths, "ml/evaluation_segments", pl.DataFrame(groups), AS_OF)
    bins = [
        {"training_cutoff": CUTOFF, "feature": "ln_annual_inc", "bin": number, "label": label}
        | {"points": points, "woe": 0.1, "information_value": 0.02}
        | {"loans": 100, "defaults": 10 * number}
        for number, label, points in ((1, "up to 11", 20.0), (2, "above 11", 35.0))
    ]
    put(paths, "ml/scorecard_points", pl.DataFrame(bins), AS_OF)
    trained = {"training_cutoff": CUTOFF, "artifact": "a1", "training_loans": 2000, "seed": 1}
    put(paths, "ml/default_model", pl.DataFrame([trained]), AS_OF)
    put(paths, "ml/spark_agreement", pl.DataFrame([KEY | {"loans": 2000, "agrees": True}]), AS_OF)


def gates(**evidence: float) -> pl.DataFrame:
    """All gates of the deciding model, with the evidence of METRICS unless given otherwise."""
    figures = {"score_psi": 0.04, "auc": 0.7, "challenger_auc": 0.71, "auc_low": 0.65} | {
        "mean_pd": 0.11,
        "default_rate": 0.12,
        "calibration_slope": 1.1,
        "training_events_per_feature": 20.0,
    }
    candidate = Candidate(
        model="borrower_only", training_loans=2000, test_events=120, **(figures | evidence)
    )
    rows = [KEY | asdict(result) for result in run_gates(candidate)]
    return pl.DataFrame(rows, infer_schema_length=None)


def _scores() -> pl.DataFrame:
    loans = world.loans().select("loan_key", "issue_month")
    pds = {f"pd_{name}": pl.col("loan_key") % 60 / 100 for name in FEATURE_SETS}
    reasons = {"reason_1": pl.lit("ln_annual_inc"), "points_lost_1": pl.lit(7.5)}
    none = {f"reason_{rank}": pl.lit(None, pl.String) for rank in (2, 3, 4)}
    return loans.with_columns(**pds, **reasons, **none).with_columns(
        training_cutoff=pl.lit(CUTOFF),
        pd_borrower_only=pl.when(pl.col("loan_key") == 0).then(0.05).otherwise("pd_borrower_only"),
        pd_scorecard=pl.lit(0.1),
        score=pl.lit(580.0),
        **{f"points_lost_{rank}": pl.lit(None, pl.Float64) for rank in (2, 3, 4)},
    )
