"""The figures of the Decide page: one model's threshold table over one group of loans."""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from financial_pipeline.dashboard.elements import Card, dollars, number, percent
from financial_pipeline.ml import decide

TABLE: Final = "ml/threshold_table"
SUMMARY: Final = "ml/threshold_summary"
# Costs are offered in steps of this many dollars.
COST_STEP_USD: Final = 100

SUMMARIES = """
select *
from ml.threshold_summary
qualify training_cutoff = max(training_cutoff) over ()
order by model, segment, level
"""
ROWS = """
select * exclude (training_cutoff, model, segment, level)
from ml.threshold_table
where
    model = $model and segment = $segment and level = $level
    and training_cutoff = (select max(training_cutoff) from ml.threshold_summary)
order by threshold
"""


@dataclass(frozen=True)
class View:
    """The reader's choice of a model and a group of loans: summary row and threshold table."""

    summary: dict[str, Any]
    table: pl.DataFrame


def segments(summary: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Return segment and level by the name of each group of loans; all loans first."""
    pairs = sorted(summary.select("segment", "level").rows(), key=lambda pair: pair[0] != "all")
    return {"all" if kind == "all" else f"{kind} {level}": (kind, level) for kind, level in pairs}


def cost_per_loan(view: View) -> tuple[int, int]:
    """Return the loss of a bad and the forgone gain of a good average loan, in dollars."""
    last = view.table.row(-1, named=True)
    average = last["funded_approved_usd"] / max(last["approved"], 1)
    loss, gain = (average * view.summary[name] for name in ("loss", "gain"))
    return _round_to_step(loss), _round_to_step(gain)


def cheapest(frame: pl.DataFrame, bad: float, good: float) -> tuple[float, float]:
    """Return the threshold with the least cost of errors, and that cost in dollars."""
    cost = frame.select(pl.col("fn") * bad + pl.col("fp") * good).to_series()
    best = int(cost.arg_min() or 0)
    return float(frame["threshold"][best]), float(cost[best])


def cards(view: View, row: dict[str, Any], bad: float, good: float) -> list[Card]:
    """Make the cards of one threshold: `row` of the table, `bad` and `good` dollars per error."""
    return [*_rates(view, row), *_money(view, row, bad, good)]


def _rates(view: View, row: dict[str, Any]) -> list[Card]:
    tested = f"n {view.summary['loans']:,} tested · cut-off {view.summary['training_cutoff']}"
    return [
        Card("Approval rate", percent(row["approval_rate"]), tested, "Approved of all."),
        Card(
            "Bad rate among approved",
            percent(row["bad_rate_approved"]),
            f"{row['fn']:,} bad of {row['approved']:,} approved",
            "Bad loans among the approved ones.",
        ),
        Card(
            "Bads caught",
            percent(row["bads_caught"]),
            f"{row['tp']:,} of {row['tp'] + row['fn']:,} bad loans",
            "True positive rate.",
        ),
        Card(
            "Goods declined",
            percent(row["goods_declined"]),
            f"{row['fp']:,} of {row['fp'] + row['tn']:,} good loans",
            "False positive rate.",
        ),
    ]


def _money(view: View, row: dict[str, Any], bad: float, good: float) -> list[Card]:
    best = view.summary
    at, least = cheapest(view.table, bad, good)
    span = f"{dollars(best['best_profit_low_usd'])} to {dollars(best['best_profit_high_usd'])}"
    return [
        Card(
            "Profit realised",
            dollars(row["profit_realised_usd"]),
            f"best {dollars(best['best_profit_usd'])} (95% bootstrap {span})",
            "Gains less losses of the approved loans as they turned out (methodology 1.8).",
        ),
        Card(
            "Profit expected",
            dollars(row["profit_expected_usd"]),
            f"gain {best['gain']:.3f}, loss {best['loss']:.3f} per dollar",
            "As the model expects it: its PD in place of the outcome.",
        ),
        Card(
            "Cost of errors",
            dollars(decide.decision_cost(row, bad, good)),
            f"least {dollars(least)} at {at:.3f}",
            "Bad loans approved and good ones declined, each at its cost.",
        ),
        Card(
            "Precision · F1",
            f"{number(row['precision'])} · {number(row['f1'])}",
            "bad among the declined",
            "F1 is the harmonic mean of precision and bads caught.",
        ),
    ]


def _round_to_step(dollars: float) -> int:
    return round(dollars / COST_STEP_USD) * COST_STEP_USD
