"""The effect of a threshold: decline when PD >= t, counted and priced (methodology 1.8).

The table is computed once on a grid of thresholds; reading any of them is one index, however many
loans it covers. Money is dollars, rates and thresholds are fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GRID_STEPS: Final = 1000
THRESHOLDS: Final[Floats] = np.arange(GRID_STEPS + 1) / GRID_STEPS
# The profit curve is flat around its top, so a band is shown and not a point.
BAND_SHARE: Final = 0.01
RESAMPLES: Final = 200
INTERVAL: Final = (0.025, 0.975)
# Columns of `fct_loans` that the economics need, in addition to the outcome.
CASH_COLUMNS: Final = (
    "funded_amount_usd",
    "interest_received_usd",
    "late_fees_received_usd",
    "total_payment_usd",
    "collection_recovery_fee_usd",
)


@dataclass(frozen=True)
class LoanCash:
    """The outcome of each loan: arrays of the same length, one entry per matured loan.

    `gain` is (interest + late fees) / funded, `loss` is 1 - (total payment - collection fee) /
    funded; a good loan earns funded * gain, a bad one loses funded * loss.
    """

    funded: Floats
    gain: Floats
    loss: Floats
    is_bad: NDArray[np.bool_]

    @property
    def realised(self) -> Floats:
        """Profit of each loan as it turned out, in dollars."""
        return self.funded * np.where(self.is_bad, -self.loss, self.gain)

    def take(self, rows: NDArray[np.intp]) -> "LoanCash":
        """The cash of some of the loans, by row number."""
        return LoanCash(self.funded[rows], self.gain[rows], self.loss[rows], self.is_bad[rows])


@dataclass(frozen=True)
class Prices:
    """Gain of good loans and loss of bad ones per funded dollar."""

    gain: float
    loss: float

    @property
    def break_even_pd(self) -> float:
        """The PD at which a loan earns nothing: g / (g + L)."""
        return self.gain / (self.gain + self.loss)

    def expected(self, funded: Floats, pd: Floats) -> Floats:
        """Profit of each loan that the model expects, in dollars."""
        return funded * ((1 - pd) * self.gain - pd * self.loss)


def loan_cash(loans: pl.DataFrame) -> LoanCash:
    """Cash of D1 loans from columns of `fct_loans`; `default_d1` is the outcome.

    A loan of which nothing was funded earns and loses nothing.
    """
    money = {name: loans[name].cast(pl.Float64).to_numpy() for name in CASH_COLUMNS}
    funded = money["funded_amount_usd"]

    def per_dollar(amount: Floats, otherwise: float) -> Floats:
        return np.divide(amount, funded, out=np.full(len(funded), otherwise), where=funded > 0)

    received = money["interest_received_usd"] + money["late_fees_received_usd"]
    returned = money["total_payment_usd"] - money["collection_recovery_fee_usd"]
    return LoanCash(
        funded,
        per_dollar(received, 0.0),
        1 - per_dollar(returned, 1.0),
        loans["default_d1"].to_numpy() == 1,
    )


def prices(cash: LoanCash) -> Prices | None:
    """Gain and loss per funded dollar over a cohort; None if a class has no dollar.

    None also if both cancel out: no PD is then the break-even one.
    Dollar-weighted, as the reference values of methodology 1.8 are (0.211 and 0.416).
    """
    bad = cash.is_bad
    if min(cash.funded[~bad].sum(), cash.funded[bad].sum()) <= 0:
        return None
    gain = np.average(cash.gain[~bad], weights=cash.funded[~bad])
    loss = np.average(cash.loss[bad], weights=cash.funded[bad])
    return Prices(float(gain), float(loss)) if gain + loss != 0 else None


def grid_cells(pd: Floats) -> NDArray[np.int64]:
    """For each PD the index of the highest threshold at or below it."""
    return np.searchsorted(THRESHOLDS, pd, side="right") - 1


def threshold_table(pd: Floats, cash: LoanCash, at: Prices) -> pl.DataFrame:
    """One row per threshold 0.000 ... 1.000: confusion matrix, rates, and profit of the approved.

    tp are bads declined, fp goods declined, fn bads approved, tn goods approved. Rates without a
    denominator are null.
    """
    cells = grid_cells(pd)
    bads, goods = _approved(cells, cash.is_bad), _approved(cells, ~cash.is_bad)
    table = pl.DataFrame(
        {
            "threshold": THRESHOLDS,
            "tn": goods.astype(np.int64),
            "fn": bads.astype(np.int64),
            "funded_approved_usd": _approved(cells, cash.funded),
            "profit_realised_usd": _approved(cells, cash.realised),
            "profit_expected_usd": _approved(cells, at.expected(cash.funded, pd)),
        }
    )
    all_bad, all_good = int(cash.is_bad.sum()), int((~cash.is_bad).sum())
    tp, fp = all_bad - pl.col("fn"), all_good - pl.col("tn")
    approved = pl.col("tn") + pl.col("fn")
    return table.with_columns(
        tp=tp,
        fp=fp,
        approved=approved,
        approval_rate=approved / len(pd),
        bad_rate_approved=_ratio(pl.col("fn"), approved),
        bads_caught=_ratio(tp, pl.lit(all_bad)),
        goods_declined=_ratio(fp, pl.lit(all_good)),
        precision=_ratio(tp, tp + fp),
        f1=_ratio(2 * tp, 2 * tp + fp + pl.col("fn")),
    )


def threshold_row(table: pl.DataFrame, threshold: float) -> dict[str, Any]:
    """The row of a threshold, found by its index; thresholds are read to three decimals."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"A threshold is a probability, not {threshold}.")
    return table.row(round(threshold * GRID_STEPS), named=True)


def decision_cost(
    row: dict[str, Any], cost_bad_approved: float, cost_good_declined: float
) -> float:
    """Cost of one threshold's errors under a cost matrix (dollars per loan of each kind)."""
    return float(row["fn"] * cost_bad_approved + row["fp"] * cost_good_declined)


def threshold_for_capacity(table: pl.DataFrame, max_approved: int) -> float:
    """The highest threshold that approves at most `max_approved` loans; approvals grow with it."""
    fitting = int(np.searchsorted(table["approved"].to_numpy(), max_approved, side="right"))
    return float(THRESHOLDS[max(fitting - 1, 0)])


def best_band(profit: Floats) -> tuple[float, float, float]:
    """Best threshold, and the ends of the range around it that earns within 1% of the best."""
    best = int(np.argmax(profit))
    good = profit >= profit[best] - BAND_SHARE * abs(profit[best])
    low, high = best, best
    while low > 0 and good[low - 1]:
        low -= 1
    while high < GRID_STEPS and good[high + 1]:
        high += 1
    return float(THRESHOLDS[best]), float(THRESHOLDS[low]), float(THRESHOLDS[high])


def best_thresholds(pds: Sequence[Floats], cash: LoanCash, seed: int) -> list[dict[str, float]]:
    """Best threshold of each model by realised profit, its band, and bootstrap 95% intervals.

    `pds` has the probabilities of each model for the same loans, which every model is resampled
    alike: by Poisson weights, which for many loans equals drawing with replacement. The profit
    interval is that of the chosen threshold, not of each resample's best.
    """
    realised = cash.realised
    cells = [grid_cells(pd) for pd in pds]
    profits = [_approved(of_model, realised) for of_model in cells]
    rng = np.random.default_rng(seed)
    draws = np.empty((RESAMPLES, len(pds), 2))
    for draw in draws:
        weighed = realised * rng.poisson(1.0, len(realised))
        for row, of_model, profit in zip(draw, cells, profits, strict=True):
            resampled = _approved(of_model, weighed)
            row[:] = THRESHOLDS[int(np.argmax(resampled))], resampled[int(np.argmax(profit))]
    intervals = np.quantile(draws, INTERVAL, axis=0)
    return [_summary(profit, *intervals[:, model]) for model, profit in enumerate(profits)]


def _summary(profit: Floats, low: Floats, high: Floats) -> dict[str, float]:
    """The figures of one model; `low` and `high` bound its best threshold and its profit."""
    best, band_low, band_high = best_band(profit)
    return {
        "best_threshold": best,
        "band_low": band_low,
        "band_high": band_high,
        "best_threshold_low": float(low[0]),
        "best_threshold_high": float(high[0]),
        "best_profit_usd": float(profit.max()),
        "best_profit_low_usd": float(low[1]),
        "best_profit_high_usd": float(high[1]),
    }


def _approved(cells: NDArray[np.int64], amounts: NDArray[Any]) -> Floats:
    """Sum of `amounts` over the loans with a PD below each threshold."""
    sums = np.bincount(cells, weights=amounts, minlength=GRID_STEPS + 1)
    return np.concatenate([[0.0], np.cumsum(sums)[:-1]])


def _ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part / whole)
