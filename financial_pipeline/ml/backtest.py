"""Each model on each split: what is fitted, on whom it is tested, and what comes out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from financial_pipeline.ml.evaluate import (
    Metrics,
    calibration_rows,
    measure,
    metrics_row,
    not_measured,
    roc_rows,
    segment_rows,
)
from financial_pipeline.ml.explain import strongest_feature, with_averages
from financial_pipeline.ml.features import FEATURE_SETS, FEATURES, ModelName, NotTrainable
from financial_pipeline.ml.leak_alarm import LeakAlarm, check_inputs, check_model
from financial_pipeline.ml.populations import (
    Split,
    cumulative_loans,
    known_at_cutoff,
    out_of_time,
    random_split,
)
from financial_pipeline.ml.scorecard import Scorecard, fit_scorecard
from financial_pipeline.ml.train import DefaultModel, Models, fit_challenger, fit_model

Floats = NDArray[np.float64]

SEED: Final = 20_110_101
# The scorecard and the challenger are compared with the borrower-only model.
CHALLENGED: Final[ModelName] = "borrower_only"


@dataclass(frozen=True)
class Trial:
    """One model tested on one split; `pd` covers the rows of `test` in cohort order."""

    model: str
    split: Split
    metrics: Metrics
    pd: Floats
    target: NDArray[np.int8]
    # Why the leak alarm refused the model on this split; its metrics are then null.
    leak: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The columns that name this trial in every table."""
        return {"model": self.model, "evaluation": self.split.name}


def splits(cohort: pl.DataFrame, cutoff: date, lag_months: int, seed: int = SEED) -> list[Split]:
    """Every split that the two baseline models are tested on, the headline first."""
    return [
        out_of_time(cohort, cutoff),
        random_split(cohort, cutoff, seed),
        cumulative_loans(cohort),
        known_at_cutoff(cohort, cutoff, lag_months),
    ]


def fit_on(cohort: pl.DataFrame, split: Split, name: ModelName) -> DefaultModel:
    """Fit a baseline model on a split's training loans; NotTrainable carries the split's reason."""
    if split.reason:
        raise NotTrainable(f"The model {name} is not trained: {split.reason}.")
    return fit_model(name, *training_rows(cohort, split))


def fit_models(
    cohort: pl.DataFrame, split: Split, outcomes: pl.DataFrame, funded: pl.Series
) -> tuple[Models, Scorecard]:
    """Fit both models and the scorecard on a split's training loans.

    `outcomes` and `funded` are the class X columns and funded amounts of these loans, in their
    order. Raises NotTrainable, or LeakAlarm if an input knows the outcome.
    """
    if split.reason:
        raise NotTrainable(f"The default model is not trained: {split.reason}.")
    rows, target = training_rows(cohort, split)
    check_inputs(rows.select(*FEATURES), target, outcomes, funded)
    models: Models = {
        name: with_averages(fit_on(cohort, split, name), rows) for name in FEATURE_SETS
    }
    return models, fit_scorecard(rows, target, FEATURE_SETS[CHALLENGED])


def training_rows(cohort: pl.DataFrame, split: Split) -> tuple[pl.DataFrame, NDArray[np.int8]]:
    """The training loans of a split and their targets."""
    rows = cohort.filter(pl.Series(split.train))
    return rows, rows["default_d1"].to_numpy()


def all_trials(
    cohort: pl.DataFrame, all_splits: Sequence[Split], models: Models, refusal: str | None
) -> list[Trial]:
    """Both models on every split, and their challengers on the first one, the headline.

    `models` are those of the artifact; if there is none, `refusal` is why, and no split may fit
    models on loans that could train and were refused.
    """
    headline = all_splits[0]
    if models or headline.reason or refusal is None:
        return run_trials(cohort, all_splits, models) + run_challengers(cohort, headline)
    return refused(all_splits, refusal) + run_challengers(cohort, headline, refusal)


def run_trials(cohort: pl.DataFrame, all_splits: Iterable[Split], headline: Models) -> list[Trial]:
    """Both baseline models on every split.

    `headline` has the models fitted for `out_of_time` (those of the artifact); the other
    splits fit their own. A model that is too good to be true has null metrics with the reason.
    """
    trials = []
    for split in all_splits:
        for name in FEATURE_SETS:
            try:
                is_fitted = split.name == "out_of_time" and name in headline
                model = headline[name] if is_fitted else fit_on(cohort, split, name)
            except NotTrainable as refusal:
                reason = split.reason or str(refusal)
                trials.append(_untested(name, split, reason))
                continue
            trial = score_split(cohort, split, name, model)
            loans, _ = training_rows(cohort, split)
            trials.append(_screened(trial, strongest_feature(model, loans)))
    return trials


def refused(all_splits: Iterable[Split], reason: str) -> list[Trial]:
    """Both baseline models on every split, null for the reason why none was trained."""
    return [_untested(name, split, reason) for split in all_splits for name in FEATURE_SETS]


def run_challengers(cohort: pl.DataFrame, split: Split, refusal: str | None = None) -> list[Trial]:
    """The boosted challenger of both models and the scorecard, on one split.

    `refusal` is why no model may be fitted, if so; the metrics are then null for that reason.
    """
    boosted = [f"{name}_boosted" for name in FEATURE_SETS]
    if reason := refusal or split.reason:
        return [_untested(name, split, reason) for name in (*boosted, "scorecard")]
    rows, target = training_rows(cohort, split)
    try:
        found = [
            score_split(cohort, split, f"{name}_boosted", fit_challenger(name, rows, target, SEED))
            for name in FEATURE_SETS
        ]
        card = fit_scorecard(rows, target, FEATURE_SETS[CHALLENGED])
    except NotTrainable as refusal:
        return [_untested(name, split, str(refusal)) for name in (*boosted, "scorecard")]
    tested = cohort.filter(pl.Series(split.test))
    trials = [*found, _tested("scorecard", split, tested, card.predict(tested))]
    return [_screened(trial, f"of {CHALLENGED}") for trial in trials]


def score_split(cohort: pl.DataFrame, split: Split, name: str, model: DefaultModel) -> Trial:
    """Score the test loans of a split and measure."""
    tested = cohort.filter(pl.Series(split.test))
    return _tested(name, split, tested, model.predict(tested))


def evaluation_tables(
    trials: Iterable[Trial], segments: pl.DataFrame, matured_share: float | None
) -> dict[str, pl.DataFrame]:
    """The tables `evaluation`, `evaluation_bins`, `evaluation_curves` and `evaluation_segments`.

    `segments` has one row per cohort loan, in cohort order. Bins, curves, segments and the
    matured share are given for the out-of-time trials.
    """
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("", "bins", "curves", "segments")
    }
    for trial in trials:
        row = metrics_row(**trial.labels, label=trial.split.label, metrics=trial.metrics)
        is_headline = trial.split.name == "out_of_time"
        rows[""].append({**row, "matured_share": matured_share if is_headline else None})
        if trial.metrics.reason or not is_headline:
            continue
        tested = segments.filter(pl.Series(trial.split.test))
        rows["bins"] += calibration_rows(trial.target, trial.pd, **trial.labels)
        rows["curves"] += roc_rows(trial.target, trial.pd, **trial.labels)
        rows["segments"] += segment_rows(trial.target, trial.pd, tested, **trial.labels)
    return {
        f"evaluation_{name}".rstrip("_"): pl.DataFrame(found, infer_schema_length=None)
        for name, found in rows.items()
    }


def segments(cohort: pl.DataFrame, loans: pl.LazyFrame) -> pl.DataFrame:
    """Return grade, term and quarterly vintage of each cohort loan; `loans` is `fct_loans`."""
    grades = loans.select("loan_key", "grade").collect()
    joined = cohort.join(grades, on="loan_key", how="left", maintain_order="left")
    month = pl.col("issue_month").dt
    vintage = pl.format("{}Q{}", month.year(), month.quarter())
    return joined.select("grade", "term", vintage.alias("vintage"))


def _tested(name: str, split: Split, tested: pl.DataFrame, pd: Floats) -> Trial:
    target = tested["default_d1"].to_numpy()
    return Trial(name, split, measure(target, pd), pd, target)


def _screened(trial: Trial, strongest: str) -> Trial:
    """The trial, without its metrics if the leak alarm refuses them."""
    bads, loans = trial.metrics.defaults, trial.metrics.n
    try:
        check_model(trial.model, trial.metrics.auc, bads, loans - bads, strongest)
    except LeakAlarm as refusal:
        return replace(trial, metrics=not_measured(str(refusal)), leak=str(refusal))
    return trial


def _untested(name: str, split: Split, reason: str) -> Trial:
    return Trial(name, split, not_measured(reason), np.empty(0), np.empty(0, dtype=np.int8))
