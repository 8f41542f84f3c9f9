"""The checks that people run alone: each passes on sound tables, and fails on one that is not."""

import os
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

from financial_pipeline.crosscheck.recompute import recompute
from financial_pipeline.defs import published_checks
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.metrics import METRIC_TABLES

LOANS, RATES = "exports/fct_loans", "metrics/default_rates_by_grade"
FLAGS = ("default_d0", "default_d1", "default_d2", "default_d3_12", "default_d3_24")
METRIC = METRIC_TABLES["default_rates_by_grade"]


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Two loans of one month, and their default rates, as a run that just ended left them."""
    found = Pipeline(data_root=str(tmp_path))
    loans = pl.DataFrame(
        {
            "loan_key": [1, 2],
            "issue_month": [date(2010, 1, 1)] * 2,
            "grade": ["A", "A"],
            "term_months": [36, 36],
            "snapshot_month": [date(2010, 2, 1)] * 2,
            "is_active": [False, False],
            "funded_amount_usd": [1000.0, 3000.0],
            "credit_policy_met": [True, True],
            **{flag: pl.Series([1, 0], dtype=pl.Int16) for flag in FLAGS},
        }
    )
    with duckdb.connect() as connection:
        relation = connection.from_arrow(loans.to_arrow())
        written = write_table(found.paths, MARTS["fct_loans"], relation)
    found.publication.register(written)
    month = date(2010, 1, 1)
    files = {"fct_loans": parquet_files(found.paths, written)}
    rows = recompute(METRIC, files, month, month, default_lag_months=5)
    found.publication.register(write_table(found.paths, METRIC, rows))
    return found


def rewrite(pipeline: Pipeline, key: str, column: str, value: object) -> None:
    """Change a column in the first file of a table, as a disk may: its time stays."""
    file, *_ = pipeline.publication.files(key)
    known, rows = file.stat(), pl.read_parquet(file)
    rows.with_columns(pl.lit(value, rows.schema[column]).alias(column)).write_parquet(file)
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))


def test_files_are_as_written_until_somebody_changes_one(pipeline: Pipeline) -> None:
    check = published_checks.mart_files_are_as_written
    assert check(pipeline, LOANS).passed
    rewrite(pipeline, LOANS, "grade", "B")
    found = check(pipeline, LOANS)
    assert not found.passed
    assert found.metadata["changed"].value == ["fct_loans-00000"]


def test_a_table_with_a_file_that_somebody_changed_fails_its_checks(pipeline: Pipeline) -> None:
    file, *_ = pipeline.publication.files(LOANS)
    pl.read_parquet(file).write_parquet(file, compression="snappy")
    key = dg.AssetCheckKey(dg.AssetKey(LOANS.split("/")), "files_are_as_written")
    checks = published_checks.published_checks().asset_checks or ()
    (check,) = (each for each in checks if key in each.check_keys)
    found = check(pipeline)
    assert not found.passed
    assert "exports/fct_loans" in found.description
    assert "missing or damaged" in found.description


def test_partitions_of_a_metric_are_as_written_until_a_file_is_lost(pipeline: Pipeline) -> None:
    check = published_checks.metric_files_are_as_written
    assert check(pipeline, RATES).passed
    rewrite(pipeline, RATES, "default_rate", 0.25)
    found = check(pipeline, RATES)
    assert not found.passed
    assert found.metadata["changed"].value == ["2010-01-01"]


def test_published_rows_are_those_of_a_recomputation(pipeline: Pipeline) -> None:
    check = published_checks.published_rows_equal_their_recomputation
    found = check(pipeline, RATES)
    assert found.passed
    assert found.metadata["rows"].value == 5
    rewrite(pipeline, RATES, "default_rate", 0.25)
    found = check(pipeline, RATES)
    assert not found.passed
    assert found.metadata["disagreements"].value == {"default_rate": 5}


@pytest.mark.parametrize(("newest", "passed"), [("2019-03-29", True), ("2019-03-22", False)])
def test_prices_are_recent_if_they_have_the_last_session(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, newest: str, passed: bool
) -> None:
    key = "exports/fct_daily_prices"
    rows = pl.DataFrame({"symbol": ["JPM"], "session_date": [date.fromisoformat(newest)]})
    table = write_table(pipeline.paths, MARTS["fct_daily_prices"], rows)
    pipeline.publication.register(table)
    monkeypatch.setattr(
        published_checks,
        "world_now",
        lambda settings: published_checks.freshness.end_of(date(2019, 3, 31)),
    )
    found = published_checks.newest_event_is_recent(pipeline, key)
    assert found.passed is passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert "expected 2019-03-29 or later" in str(found.description)


def test_a_check_runs_alone(pipeline: Pipeline) -> None:
    definitions = dg.Definitions(
        assets=[dg.AssetSpec(["exports", name]) for name in MARTS]
        + [dg.AssetSpec(METRIC_KEY.split("/")) for METRIC_KEY in published_checks.METRIC_KEYS],
        asset_checks=list(published_checks.published_checks().asset_checks or ()),
        resources={"pipeline": pipeline},
        jobs=[
            dg.define_asset_job(
                "one",
                dg.AssetSelection.checks(
                    dg.AssetCheckKey(dg.AssetKey(["exports", "fct_loans"]), "files_are_as_written")
                ),
            )
        ],
    )
    # The run publishes nothing, so it reads what an earlier one published.
    published = Publication(pipeline.paths, "direct")
    assert published.registered()
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_job_def("one")
        done = job.execute_in_process(
            instance=instance, tags={"financial_pipeline/publication": "direct"}
        )
    (evaluation,) = done.get_asset_check_evaluations()
    assert evaluation.passed
