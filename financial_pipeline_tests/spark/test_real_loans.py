"""Credit metrics on the real loans of 2007 to 2011: grade table, vintage values, correlations."""

import csv
import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.spark.default_rates_by_grade import default_rates_by_grade
from financial_pipeline.spark.macro_correlations import macro_correlations
from financial_pipeline.spark.vintage_curves import vintage_curves
from financial_pipeline_tests.spark.conftest import Frame, collect
from financial_pipeline_tests.spark.tiny_world import FOREVER, months_after

LAG = 5
FIRST, LAST, SNAPSHOT = date(2007, 4, 1), date(2011, 12, 1), date(2017, 9, 1)
# Methodology 1.6 (a): matured loans and defaults by grade.
GRADES = {
    "A": (10_085, 602),
    "B": (12_035, 1_433),
    "C": (8_111, 1_356),
    "D": (5_325, 1_130),
    "E": (2_858, 725),
    "F": (1_054, 323),
    "G": (318, 101),
}
# Section 2: per cent of all loans defaulted by month on book.
CURVES = {
    36: {6: 0.29, 12: 2.30, 18: 4.67, 24: 6.81, 30: 8.78, 36: 10.30},
    60: {6: 0.31, 12: 3.40, 18: 7.41, 24: 10.71, 30: 13.90, 36: 16.17, 48: 20.14, 60: 22.48},
}


@pytest.fixture(scope="module")
def loans(shared_data: Path) -> pl.DataFrame:
    path = shared_data / "lendingclub" / "LoanStats3a_REBUILT.csv.gz"
    wanted = ("term", "grade", "issue_d", "loan_status", "last_pymnt_d", "funded_amnt")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        next(lines)
        rows = csv.DictReader(lines)
        read = [[row[name] for name in wanted] for row in rows if row["loan_status"]]
    text = pl.DataFrame(read, schema=dict.fromkeys(wanted, pl.String), orient="row")
    return _typed(text)


def _typed(text: pl.DataFrame) -> pl.DataFrame:
    """The columns of fct_loans that the metrics read, by the rules of methodology 1.3 and 1.4."""
    status = pl.col("loan_status")
    typed = text.select(
        grade="grade",
        term_months=pl.col("term").str.extract(r"(\d+)").cast(pl.Int32),
        issue_month=pl.col("issue_d").str.to_date("%b-%Y"),
        paid_month=pl.col("last_pymnt_d").replace("", None).str.to_date("%b-%Y"),
        funded_amount_usd=pl.col("funded_amnt").cast(pl.Decimal(18, 2)),
        credit_policy_met=~status.str.starts_with("Does not meet"),
        is_bad=status.str.ends_with("Charged Off"),
    )
    paid = (
        (pl.col("paid_month").dt.year() - pl.col("issue_month").dt.year()) * 12
        + pl.col("paid_month").dt.month().cast(pl.Int32)
        - pl.col("issue_month").dt.month().cast(pl.Int32)
    ).fill_null(0)
    last = pl.col("term_months") + LAG
    duration = pl.when("is_bad").then((paid + LAG).clip(1, last)).otherwise(paid.clip(1))
    flag = pl.when("credit_policy_met").then(pl.col("is_bad").cast(pl.Int16))
    early = pl.col("is_bad") & (pl.col("duration_months") <= 12)
    return typed.with_columns(duration_months=duration.cast(pl.Int32)).with_columns(
        snapshot_month=pl.lit(SNAPSHOT),
        is_active=pl.lit(False),
        loan_state=pl.when("is_bad").then(pl.lit("BAD")).otherwise(pl.lit("PAID")),
        **{f"default_{name}": flag for name in ("d0", "d1", "d2", "d3_24")},
        default_d3_12=pl.when("credit_policy_met").then(early.cast(pl.Int16)),
    )


def test_default_rates_by_grade_equal_the_reference(frame: Frame, loans: pl.DataFrame) -> None:
    assert loans.height == 42_535
    rows = collect(default_rates_by_grade(frame(loans), FIRST, LAST)).filter(definition="D1")
    counted = rows.group_by("grade").agg(pl.col("loans", "defaults").sum())
    assert {row[0]: row[1:] for row in counted.iter_rows()} == GRADES
    assert (rows["loans"].sum(), rows["defaults"].sum()) == (39_786, 5_670)


@pytest.mark.parametrize("term", [36, 60])
def test_vintage_curve_equals_the_reference(frame: Frame, loans: pl.DataFrame, term: int) -> None:
    curves = collect(vintage_curves(frame(loans), FIRST, LAST, default_lag_months=LAG))
    whole = curves.filter(grade="all", term_months=term)
    for month, expected in CURVES[term].items():
        rows = whole.filter(months_on_book=month)
        rate = 100 * rows["cumulative_defaults"].sum() / rows["loans"].sum()
        assert rate == pytest.approx(expected, abs=0.0051), f"month {month}"


def _performance(loans: pl.DataFrame) -> pl.DataFrame:
    rows = loans.with_columns(
        months_on_book=pl.int_ranges(1, pl.col("duration_months") + 1, dtype=pl.Int32)
    ).explode("months_on_book")
    is_last = pl.col("months_on_book") == pl.col("duration_months")
    return rows.select(
        "months_on_book",
        "term_months",
        "grade",
        performance_month=months_after("issue_month", "months_on_book"),
        default_event=(is_last & pl.col("is_bad")).cast(pl.Int16),
    )


def _unemployment(shared_data: Path) -> pl.DataFrame:
    """UNRATE of the newest vintage, dated by the release rule, and its change in a year."""
    path = shared_data / "fred_csv" / "observation_date_1990_2026" / "UNRATE.csv"
    level = pl.read_csv(path, try_parse_dates=True).select(
        "observation_date", value=pl.col("UNRATE").cast(pl.Float64)
    )
    before = level.select(pl.col("observation_date").dt.offset_by("12mo"), before="value")
    change = level.join(before, on="observation_date").select(
        "observation_date", value=pl.col("value") - pl.col("before")
    )
    both = [
        level.with_columns(indicator_id=pl.lit("unrate")),
        change.with_columns(indicator_id=pl.lit("unrate_change_12m")),
    ]
    return pl.concat(both).with_columns(
        realtime_start=pl.col("observation_date").dt.offset_by("1mo9d"),
        realtime_end=pl.lit(FOREVER),
    )


def test_correlations_with_unemployment_equal_the_reference(
    frame: Frame, loans: pl.DataFrame, shared_data: Path
) -> None:
    prices = pl.DataFrame(
        schema={"symbol": pl.String, "session_date": pl.Date, "adjusted_close": pl.Float64}
    )
    marts = loans, _performance(loans), _unemployment(shared_data), prices
    rows = collect(
        macro_correlations(*map(frame, marts), SNAPSHOT, SNAPSHOT, default_lag_months=LAG)
    ).filter(credit_series="D1", method="pearson")
    found = {
        (row["macro_series"], row["lag_months"]): row["correlation"]
        for row in rows.filter(months=48).iter_rows(named=True)
    }
    assert found["unrate", 0] == pytest.approx(-0.650, abs=0.005)
    assert found["unrate_change_12m", -12] == pytest.approx(0.646, abs=0.005)
    # Unemployment lagged one month, as it was known when the loans were made.
    assert found["unrate", 1] == pytest.approx(-0.660, abs=0.005)
    assert found["unrate_change_12m", -11] == pytest.approx(0.619, abs=0.005)
