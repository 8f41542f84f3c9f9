"""The fairness proxy screen of methodology 2.18: a screen, not a compliance finding."""

from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from financial_pipeline.ml import decide
from financial_pipeline.ml.populations import columns_of, out_of_time
from financial_pipeline.ml.train import DefaultModel

WORDING: Final = (
    "This is a screen, not a compliance finding. The file holds no protected attribute; state and "
    "income band are only proxies, and geography is not a feature of the model. A ratio below "
    "0.80 (four-fifths rule) or a gap asks for a closer look by people; it proves nothing, and a "
    "clean screen proves nothing either."
)
FOUR_FIFTHS: Final = 0.80
MIN_GROUP_LOANS: Final = 500
INCOME_BANDS_USD: Final = (30_000, 50_000, 75_000, 100_000, 150_000)


def income_band(income: pl.Series) -> pl.Series:
    """Yearly income in dollars as a band, e.g. "30000-50000"; null stays null."""
    ends = [str(edge) for edge in INCOME_BANDS_USD]
    inner = [f"{low}-{high}" for low, high in pairwise(ends)]
    labels = pl.Series([f"under {ends[0]}", *inner, f"{ends[-1]} and over"])
    position = pl.Series(INCOME_BANDS_USD, dtype=pl.Float64).search_sorted(
        income.cast(pl.Float64).fill_null(0), side="right"
    )
    return labels.gather(position).set(income.is_null(), None).alias("income_band")


def screen(
    cohort: pl.DataFrame,
    applications: pl.LazyFrame,
    loans: pl.LazyFrame,
    cutoff: date,
    model: DefaultModel,
) -> list[dict[str, Any]]:
    """Return the screen of the test loans, at the break-even PD of the training loans.

    `cohort` is the training set of the cut-off, the others are `fct_loan_applications` and
    `fct_loans`. Empty if the training loans give no break-even PD.
    """
    split = out_of_time(cohort, cutoff)
    trained = cohort.filter(pl.Series(split.train))
    money = loans.select("loan_key", *decide.CASH_COLUMNS)
    prices = decide.prices(decide.loan_cash(columns_of(trained, money)))
    tested = cohort.filter(pl.Series(split.test))
    if prices is None or tested.is_empty():
        return []
    known = applications.select("loan_key", "addr_state", "income_effective")
    proxies = columns_of(tested, known)
    groups = proxies.select("addr_state").with_columns(income_band(proxies["income_effective"]))
    target = tested["default_d1"].to_numpy()
    return fairness_rows(target, model.predict(tested), groups, prices.break_even_pd)


def fairness_rows(
    target: NDArray[np.int8], pd: NDArray[np.float64], groups: pl.DataFrame, threshold: float
) -> list[dict[str, Any]]:
    """One row per level of each column of `groups`, at "decline if PD >= threshold".

    `approval_ratio` is against the group with the highest approval rate, `bads_caught_gap` and
    `calibration_gap` (mean PD less default rate) against all loans. Groups under 500 loans have
    their count only.
    """
    frame = groups.with_columns(target=target, pd=pd, approved=pd < threshold)
    overall = _bads_caught(frame)
    rows = []
    for proxy in groups.columns:
        parts = frame.drop_nulls(proxy).partition_by(proxy, as_dict=True)
        large = [part for part in parts.values() if part.height >= MIN_GROUP_LOANS]
        best = max((_mean(part, "approved") for part in large), default=0.0)
        for (level,), part in sorted(parts.items(), key=lambda item: str(item[0][0])):
            figures = _figures(part, best, overall) if part.height >= MIN_GROUP_LOANS else {}
            rows.append(
                {**_EMPTY, "proxy": proxy, "level": str(level), "n": part.height, **figures}
            )
    return rows


_EMPTY: Final[dict[str, Any]] = {
    "proxy": "",
    "level": "",
    "n": 0,
    "approval_rate": None,
    "approval_ratio": None,
    "bads_caught_gap": None,
    "calibration_gap": None,
    "needs_a_look": None,
}


def _figures(part: pl.DataFrame, best: float, overall: float | None) -> dict[str, Any]:
    approval, caught = _mean(part, "approved"), _bads_caught(part)
    ratio = approval / best if best > 0 else None
    return {
        "approval_rate": approval,
        "approval_ratio": ratio,
        "bads_caught_gap": None if caught is None or overall is None else caught - overall,
        "calibration_gap": _mean(part, "pd") - _mean(part, "target"),
        "needs_a_look": ratio is not None and ratio < FOUR_FIFTHS,
    }


def _mean(frame: pl.DataFrame, column: str) -> float:
    return float(frame[column].cast(pl.Float64).to_numpy().mean())


def _bads_caught(frame: pl.DataFrame) -> float | None:
    bads = frame.filter(pl.col("target") == 1)
    return None if bads.is_empty() else 1 - _mean(bads, "approved")
