"""Population drift: PSI of the score and CSI of each input, month by month (methodology 2.12)."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

DECILES: Final = 10
# Columns with fewer distinct values are compared level by level: decile edges would collapse.
MAX_LEVELS: Final = 10
ADDED_TO_ZERO_CELLS: Final = 0.5
# Rules of thumb of the field; the chi-squared bound is given with them because it depends on n.
WATCH: Final = 0.10
ACT: Final = 0.25
SIGNIFICANCE: Final = 0.95


def population_stability_index(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Sum of (a - e) ln(a / e) over bins of counts; None if a sample is empty.

    A bin that is empty in one sample gets half a loan more in both, as counts; a bin that is empty
    in both says nothing.
    """
    development, current = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    if development.sum() == 0 or current.sum() == 0:
        return None
    kept = development + current > 0
    half = ADDED_TO_ZERO_CELLS * ((development == 0) | (current == 0))[kept]
    e, a = development[kept] + half, current[kept] + half
    return float(scipy.stats.entropy(a, e) + scipy.stats.entropy(e, a))


def critical_value(bins: int, development_loans: int, current_loans: int) -> float | None:
    """PSI above which two samples of these sizes differ at 95%."""
    if min(bins - 1, development_loans, current_loans) <= 0:
        return None
    return float(scipy.stats.chi2.ppf(SIGNIFICANCE, bins - 1)) * (
        1 / development_loans + 1 / current_loans
    )


@dataclass(frozen=True)
class Reference:
    """The bins of one column, and the share of the development loans in each."""

    edges: Floats | None
    levels: tuple[Any, ...]
    counts: NDArray[np.int64]


def reference(development: pl.Series) -> Reference:
    """Decile edges of development, or the levels seen there."""
    edges, levels = None, ()
    if development.dtype.is_numeric() and development.n_unique() >= MAX_LEVELS:
        shares = np.arange(1, DECILES) / DECILES
        edges = np.unique(np.quantile(development.drop_nulls().to_numpy(), shares))
    else:
        levels = tuple(development.drop_nulls().unique().sort().to_list())
    return Reference(edges, levels, _counts(development, edges, levels))


def stability(before: Reference, current: pl.Series) -> dict[str, Any]:
    """PSI of one column with its critical value, the sample sizes and a verdict."""
    now = _counts(current, before.edges, before.levels)
    psi = population_stability_index(before.counts, now)
    development_loans, loans = int(before.counts.sum()), int(now.sum())
    bins = int(((before.counts + now) > 0).sum())
    critical = critical_value(bins, development_loans, loans)
    return {
        "psi": psi,
        "critical_value": critical,
        "development_loans": development_loans,
        "loans": loans,
        "verdict": _verdict(psi, critical),
    }


def drift_rows(
    development: pl.DataFrame, current: pl.DataFrame, months: pl.Series
) -> list[dict[str, Any]]:
    """One row per month of `months` (aligned with `current`) and column of both frames."""
    references = {name: reference(development[name]) for name in development.columns}
    by_month = current.with_columns(months.alias("month")).partition_by("month", as_dict=True)
    return [
        {"month": key[0], "variable": name, **stability(before, by_month[key][name])}
        for key in sorted(by_month)
        for name, before in references.items()
    ]


def _counts(column: pl.Series, edges: Floats | None, levels: tuple[Any, ...]) -> NDArray[np.int64]:
    """Loans per bin; the bin of missing values comes last, that of other levels before it."""
    if edges is not None:
        values = column.to_numpy()
        numbers = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
        return np.bincount(numbers, minlength=len(edges) + 2)
    numbered = {level: number for number, level in enumerate(levels)}
    coded = column.replace_strict(numbered, default=len(levels), return_dtype=pl.Int64)
    coded = coded.set(column.is_null(), len(levels) + 1)
    return np.bincount(coded.to_numpy(), minlength=len(levels) + 2)


def _verdict(psi: float | None, critical: float | None) -> str:
    """The rule of thumb, unless so few loans differ as much by chance."""
    if psi is None:
        return "unknown"
    if critical is not None and psi <= critical:
        return "stable"
    return "stable" if psi < WATCH else "watch" if psi < ACT else "act"
