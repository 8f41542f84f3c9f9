"""The models applied: scores of every loan, their drift, and the result of each threshold."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from financial_pipeline.ml import decide
from financial_pipeline.ml.backtest import SEED, Trial, training_rows
from financial_pipeline.ml.discrimination import auc
from financial_pipeline.ml.drift import drift_rows, reference, stability
from financial_pipeline.ml.explain import reason_codes
from financial_pipeline.ml.features import FEATURE_SETS, FEATURES, ModelName
from financial_pipeline.ml.gates import Candidate, GateResult, Served, run_gates
from financial_pipeline.ml.populations import columns_of, out_of_time
from financial_pipeline.ml.scorecard import Scorecard, points, probability
from financial_pipeline.ml.threads import each
from financial_pipeline.ml.train import SCORING_BATCH, DefaultModel, Models

Floats = NDArray[np.float64]

# Reason codes explain this model; it cannot know grade or rate.
DECIDING: Final[ModelName] = "borrower_only"
# A segment needs this many loans for thresholds of its own.
MIN_SEGMENT_LOANS: Final = 100
ALL: Final = "all"


def score_table(features: pl.LazyFrame, models: Models, card: Scorecard) -> pl.DataFrame:
    """One row per row of `features` (`build_features` output): PDs, points, reason codes.

    Features are read batch by batch: those of all loans are larger than their scores.
    """
    loans = features.select(pl.len()).collect().item()

    def score(start: int) -> pl.DataFrame:
        return _score(features.slice(start, SCORING_BATCH).collect(), models, card)

    parts = each(score, range(0, max(loans, 1), SCORING_BATCH))
    return pl.concat(parts, rechunk=True)


def _score(features: pl.DataFrame, models: Models, card: Scorecard) -> pl.DataFrame:
    deciding = models[DECIDING]
    design = deciding.design(features)
    chance = deciding.predict_design(design)
    safety = card.score(features)
    return features.select("loan_key", "issue_month").with_columns(
        pl.Series("pd_borrower_only", chance),
        pl.Series("pd_platform_informed", models["platform_informed"].predict(features)),
        pl.Series("pd_scorecard", probability(safety)),
        pl.Series("score", points(chance)),
        pl.Series("scorecard_points", safety),
        *reason_codes(deciding, design),
    )


def drift_table(
    features: pl.LazyFrame, scores: pl.LazyFrame, training: pl.DataFrame, cutoff: date
) -> list[dict[str, Any]]:
    """PSI per month from the cut-off on, of both PDs and of every input, against `training`.

    `features` and `scores` have the same loans; `training` is a frame of them.
    """
    pds = [f"pd_{name}" for name in FEATURE_SETS]
    everything = features.join(scores.select("loan_key", *pds), on="loan_key")
    development = everything.join(training.lazy().select("loan_key"), on="loan_key", how="semi")
    current = everything.filter(pl.col("issue_month") >= cutoff)
    columns = [*pds, *FEATURES]
    before = development.select(columns).collect(engine="streaming")
    now = current.select("issue_month", *columns).collect(engine="streaming")
    return drift_rows(before, now.drop("issue_month"), now["issue_month"])


def months_to_act_on(drift: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the months, as "2011-03", in which the score of enough loans drifted."""
    score = f"pd_{DECIDING}"
    found = (row for row in drift if row["variable"] == score and row["verdict"] == "act")
    return sorted({f"{row['month']:%Y-%m}" for row in found if row["loans"] >= MIN_SEGMENT_LOANS})


def price_thresholds(
    cohort: pl.DataFrame, loans: pl.LazyFrame, cutoff: date, models: Models
) -> tuple[pl.DataFrame, list[dict[str, Any]]] | None:
    """Threshold table and summary on the test loans of a cut-off; None without prices.

    `cohort` is the training set of the cut-off, `loans` is `fct_loans`.
    """
    split = out_of_time(cohort, cutoff)
    money = columns_of(cohort, loans.select("loan_key", "grade", *decide.CASH_COLUMNS))
    at = decide.prices(decide.loan_cash(money.filter(pl.Series(split.train))))
    if at is None:
        return None
    is_tested = pl.Series(split.test)
    added = money.filter(is_tested).drop("loan_key", "default_d1")
    tested = cohort.filter(is_tested).hstack(added)
    pds = dict(zip(models, each(lambda model: model.predict(tested), models.values()), strict=True))
    segments = tested.select("grade", "term", "purpose")
    return threshold_tables(pds, tested, segments, at, SEED)


def decisions_add_up(table: pl.DataFrame, test_loans: int) -> bool:
    """Whether each confusion matrix over all segments of a threshold table has every test loan."""
    counted = pl.sum_horizontal("tp", "fp", "tn", "fn") == test_loans
    return bool(table.filter(pl.col("segment") == ALL).select(counted.all()).item())


def threshold_tables(
    pds: Mapping[str, Floats],
    tested: pl.DataFrame,
    segments: pl.DataFrame,
    at: decide.Prices,
    seed: int,
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Threshold table and summary of each model, whole and by segment level.

    `pds` has the probabilities of each model for the test loans, `tested` the cash columns of
    `fct_loans`, `segments` the levels, all in one order. `at` are the prices of the training loans.
    """
    cash = decide.loan_cash(tested)
    found = _segment_rows(segments)

    def of_segment(rows: NDArray[np.intp]) -> list[tuple[pl.DataFrame, dict[str, Any]]]:
        inside, chances = cash.take(rows), [pd[rows] for pd in pds.values()]
        counts = {"loans": len(rows), "defaults": int(inside.is_bad.sum())}
        prices = {"gain": at.gain, "loss": at.loss, "break_even_pd": at.break_even_pd}
        return [
            (decide.threshold_table(chance, inside, at), {**counts, **prices, **best})
            for chance, best in zip(
                chances, decide.best_thresholds(chances, inside, seed), strict=True
            )
        ]

    by_segment = each(of_segment, [rows for _, _, rows in found])
    parts: list[pl.DataFrame] = []
    summaries: list[dict[str, Any]] = []
    for number, model in enumerate(pds):
        for (segment, level, _), of_models in zip(found, by_segment, strict=True):
            table, summary = of_models[number]
            label = {"model": model, "segment": segment, "level": level}
            literals = [pl.lit(text).alias(name) for name, text in label.items()]
            parts.append(table.select(*literals, pl.all()))
            summaries.append({**label, **summary})
    return pl.concat(parts), summaries


def gate_results(
    trials: Sequence[Trial],
    cohort: pl.DataFrame,
    models: Models,
    rival: Served | None,
    rivals: Models,
) -> list[GateResult]:
    """Run the gates of both models on their out-of-time trials; null figures fail theirs.

    `trials` has every trial of the models and their challengers. `rivals` are the models of the
    served artifact `rival`, which a candidate must not fall behind.
    """
    headline = {trial.model: trial for trial in trials if trial.split.name == "out_of_time"}
    results: list[GateResult] = []
    for name in FEATURE_SETS:
        trial, challenger = headline[name], headline[f"{name}_boosted"]
        training, target = training_rows(cohort, trial.split)
        previous_auc = None
        if name in rivals:
            tested = cohort.filter(pl.Series(trial.split.test))
            previous_auc = auc(trial.target, rivals[name].predict(tested))
        candidate = Candidate(
            model=name,
            training_loans=training.height,
            mean_pd=trial.metrics.mean_pd,
            default_rate=trial.metrics.default_rate,
            score_psi=_score_psi(training, trial, models.get(name)),
            auc=trial.metrics.auc,
            challenger_auc=challenger.metrics.auc,
            auc_low=trial.metrics.auc_low,
            calibration_slope=trial.metrics.calibration_slope,
            test_events=_events(trial.target),
            training_events_per_feature=_events(target) / len(FEATURE_SETS[name]),
            refusal=_refusal(trial, [found for found in trials if found.model.startswith(name)]),
            previous_auc=previous_auc,
            previous_training_loans=rival.training_loans if rival else None,
        )
        results += run_gates(candidate)
    return results


def _score_psi(training: pl.DataFrame, trial: Trial, model: DefaultModel | None) -> float | None:
    """PSI of the score, training loans against test loans; None if either has no score."""
    if model is None or training.is_empty() or not len(trial.pd):
        return None
    before = reference(pl.Series(model.predict(training)))
    psi: float | None = stability(before, pl.Series(trial.pd))["psi"]
    return psi


def _events(target: NDArray[np.int8]) -> int:
    """Loans of the rarer outcome."""
    bads = int(target.sum())
    return min(bads, len(target) - bads)


def _refusal(headline: Trial, trials: Sequence[Trial]) -> str | None:
    """Return why a model is never served: not measured, or too good to be true."""
    leaks = (trial.leak for trial in trials if trial.leak)
    return headline.metrics.reason or next(leaks, None)


def _segment_rows(segments: pl.DataFrame) -> list[tuple[str, str, NDArray[np.intp]]]:
    """Segment, level and row numbers: all loans first, then each level that is large enough."""
    found = [(ALL, ALL, np.arange(segments.height))]
    for name in segments.columns:
        column = segments[name].cast(pl.String)
        for level in column.drop_nulls().unique().sort():
            rows = np.flatnonzero((column == level).fill_null(False).to_numpy())
            if len(rows) >= MIN_SEGMENT_LOANS:
                found.append((name, level, rows))
    return found
