"""The leak alarm: training is refused when an input knows the outcome (methodology 1.2).

Four tests, each naming the column: outside the whitelist; a copy of a column known only after
origination (equal, recoded, or |Spearman| above 0.99); a single feature with an AUC above 0.80; a
model with one. The AUC alone is not enough: few such columns separate that well by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from financial_pipeline.errors import PipelineError
from financial_pipeline.ml.discrimination import auc, auc_from_ranks
from financial_pipeline.schemas.lending_club import CLASS_X

MAX_SPEARMAN: Final = 0.99
MAX_AUC: Final = 0.80
# Below this, ranks of the loans that both columns know say nothing; recoding is still tested.
MIN_COMMON_LOANS: Final = 30
# Columns with at most this many levels (missing is one) are compared level by level.
MAX_LEVELS: Final = 50
# The ranks of all known values, correlated where both are known, approach Spearman; only pairs
# above this are ranked again over their common loans.
SCREEN: Final = 0.50
# On fewer loans an AUC can pass 0.80 by chance.
MIN_LOANS_FOR_AUC_ALARM: Final = 500

Floats = NDArray[np.float64]


class LeakAlarm(PipelineError):
    """Training refused: a column tells the outcome."""


def check_whitelist(columns: Sequence[str], allowed: Sequence[str]) -> None:
    """Raise LeakAlarm when a column is not an allowed feature."""
    for column in columns:
        if column not in allowed:
            known = " It is known only after origination." if column in CLASS_X else ""
            raise LeakAlarm(
                f"Column {column} is not a listed feature, so training is refused.{known} Leave "
                "it out, or list it in ml/features.py if it is known at origination."
            )


def check_inputs(features: pl.DataFrame, target: NDArray[np.int8], forbidden: pl.DataFrame) -> None:
    """Raise LeakAlarm when a feature separates too well alone or copies a forbidden column.

    Both frames hold the same loans in the same order; `forbidden` has the class X columns, of
    which constant ones are passed over. Each column is ranked once, over all loans.
    """
    candidates, outcomes = _ranked(features), _ranked(forbidden)
    for name, column in candidates.items():
        for outcome, other in outcomes.items():
            if _is_recoded(column, other):
                raise _copy_alarm(name, outcome, "is a recoded copy of")
    if candidates and outcomes:
        _check_ranks(candidates, outcomes)
    for name, column in candidates.items():
        value = _best_auc(column, target)
        if value is not None and value > MAX_AUC:
            raise LeakAlarm(
                f"Column {name} alone has an AUC of {value:.3f}, above {MAX_AUC:.2f}: nothing "
                "known at origination separates that well, so training is refused; find out "
                "where the column comes from."
            )


def check_model(model: str, value: float | None, loans: int, strongest: str) -> None:
    """Raise LeakAlarm when a model's test AUC is above 0.80; `strongest` is its main feature."""
    if value is not None and value > MAX_AUC and loans >= MIN_LOANS_FOR_AUC_ALARM:
        raise LeakAlarm(
            f"The model {model} has an AUC of {value:.3f} on {loans} test loans, above "
            f"{MAX_AUC:.2f}, so it is refused; look first at its strongest feature, {strongest}."
        )


def single_feature_auc(column: pl.Series, target: NDArray[np.int8]) -> float | None:
    """The best AUC that a column reaches alone; None where it is constant.

    Values score as they are, in either direction; few levels also by their default rate; and
    whether the value is missing is tried as a score too.
    """
    ranked = _ranked(column.to_frame("column"))
    return _best_auc(ranked["column"], target) if ranked else None


@dataclass(frozen=True)
class _Ranked:
    """A column as average ranks of its known values (NaN for missing) and, if few, its levels."""

    ranks: Floats
    levels: NDArray[np.int64] | None
    level_count: int


def _ranked(frame: pl.DataFrame) -> dict[str, _Ranked]:
    """Every column that is not constant, missing counting as a value."""
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    clean = frame.with_columns(pl.col(floats).fill_nan(None))
    counts = clean.select(pl.all().n_unique()).row(0, named=True)
    varied = [name for name in clean.columns if counts[name] > 1]
    few = [name for name in varied if counts[name] <= MAX_LEVELS]
    ranks = clean.select(pl.col(varied).rank("average").cast(pl.Float64))
    levels = clean.select(pl.col(few).rank("dense").fill_null(0).cast(pl.Int64))
    return {
        name: _Ranked(
            ranks[name].to_numpy(), levels[name].to_numpy() if name in few else None, counts[name]
        )
        for name in varied
    }


def _is_recoded(first: _Ranked, second: _Ranked) -> bool:
    """Whether two columns of few levels, missing being one, split the loans in the same way."""
    if first.levels is None or second.levels is None or first.level_count != second.level_count:
        return False
    pairs = np.unique(first.levels * (MAX_LEVELS + 1) + second.levels)
    return len(pairs) == first.level_count


def _check_ranks(candidates: dict[str, _Ranked], outcomes: dict[str, _Ranked]) -> None:
    first = np.column_stack([column.ranks for column in candidates.values()])
    second = np.column_stack([column.ranks for column in outcomes.values()])
    with threadpool_limits(limits=1):
        common, screened = _pairwise_correlation(first, second)
    for row, column in np.argwhere((np.abs(screened) > SCREEN) & (common >= MIN_COMMON_LOANS)):
        value = _spearman(first[:, row], second[:, column])
        if abs(value) > MAX_SPEARMAN:
            name, outcome = list(candidates)[row], list(outcomes)[column]
            raise _copy_alarm(name, outcome, f"has a rank correlation of {value:.4f} with")


def _pairwise_correlation(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Loans known to both columns, and the correlation of their ranks there, for every pair."""
    known_first, known_second = (1.0 - np.isnan(x) for x in (first, second))
    a, b = (np.nan_to_num(x / len(x) - 0.5) for x in (first, second))
    n = known_first.T @ known_second
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_a, mean_b = a.T @ known_second / n, known_first.T @ b / n
        covariance = a.T @ b / n - mean_a * mean_b
        variance_a = (a**2).T @ known_second / n - mean_a**2
        variance_b = known_first.T @ b**2 / n - mean_b**2
        return n, covariance / np.sqrt(variance_a * variance_b)


def _spearman(first: Floats, second: Floats) -> float:
    known = ~np.isnan(first) & ~np.isnan(second)
    return float(np.corrcoef(rankdata(first[known]), rankdata(second[known]))[0, 1])


def _best_auc(column: _Ranked, target: NDArray[np.int8]) -> float | None:
    missing = np.isnan(column.ranks)
    values = [auc(target, missing)]
    if (~missing).sum() >= MIN_LOANS_FOR_AUC_ALARM:
        values.append(auc_from_ranks(target[~missing], column.ranks[~missing]))
    if column.levels is not None:
        loans = np.bincount(column.levels)
        rates = np.bincount(column.levels, weights=target) / np.maximum(loans, 1)
        values.append(auc(target, rates[column.levels]))
    found = [max(value, 1 - value) for value in values if value is not None]
    return max(found, default=None)


def _copy_alarm(name: str, outcome: str, verb: str) -> LeakAlarm:
    return LeakAlarm(
        f"Column {name} {verb} {outcome}, which is known only after origination, so training is "
        f"refused; remove {name} from the inputs."
    )
