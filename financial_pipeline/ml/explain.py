"""Reasons of a score: coefficients with units, and reason codes (methodology 2.18).

A reason code names a feature that cost the loan points against the average training loan; at most
four are given, and never grade or rate (Reg B 1002.9).
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from financial_pipeline.ml.features import FEATURES
from financial_pipeline.ml.scorecard import FACTOR
from financial_pipeline.ml.train import SCORING_BATCH, DefaultModel, Models

Floats = NDArray[np.float64]

MAX_REASONS: Final = 4
# The term of all levels too rare for a coefficient of their own.
INFREQUENT: Final = "rare levels"


def coefficient_rows(model: DefaultModel) -> list[dict[str, Any]]:
    """One row per coefficient of a logistic model.

    `coefficient` is the change of the log-odds of default per training standard deviation (levels
    and missing flags: for being so); `per_unit` is the change per unit of the raw feature.
    """
    prepare = model.pipeline["prepare"]
    scales = prepare.named_transformers_["number"]["standardise"].scale_
    rows = []
    for position, (feature, term) in enumerate(_terms(model)):
        value = float(model.pipeline["fit"].coef_[0][position])
        is_number = term == "value"
        rows.append(
            {
                "feature": feature,
                "term": term,
                "coefficient": value,
                "per_unit": value / float(scales[position]) if is_number else value,
                "unit": FEATURES[feature].unit if is_number else "yes against no",
            }
        )
    intercept = float(model.pipeline["fit"].intercept_[0])
    none = {"feature": "intercept", "term": "intercept", "unit": "log-odds"}
    return [{**none, "coefficient": intercept, "per_unit": intercept}, *rows]


def all_coefficient_rows(models: Models) -> list[dict[str, Any]]:
    """The rows of `ml/coefficients`: those of each model, with its name."""
    return [
        {"model": name, **row} for name, model in models.items() for row in coefficient_rows(model)
    ]


def strongest_feature(model: DefaultModel, training: pl.DataFrame) -> str:
    """The feature that moves the log-odds most from loan to loan."""
    spread = _log_odds(model, training).std(axis=0, ddof=1)
    return model.features[int(np.argmax(spread))]


def with_averages(model: DefaultModel, training: pl.DataFrame) -> DefaultModel:
    """The model with the mean contribution of each feature over its training loans."""
    means = _log_odds(model, training).mean(axis=0)
    return replace(model, average_log_odds=dict(zip(model.features, means.tolist(), strict=True)))


def points_lost(model: DefaultModel, design: Floats) -> Floats:
    """Points that each feature cost each row of a design against the average training loan.

    Shape (loans, features of the model); negative where the feature helped. The points scale is
    that of the scorecard: 20 points double the odds.
    """
    average = np.array([model.average_log_odds[name] for name in model.features])
    return FACTOR * (_log_odds_by_feature(model, design) - average)


def reason_codes(model: DefaultModel, design: Floats) -> pl.DataFrame:
    """Columns reason_1 ... reason_4 (feature names) and points_lost_1 ... 4, most costly first.

    One row per row of `design`; null where fewer features cost points. The model comes from
    `with_averages` or from an artifact.
    """
    allowed = [name for name in model.features if FEATURES[name].reason]
    columns = [model.features.index(name) for name in allowed]
    return _top_reasons(points_lost(model, design)[:, columns], pl.Series(allowed))


def _top_reasons(lost: Floats, names: pl.Series) -> pl.DataFrame:
    order = np.argsort(-lost, axis=1, kind="stable")[:, :MAX_REASONS]
    points = np.take_along_axis(lost, order, axis=1)
    columns: dict[str, pl.Series] = {}
    for rank in range(MAX_REASONS):
        worth = pl.Series(points[:, rank])
        columns[f"reason_{rank + 1}"] = names.gather(order[:, rank]).set(worth <= 0, None)
        columns[f"points_lost_{rank + 1}"] = worth.set(worth <= 0, None)
    return pl.DataFrame(columns)


def _log_odds(model: DefaultModel, frame: pl.DataFrame) -> Floats:
    """Contribution of each feature to the log-odds of each row, with a design of few rows."""
    found = np.empty((frame.height, len(model.features)))
    for number, part in enumerate(frame.iter_slices(SCORING_BATCH)):
        start = number * SCORING_BATCH
        found[start : start + part.height] = _log_odds_by_feature(model, model.design(part))
    return found


def _log_odds_by_feature(model: DefaultModel, design: Floats) -> Floats:
    weighted = design * model.pipeline["fit"].coef_[0]
    positions = {name: number for number, name in enumerate(model.features)}
    owner = np.zeros((weighted.shape[1], len(model.features)))
    for column, (feature, _) in enumerate(_terms(model)):
        owner[column, positions[feature]] = 1.0
    return np.asarray(weighted @ owner)


def _terms(model: DefaultModel) -> list[tuple[str, str]]:
    """Feature and term of each design column, in the order of the ColumnTransformer."""
    prepare = model.pipeline["prepare"]
    numeric = [name for name in model.features if FEATURES[name].is_numeric]
    levels = [name for name in model.features if not FEATURES[name].is_numeric]
    terms = [(name, "value") for name in numeric]
    missing = prepare.named_transformers_["missing"].features_
    terms += [(numeric[position], "missing") for position in missing]
    coder, encoder = (step for _, step in prepare.named_transformers_["level"].steps)
    for position, name in enumerate(levels):
        rare = encoder.infrequent_categories_[position]
        frequent = [c for c in encoder.categories_[position] if rare is None or c not in rare]
        terms += [(name, coder.levels_[position][code]) for code in frequent]
        terms += [(name, INFREQUENT)] if rare is not None else []
    return terms
