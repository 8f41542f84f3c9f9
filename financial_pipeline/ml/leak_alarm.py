"""The leak alarm: a model is refused when an input knows the outcome (methodology 1.2).

Four tests, each naming the column: outside the whitelist; a copy of a column known only after
origination (equal, recoded, or |Spearman| above 0.99, beyond what the funded amount explains); a
single feature, or a model, of which the lower 99% bound of the AUC is above 0.80. The AUC alone is
not enough: few such columns separate that well by themselves.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from financial_pipeline.errors import PipelineError
from financial_pipeline.ml.discrimination import auc, auc_lower_bound, auc_of_levels
from financial_pipeline.schemas.lending_club import CLASS_X

MAX_SPEARMAN: Final = 0.99
# In a book with few defaults, payments are the funded amount and its interest: an amount then ranks
# like them without knowing them. A copy also correlates with what the amount leaves unexplained.
MAX_PARTIAL_SPEARMAN: Final = 0.5
EXPLAINED: Final = 1e-6
MAX_AUC: Final = 0.80
# With fewer loans that have both values, ranks are not compared; recoding is still tested.
MIN_COMMON_LOANS: Final = 30
# Columns with at most this many levels (missing is one) are compared level by level.
MAX_LEVELS: Final = 50
# Spearman is estimated on this many loans; its error near 0.99 is then below 0.001.
RANKED_LOANS: Final = 20_000

Floats = NDArray[np.float64]


class LeakAlarm(PipelineError):
    """Training refused: a column reveals the outcome."""


def check_whitelist(columns: Sequence[str], allowed: Sequence[str]) -> None:
    """Raise LeakAlarm when a column is not an allowed feature."""
    for column in columns:
        if column not in allowed:
            known = " It is known only after origination." if column in CLASS_X else ""
            raise LeakAlarm(
                f"Column {column} is not a listed feature, so training is refused.{known} Leave "
                "it out, or list it in ml/features.py if it is known at origination."
            )


def check_inputs(
    features: pl.DataFrame,
    target: NDArray[np.int8],
    forbidden: Iterable[pl.Series],
    funded: pl.Series | None = None,
) -> None:
    """Raise LeakAlarm when a feature separates too well alone or copies a forbidden column.

    All have the same loans in the same order; `forbidden` has the class X columns, a frame or one
    after the other, of which constant ones are passed over. `funded` is the funded amount in
    dollars: a copy counts only if the amount does not explain it.
    """
    candidates = dict(_columns(features))
    amount = None if funded is None else dict(_columns([funded.alias("funded")])).get("funded")
    for outcome, other in _columns(forbidden):
        for name, column in candidates.items():
            if _is_recoded(column, other) and not (amount and _is_recoded(amount, other)):
                raise _copy_alarm(name, outcome, "is a recoded copy of")
        for name, value in _rank_correlations(candidates, other).items():
            if abs(value) > MAX_SPEARMAN and _exceeds(candidates[name], other, amount):
                raise _copy_alarm(name, outcome, f"has a rank correlation of {value:.4f} with")
    for name, column in candidates.items():
        _check_feature(name, column, target)


def check_model(
    model: str, area: float | None, bads: int, goods: int, strongest: Callable[[], str]
) -> None:
    """Raise LeakAlarm when the lower bound of a model's test AUC is above 0.80.

    `strongest` returns its main feature, or the words that stand for it; only a refusal asks.
    """
    bound = 0.0 if area is None else auc_lower_bound(area, bads, goods)
    if bound > MAX_AUC:
        raise LeakAlarm(
            f"The model {model} has an AUC of {area:.3f} on {bads + goods} test loans (lower 99% "
            f"bound {bound:.3f}, above {MAX_AUC:.2f}), so it is refused; look first at "
            f"its strongest feature, {strongest()}."
        )


def _check_feature(name: str, column: "_Column", target: NDArray[np.int8]) -> None:
    bound, area = _best_auc(column, target) or (0.0, 0.0)
    if bound > MAX_AUC:
        raise LeakAlarm(
            f"Column {name} alone has an AUC of {area:.3f} on {len(target)} loans with "
            f"{int(target.sum())} defaults (lower 99% bound {bound:.3f}, above {MAX_AUC:.2f}): "
            "nothing known at origination separates that well, so training is refused; find out "
            "where the column comes from."
        )


@dataclass(frozen=True)
class _Column:
    """A column in its own order (dates as days, text by level, NaN for missing) and its levels."""

    values: Floats
    # Number of the level of each loan, missing being 0; None if there are more than MAX_LEVELS.
    levels: NDArray[np.int64] | None
    level_count: int


def _columns(columns: Iterable[pl.Series]) -> Iterator[tuple[str, _Column]]:
    """Yield every column that is not constant, missing counting as a value, one at a time."""
    for column in columns:
        clean = column.fill_nan(None) if column.dtype.is_float() else column
        if (count := clean.n_unique()) > 1:
            yield column.name, _column(clean, count)


def _column(column: pl.Series, level_count: int) -> _Column:
    is_ordered = column.dtype.is_numeric() or column.dtype.is_temporal()
    dense = None if level_count > MAX_LEVELS and is_ordered else column.rank("dense")
    values = column.to_physical() if is_ordered else dense
    levels = None
    if dense is not None and level_count <= MAX_LEVELS:
        levels = dense.fill_null(0).cast(pl.Int64).to_numpy()
    return _Column(pl.Series(values).cast(pl.Float64).to_numpy(), levels, level_count)


def _is_recoded(first: _Column, second: _Column) -> bool:
    """Whether two columns of few levels, missing being one, split the loans in the same way."""
    if first.levels is None or second.levels is None or first.level_count != second.level_count:
        return False
    pairs = np.bincount(first.levels * (MAX_LEVELS + 1) + second.levels)
    return int((pairs > 0).sum()) == first.level_count


def _rank_correlations(candidates: dict[str, _Column], outcome: _Column) -> dict[str, float]:
    """Spearman with each candidate over the loans known to both, at most RANKED_LOANS of them.

    The loans are taken evenly from those that the outcome knows, so rare columns are seen whole.
    """
    known = np.flatnonzero(~np.isnan(outcome.values))
    rows = known[:: -(-len(known) // RANKED_LOANS)] if len(known) else known
    sampled = outcome.values[rows]
    whole = scipy.stats.rankdata(sampled)
    found = {}
    for name, column in candidates.items():
        values = column.values[rows]
        both = ~np.isnan(values)
        if both.sum() < MIN_COMMON_LOANS or np.ptp(values[both]) == 0:
            continue
        ranks = whole if both.all() else scipy.stats.rankdata(sampled[both])
        if np.ptp(ranks) > 0:
            found[name] = float(np.corrcoef(scipy.stats.rankdata(values[both]), ranks)[0, 1])
    return found


def _exceeds(candidate: _Column, outcome: _Column, amount: _Column | None) -> bool:
    """Whether two columns correlate beyond what the funded amount explains of both.

    Partial Spearman over the loans known to all three; an amount that fully explains one of the
    two leaves nothing.
    """
    if amount is None:
        return True
    columns = np.stack([candidate.values, outcome.values, amount.values])
    ranks = scipy.stats.rankdata(columns[:, ~np.isnan(columns).any(axis=0)], axis=1)
    if ranks.shape[1] < MIN_COMMON_LOANS or np.ptp(ranks[2]) == 0:
        return True
    both, of_candidate, of_outcome = np.corrcoef(ranks)[[0, 0, 1], [1, 2, 2]]
    left = np.sqrt(max(1 - of_candidate**2, 0) * max(1 - of_outcome**2, 0))
    if left < EXPLAINED:
        return False
    return bool(abs(both - of_candidate * of_outcome) / left > MAX_PARTIAL_SPEARMAN)


def _best_auc(column: _Column, target: NDArray[np.int8]) -> tuple[float, float] | None:
    """Lower bound and AUC of the best score that a column gives; None if it gives none."""
    known = ~np.isnan(column.values)
    bads, among_known = int(target.sum()), int(target[known].sum())
    everyone = (bads, len(target) - bads)
    is_missing = auc_of_levels(np.bincount(known, minlength=2), np.bincount(known, target, 2))
    found = [
        (is_missing, everyone),
        (auc(target[known], column.values[known]), (among_known, int(known.sum()) - among_known)),
    ]
    if column.levels is not None:
        loans, bads_of = np.bincount(column.levels), np.bincount(column.levels, target)
        order = np.argsort(bads_of / np.maximum(loans, 1))
        found.append((auc_of_levels(loans[order], bads_of[order]), everyone))
    best = [(max(area, 1 - area), counts) for area, counts in found if area is not None]
    return max(((auc_lower_bound(area, *counts), area) for area, counts in best), default=None)


def _copy_alarm(name: str, outcome: str, verb: str) -> LeakAlarm:
    return LeakAlarm(
        f"Column {name} {verb} {outcome}, which is known only after origination, so training is "
        f"refused; remove {name} from the inputs."
    )
