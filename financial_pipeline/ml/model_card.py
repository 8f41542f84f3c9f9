"""The model card: the model, its evidence, and its limits.

One dictionary for programs (JSON) and the same content as Markdown for people.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from financial_pipeline.ml.fairness import WORDING
from financial_pipeline.ml.features import FEATURES
from financial_pipeline.ml.train import DefaultModel

PURPOSE: Final = (
    "Estimates the probability that an accepted loan ends charged off or in default (D1: resolved "
    "loans whose full term has passed). A baseline for credit analysts to study and to set "
    "thresholds with; not a tool that decides about a person by itself."
)
LIMITATIONS: Final = (
    "It was fitted on accepted loans only: it says P(bad given accepted). Rejected applications "
    "share five or six fields with accepted ones, and re-weighting or parcelling could serve as a "
    "sensitivity; neither is applied.",
    "Training outcomes are as at the file's snapshot, so a real analyst at the cut-off did not yet "
    "know all of them; the evaluation `known_at_cutoff` is the stricter one.",
    "Loans outside the credit policy (retired in 2010) are left out.",
    "Hosmer-Lemeshow is shown and never decides: its power grows with n.",
    "Coefficients are associations, not causes.",
)
SYNTHETIC: Final = (
    "SIMULATED LOANS: the figures show that the machinery works and say nothing about people."
)
METRICS: Final = (
    "n",
    "default_rate",
    "mean_pd",
    "auc",
    "auc_low",
    "auc_high",
    "ks",
    "gini",
    "brier",
    "brier_skill",
    "log_loss",
    "average_precision",
    "calibration_intercept",
    "calibration_slope",
    "ece",
    "hosmer_lemeshow",
)


def model_card(
    facts: Mapping[str, Any],
    models: Mapping[str, Mapping[str, Any]],
    evaluations: Sequence[Mapping[str, Any]],
    gates: Sequence[Mapping[str, Any]],
    economics: Sequence[Mapping[str, Any]],
    fairness: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The whole card as JSON content.

    `facts`: cutoff, artifact, served, is_synthetic, git_sha, seed, built_from and versions.
    `models`: per model its features, absent ones and coefficients. The others are rows of the
    published tables.
    """
    return {
        "purpose": PURPOSE,
        **facts,
        "models": {name: dict(model) for name, model in models.items()},
        "evaluations": [dict(row) for row in evaluations],
        "gates": [dict(row) for row in gates],
        "economics": [dict(row) for row in economics],
        "fairness": {"wording": WORDING, "rows": [dict(row) for row in fairness]},
        "reason_codes": {name: item.reason for name, item in FEATURES.items() if item.reason},
        "limitations": list(LIMITATIONS),
    }


def describe_model(
    model: DefaultModel, coefficients: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the part of the card about one model; `coefficients` are rows of `ml/coefficients`."""
    own = [dict(row) for row in coefficients if row["model"] == model.name]
    return {
        "features": list(model.features),
        "absent": dict(model.absent),
        "training_loans": model.training_loans,
        "training_defaults": model.training_defaults,
        "coefficients": [{k: v for k, v in row.items() if k != "model"} for row in own],
    }


def card_markdown(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    sections = [
        f"# Default model, cut-off {card['cutoff']}",
        SYNTHETIC if card.get("is_synthetic") else "",
        card["purpose"],
        _facts(card),
        "## Evaluation",
        _evaluations(card["evaluations"]),
        "## Gates",
        _table(card["gates"], ("gate", "model", "passed", "value", "limit", "detail")),
        *(_model(name, model) for name, model in card["models"].items()),
        "## Economics, decline if PD >= threshold",
        _table(card["economics"]),
        "## Fairness proxy screen",
        card["fairness"]["wording"],
        _table([row for row in card["fairness"]["rows"] if row["approval_rate"] is not None]),
        "## Limitations",
        "\n".join(f"- {sentence}" for sentence in card["limitations"]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _facts(card: Mapping[str, Any]) -> str:
    shown = ("artifact", "served", "git_sha", "seed", "training_loans", "versions", "built_from")
    return "\n".join(f"- {name}: {card[name]}" for name in shown if name in card)


def _evaluations(rows: Sequence[Mapping[str, Any]]) -> str:
    table = _table(rows, ("model", "evaluation", *METRICS, "reason"))
    labels = {row["evaluation"]: row["label"] for row in rows}
    return "\n\n".join([table, "\n".join(f"- {name}: {text}" for name, text in labels.items())])


def _model(name: str, model: Mapping[str, Any]) -> str:
    absent = "; ".join(f"{feature}: {why}" for feature, why in model["absent"].items())
    parts = [
        f"## Model {name}",
        f"Features: {', '.join(model['features'])}.",
        f"Left out: {absent}." if absent else "",
        _table(model["coefficients"], ("feature", "term", "coefficient", "per_unit", "unit")),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(rows: Sequence[Mapping[str, Any]], columns: Iterable[str] | None = None) -> str:
    if not rows:
        return "None."
    names = list(columns or rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row.get(n)) for n in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return str(value).replace("|", "\\|")
