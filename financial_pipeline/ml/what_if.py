"""One applicant scored at once with the served models: probability, band and reason codes.

It follows the path of the scores of the portfolio (`build_features`, the artifact's pipelines),
so an applicant with the columns of a scored loan gets that loan's figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.ml.explain import MAX_REASONS, reason_codes
from financial_pipeline.ml.features import FEATURES, build_features
from financial_pipeline.ml.scorecard import points
from financial_pipeline.ml.train import DefaultModel

Band = Literal["approve", "review", "decline"]
# The known values of an applicant: columns of `fct_loan_applications`, in its units.
APPLICATION_COLUMNS: Final[dict[str, pl.DataType]] = {
    feature.column: pl.Float64() if feature.is_numeric else pl.String()
    for feature in FEATURES.values()
}


@dataclass(frozen=True)
class Reason:
    """One reason code: the feature, its wording, and the points it cost."""

    feature: str
    text: str
    points_lost: float


@dataclass(frozen=True)
class Assessment:
    """The served models' answer for one applicant; probabilities are fractions."""

    pd_borrower_only: float
    # None if the application names no interest rate.
    pd_platform_informed: float | None
    # Points of `pd_borrower_only`: 600 at odds 50:1, 20 points double the odds.
    score: float
    band: Band
    # Against the average training loan, the most costly first; at most four, never grade or rate.
    reasons: tuple[Reason, ...]


def score_applicant(
    models: Mapping[str, DefaultModel],
    application: Mapping[str, object],
    review_from: float,
    decline_from: float,
) -> Assessment:
    """PD, band and reason codes of one applicant.

    `models` come from `artifact.load_models`. `application` maps APPLICATION_COLUMNS to values in
    the units of `fct_loan_applications` (`income_effective` in dollars a year, `dti_effective` and
    `revol_util` in per cent, `int_rate` as a fraction, `term` in months); values that are left out
    are unknown. The band is `approve` below `review_from`, `decline` at or above `decline_from`:
    the range of thresholds that earn within 1% of the best (`band_low` and `band_high` of
    `threshold_summary`). Raises PipelineError for a column that no model knows.
    """
    features = _features(application)
    deciding = models["borrower_only"]
    chance = float(deciding.predict(features)[0])
    informed = None
    if application.get("int_rate") is not None:
        informed = float(models["platform_informed"].predict(features)[0])
    band: Band = "approve" if chance < review_from else "review"
    return Assessment(
        pd_borrower_only=chance,
        pd_platform_informed=informed,
        score=float(points(chance)),
        band=band if chance < decline_from else "decline",
        reasons=_reasons(deciding, features),
    )


def _features(application: Mapping[str, object]) -> pl.DataFrame:
    unknown = sorted(set(application) - set(APPLICATION_COLUMNS))
    if unknown:
        raise PipelineError(
            f"No model knows the column {unknown[0]} of an application; it may hold"
            f" {', '.join(APPLICATION_COLUMNS)}."
        )
    values = {
        name: pl.Series([application.get(name)], dtype=dtype, strict=False)
        for name, dtype in APPLICATION_COLUMNS.items()
    }
    row = pl.LazyFrame({"loan_key": [0], "issue_month": [date.min], **values})
    return build_features(row).collect()


def _reasons(model: DefaultModel, features: pl.DataFrame) -> tuple[Reason, ...]:
    row = reason_codes(model, model.design(features)).row(0, named=True)
    ranked = ((row[f"reason_{n}"], row[f"points_lost_{n}"]) for n in range(1, MAX_REASONS + 1))
    return tuple(
        Reason(feature, FEATURES[feature].reason, lost) for feature, lost in ranked if feature
    )
