"""Credit formulas on the golden vectors G5 (HHI), G6 and G9 (methodology section 9)."""

from datetime import date

import polars as pl
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from financial_pipeline.spark.amortisation import annuity_payment, yearly
from financial_pipeline.spark.inference import wilson
from financial_pipeline.spark.portfolio_summary import concentration
from financial_pipeline.spark.vintage_curves import vintage_curves
from financial_pipeline_tests.spark.conftest import Frame, collect

MONTH = date(2010, 1, 1)
G9_DURATIONS = [3, 5, 5, 8, 10, 12, 12, 12]
G9_EVENTS = [1, 0, 1, 1, 0, 0, 1, 0]


def g9_loans() -> pl.DataFrame:
    states = ["BAD" if event else "CURRENT" for event in G9_EVENTS]
    return pl.DataFrame(
        {
            "issue_month": MONTH,
            "snapshot_month": date(2011, 6, 1),
            "grade": "A",
            "term_months": 36,
            "credit_policy_met": True,
            "loan_state": states,
            "duration_months": G9_DURATIONS,
        },
        schema_overrides={"term_months": pl.Int32, "duration_months": pl.Int32},
    )


def curve(frame: Frame, loans: pl.DataFrame) -> pl.DataFrame:
    rows = collect(vintage_curves(frame(loans), MONTH, MONTH, default_lag_months=5))
    return rows.filter(grade="A").sort("months_on_book")


def test_kaplan_meier_survival_equals_g9(frame: Frame) -> None:
    rows = curve(frame, g9_loans())
    survival = dict(zip(rows["months_on_book"], rows["kaplan_meier_survival"], strict=True))
    assert [survival[month] for month in (3, 5, 8, 12)] == pytest.approx(
        [0.875, 0.75, 0.6, 0.4], abs=1e-12
    )


def test_vintage_curve_has_a_fixed_denominator_and_stops_where_it_is_observed(
    frame: Frame,
) -> None:
    rows = curve(frame, g9_loans())
    assert rows["months_on_book"].to_list() == list(range(1, 13))
    assert set(rows["loans"]) == {8}
    assert rows["cumulative_defaults"].to_list() == [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4]
    assert rows["default_rate"][-1] == 0.5
    # One month less of observation takes one point away.
    earlier = g9_loans().with_columns(snapshot_month=pl.lit(date(2011, 5, 1)))
    assert curve(frame, earlier)["months_on_book"].max() == 11


def test_cumulative_incidence_treats_payoff_as_a_competing_event(frame: Frame) -> None:
    paid = g9_loans().with_columns(
        loan_state=pl.when(pl.col("loan_state") == "CURRENT")
        .then(pl.lit("PAID"))
        .otherwise("loan_state")
    )
    last = curve(frame, paid).row(-1, named=True)
    # Nobody is censored, so the incidence is the plain share of defaults.
    assert last["cumulative_incidence"] == pytest.approx(0.5, abs=1e-12)
    assert 1 - last["kaplan_meier_survival"] == pytest.approx(0.6, abs=1e-12)


def test_vintages_without_observable_months_have_no_point(frame: Frame) -> None:
    young = g9_loans().with_columns(snapshot_month=pl.lit(date(2010, 6, 1)))
    assert curve(frame, young).is_empty()


def test_annuity_and_prepayment_rate_equal_g6(spark: SparkSession) -> None:
    row = collect(
        spark.range(1).select(
            annuity_payment(F.lit(10_000.0), F.lit(0.12), F.lit(36)).alias("payment"),
            annuity_payment(F.lit(9_000.0), F.lit(0.0), F.lit(36)).alias("free"),
            yearly(F.lit(0.01)).alias("cpr"),
        )
    )
    payment = row["payment"][0]
    assert payment == pytest.approx(332.14309812851167, abs=1e-12, rel=1e-14)
    growth = 1.01**12
    assert 10_000 * growth - payment * (growth - 1) / 0.01 == pytest.approx(7055.84445849227)
    assert row["free"][0] == 250.0
    assert row["cpr"][0] == pytest.approx(0.11361512828387077, abs=1e-12)


def test_herfindahl_index_equals_g5(frame: Frame) -> None:
    issued = pl.DataFrame(
        {
            "issue_month": MONTH,
            "grade": ["A", "B", "C"],
            "addr_state": ["CA", "CA", "CA"],
            "purpose": ["car", "car", None],
            "funded_amnt": [500.0, 300.0, 200.0],
        }
    )
    months = frame(pl.DataFrame({"snapshot_month": [MONTH]}))
    rows = collect(concentration(frame(issued), months))
    index = {
        row["segment_kind"]: row["numerator"]
        for row in rows.filter(measure="hhi_funded").iter_rows(named=True)
    }
    assert index["grade"] == pytest.approx(0.38, abs=1e-12)
    assert index["state"] == 1.0


def test_wilson_interval_equals_its_formula_and_is_null_without_trials(
    spark: SparkSession,
) -> None:
    rate = wilson(F.lit(602), F.lit(10_085))
    none = wilson(F.lit(0), F.lit(0))
    row = collect(spark.range(1).select(*(c.alias(f"c{i}") for i, c in enumerate([*rate, *none]))))
    # statsmodels proportion_confint(602, 10085, method="wilson").
    assert row.row(0)[:3] == pytest.approx((0.05969261279, 0.05523423976, 0.06448629146), abs=1e-9)
    assert row.row(0)[3:] == (None, None, None)
