"""The `model` section of the figures: evaluations, gates and served model, newest cut-off."""

from typing import Any

import duckdb

from financial_pipeline.ml.gates import why_not_served
from financial_pipeline.ml.model_card import METRICS
from financial_pipeline.publishing.manifest import Manifest
from financial_pipeline.publishing.views import rows

LAYER = "ml"
NEEDED = {f"{LAYER}/{name}" for name in ("evaluation", "gates", "default_model", "coefficients")}
MODELS = ("borrower_only", "platform_informed")
CHALLENGERS = ("borrower_only_boosted", "platform_informed_boosted", "scorecard")
# Figures of an evaluation; null ones have a reason.
EVALUATED = (*METRICS, "defaults", "matured_share", "label", "reason")


def model_figures(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> dict[str, Any]:
    """Return the results of the newest training cut-off; empty if no model was evaluated.

    Keys: training_cutoff, artifact_hash, reason (why there is none), served, not_served (why this
    cut-off is not), gates, one per model (features and evaluations), challengers, thresholds and
    spark_agreement.
    """
    if not manifest.tables.keys() >= NEEDED:
        return {}
    cutoff = rows(connection, "select max(training_cutoff) as cutoff from ml.evaluation")[0]
    newest = {"cutoff": cutoff["cutoff"]}
    trained = _newest(connection, manifest, "default_model", newest)
    row = trained[0] if trained else {}
    evaluations = _newest(connection, manifest, "evaluation", newest)
    features = _features(connection, newest)
    gates = _newest(connection, manifest, "gates", newest)
    return {
        "training_cutoff": str(newest["cutoff"]),
        "artifact_hash": row.get("artifact"),
        "reason": row.get("reason"),
        "served": manifest.table("ml/evaluation").facts.get("served"),
        "not_served": why_not_served(gates),
        "gates": gates,
        **{
            model: {"features": features.get(model, []), **_evaluations(evaluations, model)}
            for model in MODELS
        },
        "challengers": {model: _evaluations(evaluations, model) for model in CHALLENGERS},
        "thresholds": [
            line
            for line in _newest(connection, manifest, "threshold_summary", newest)
            if line["segment"] == "all"
        ],
        "spark_agreement": _newest(connection, manifest, "spark_agreement", newest),
    }


def _evaluations(rows: list[dict[str, Any]], model: str) -> dict[str, dict[str, Any]]:
    return {
        row["evaluation"]: {name: row[name] for name in EVALUATED}
        for row in rows
        if row["model"] == model
    }


def _features(
    connection: duckdb.DuckDBPyConnection, newest: dict[str, Any]
) -> dict[str, list[str]]:
    query = """
        select model, list(distinct feature order by feature) as features
        from ml.coefficients
        where training_cutoff = $cutoff and feature != 'intercept'
        group by model
    """
    return {row["model"]: row["features"] for row in rows(connection, query, newest)}


def _newest(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, name: str, newest: dict[str, Any]
) -> list[dict[str, Any]]:
    if f"{LAYER}/{name}" not in manifest.tables:
        return []
    query = f"select * exclude (training_cutoff) from ml.{name} where training_cutoff = $cutoff"
    return rows(connection, query, newest)
