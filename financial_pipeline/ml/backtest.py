"""Each model on each split: the fitted models, the loans they are tested on, and the results."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
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
from financial_pipeline.ml.threads import each
from financial_pipeline.ml.train import DefaultModel, Models, fit_challenger, fit_model

Floats = NDArray[np.float64]

SEED: Final = 20_110_101
# The scorecard and the challenger are compared with the borrower-only model.
CHALLENGED: Final[ModelName] = "borrower_only"
TABLES: Final = ("evaluation", "evaluation_bins", "evaluation_curves", "evaluation_segments")


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


def splits(cohort: pl.DataFrame, cutoff: date, lag_months: int) -> list[Split]:
    """Every split that the two baseline models are tested on, the headline first."""
    return [
        out_of_time(cohort, cutoff),
        random_split(cohort, cutoff, SEED),
        cumulative_loans(cohort),
        known_at_cutoff(cohort, cutoff, lag_months),
    ]


def fit_on(cohort: pl.DataFrame, split: Split, name: ModelName) -> DefaultModel:
    """Fit a baseline model on a split's training loans; NotTrainable carries the split's reason."""
    if split.reason:
        raise NotTrainable(f"The model {name} is not trained: {split.reason}.")
    return fit_model(name, *training_rows(cohort, split))


def fit_models(
    cohort: pl.DataFrame,
    split: Split,
    outcomes_of: Callable[[pl.Series], tuple[Iterable[pl.Series], pl.Series]],
) -> tuple[Models, Scorecard]:
    """Fit both models and the scorecard on a split's training loans.

    `outcomes_of` returns the class X columns and the funded amounts of loans, by key and in their
    order. Raises NotTrainable, or LeakAlarm if an input knows the outcome.
    """
    if split.reason:
        raise NotTrainable(f"The default model is not trained: {split.reason}.")
    rows, target = training_rows(cohort, split)
    check_inputs(rows.select(*FEATURES), target, *outcomes_of(rows["loan_key"]))

    def fit(name: ModelName) -> DefaultModel:
        return with_averages(fit_model(name, rows, target), rows)

    fitted = each(fit, FEATURE_SETS)
    models: Models = dict(zip(FEATURE_SETS, fitted, strict=True))
    return models, fit_scorecard(rows, target, FEATURE_SETS[CHALLENGED])


def training_target(cohort: pl.DataFrame, split: Split) -> NDArray[np.int8]:
    """The targets of the training loans of a split."""
    return cohort["default_d1"].filter(pl.Series(split.train)).to_numpy()


def training_rows(cohort: pl.DataFrame, split: Split) -> tuple[pl.DataFrame, NDArray[np.int8]]:
    """The training loans of a split and their targets."""
    return cohort.filter(pl.Series(split.train)), training_target(cohort, split)


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
    return refuse_splits(all_splits, refusal) + run_challengers(cohort, headline, refusal)


def run_trials(cohort: pl.DataFrame, all_splits: Iterable[Split], headline: Models) -> list[Trial]:
    """Both baseline models on every split.

    `headline` has the models fitted for `out_of_time` (those of the artifact); the other
    splits fit their own. A model that is too good to be true has null metrics with the reason.
    """

    def run(split_and_name: tuple[Split, ModelName]) -> Trial:
        split, name = split_and_name
        try:
            is_fitted = split.name == "out_of_time" and name in headline
            model = headline[name] if is_fitted else fit_on(cohort, split, name)
        except NotTrainable as refusal:
            return _untested(name, split, split.reason or str(refusal))
        trial = score_split(cohort, split, name, model)
        return _screen(trial, lambda: strongest_feature(model, training_rows(cohort, split)[0]))

    return each(run, product(all_splits, FEATURE_SETS))


def refuse_splits(all_splits: Iterable[Split], reason: str) -> list[Trial]:
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
    tested = cohort.filter(pl.Series(split.test))

    def challenge(name: ModelName | None) -> Trial:
        if name is None:
            card = fit_scorecard(rows, target, FEATURE_SETS[CHALLENGED])
            return _tested("scorecard", split, tested, card.predict(tested))
        model = fit_challenger(name, rows, target, SEED)
        return _tested(f"{name}_boosted", split, tested, model.predict(tested))

    try:
        trials = each(challenge, [*FEATURE_SETS, None])
    except NotTrainable as refusal:
        return [_untested(name, split, str(refusal)) for name in (*boosted, "scorecard")]
    return [_screen(trial, lambda: f"of {CHALLENGED}") for trial in trials]


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

    def rows_of(trial: Trial) -> dict[str, list[dict[str, Any]]]:
        row = metrics_row(**trial.labels, label=trial.split.label, metrics=trial.metrics)
        is_headline = trial.split.name == "out_of_time"
        whole = {**row, "matured_share": matured_share if is_headline else None}
        if trial.metrics.reason or not is_headline:
            return {"evaluation": [whole]}
        tested = segments.filter(pl.Series(trial.split.test))
        return {
            "evaluation": [whole],
            "evaluation_bins": calibration_rows(trial.target, trial.pd, **trial.labels),
            "evaluation_curves": roc_rows(trial.target, trial.pd, **trial.labels),
            "evaluation_segments": segment_rows(trial.target, trial.pd, tested, **trial.labels),
        }

    found = each(rows_of, trials)
    return {
        name: pl.DataFrame(
            [row for rows in found for row in rows.get(name, ())], infer_schema_length=None
        )
        for name in TABLES
    }


def segments(cohort: pl.DataFrame, loans: pl.LazyFrame) -> pl.DataFrame:
    """Return grade, term and quarterly vintage of each cohort loan; `loans` is `fct_loans`."""
    named = cohort.lazy().select("loan_key", "issue_month", "term")
    grades = loans.select("loan_key", "grade")
    month = pl.col("issue_month").dt
    vintage = pl.format("{}Q{}", month.year(), month.quarter())
    return (
        named.join(grades, on="loan_key", how="left", maintain_order="left")
        .select("grade", "term", vintage.alias("vintage"))
        .collect()
    )


def _tested(name: str, split: Split, tested: pl.DataFrame, pd: Floats) -> Trial:
    target = tested["default_d1"].to_numpy()
    return Trial(name, split, measure(target, pd), pd, target)


def _screen(trial: Trial, strongest: Callable[[], str]) -> Trial:
    """The trial, without its metrics if the leak alarm refuses them."""
    bads, loans = trial.metrics.defaults, trial.metrics.n
    try:
        check_model(trial.model, trial.metrics.auc, bads, loans - bads, strongest)
    except LeakAlarm as refusal:
        return replace(trial, metrics=not_measured(str(refusal)), leak=str(refusal))
    return trial


def _untested(name: str, split: Split, reason: str) -> Trial:
    return Trial(name, split, not_measured(reason), np.empty(0), np.empty(0, dtype=np.int8))
