"""The metrics benchmark computes on both engines, on a small world, and reports one form."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.bench import metric_marts, metrics
from financial_pipeline.spark.loan_cells import LOAN_COLUMNS


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("metric", "in_order"), [("default_rates_by_grade", False), ("vintage_curves", True)]
)
def test_metrics_benchmark_reports_both_engines(
    metric: str, in_order: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    result = metrics.run([2_000], metrics=[metric], seed=1, in_order=in_order)
    assert list(result) == "name master load_average spark_start_seconds metrics slopes".split()
    (row,) = result["metrics"]
    names = "loans metric rows spark_seconds duckdb_seconds ratio spark_peak_mb duckdb_peak_mb"
    assert list(row) == [*names.split(), "agrees"]
    assert row["agrees"]
    assert row["rows"] > 1_000
    # The JVM counts, and it alone takes more than DuckDB.
    assert row["spark_peak_mb"] > row["duckdb_peak_mb"] > 50
    assert result["slopes"] == []
    assert list((tmp_path / "bench").iterdir()) == []


def test_slope_runs_from_the_smallest_book_to_the_largest() -> None:
    rows = [
        {"metric": name, "loans": loans, "spark_seconds": spark, "duckdb_seconds": duckdb}
        for name, loans, spark, duckdb in [
            ("vintage_curves", 2_100_000, 7.0, 2.1),
            ("vintage_curves", 100_000, 3.0, 0.1),
            ("vintage_curves", 500_000, 9.0, 9.0),
            ("market_risk", 0, 5.0, 1.0),
        ]
    ]
    assert metrics.slopes(rows) == [
        {
            "metric": "vintage_curves",
            "spark_seconds_per_million_loans": 2.0,
            "duckdb_seconds_per_million_loans": 1.0,
        }
    ]


def test_simulated_marts_tell_each_loans_life_once(tmp_path: Path) -> None:
    metric_marts.write_loan_marts(tmp_path, 2_000, 1)
    loans, months = (
        pl.read_parquet(tmp_path / name / "*.parquet")
        for name in ("fct_loans", "fct_loan_performance_monthly")
    )
    assert set(LOAN_COLUMNS) <= set(loans.columns)
    assert loans["loan_key"].n_unique() == loans.height == 2_000
    ends = months.group_by("loan_key").agg(
        pl.col("default_event").sum(), pl.col("loan_state").last(), pl.len()
    )
    lives = loans.join(ends, on="loan_key", validate="1:1")
    bad = lives["loan_state"] == "BAD"
    assert 100 < bad.sum() < 500
    assert (lives["default_event"] == bad.cast(pl.Int16)).all()
    assert (lives["loan_state"] == lives["loan_state_right"]).all()
    assert (lives["ead_usd"].is_not_null() == bad).all()
