"""The dashboard benchmark opens every page over drawn loans, and reports one form."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.bench import dashboard
from financial_pipeline.bench.large_world import enlarge
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.views import connect
from financial_pipeline_tests.dashboard import whole, world

LOANS = 3_000


def test_dashboard_benchmark_reports_every_page_and_the_slider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole.write(tmp_path)
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    result = dashboard.run(LOANS, seed=1, rounds=1, moves=2)
    assert list(result) == [
        "name",
        "loans",
        "rounds",
        "moves",
        "pages",
        "slider",
        "filter",
        "page_limit",
        "slider_limit",
        "filter_limit",
        "within_limits",
        "load",
    ]
    assert list(result["pages"]) == list(dashboard.PAGES)
    for figures in (*result["pages"].values(), result["slider"], result["filter"]):
        assert 0 < figures["p50"] <= figures["p95"] <= figures["max"]
    assert list((tmp_path / "bench").iterdir()) == []


def test_drawn_world_has_as_many_loans_each_with_one_score(tmp_path: Path) -> None:
    source = whole.write(tmp_path / "source")
    paths = enlarge(Paths(source), tmp_path / "large", LOANS, 1)
    manifest = read_manifest(paths)
    with connect(paths, manifest) as connection:
        counted = connection.execute(
            "select count(*), count(distinct loan_id), count(distinct loan_key),"
            " count(score.training_cutoff)"
            " from marts.fct_loans left join ml.scores as score using (loan_key)"
        ).fetchone()
    assert counted == (LOANS, LOANS, LOANS, LOANS)
    assert manifest.world["loans"] == manifest.table("exports/fct_loans").rows == LOANS


def test_drawn_loans_are_whole_if_the_source_has_them_in_two_files(tmp_path: Path) -> None:
    source, key = Paths(whole.write(tmp_path / "source")), "exports/fct_loans"
    table = read_manifest(source).table(key)
    (file,) = parquet_files(source, table)
    rows = pl.read_parquet(file)
    rows.head(10).write_parquet(file)
    rows[10:].write_parquet(file.with_name("more.parquet"))
    publication.Publication(source, "test").register(replace(table, files=None))
    publication.publish(source, ["test"], world.SIMULATED)
    paths = enlarge(source, tmp_path / "large", LOANS, 1)
    assert parquet_files(paths, read_manifest(paths).table(key)) != []


def test_dashboard_benchmark_without_a_published_version_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    with pytest.raises(PipelineError, match="financial-pipeline demo"):
        dashboard.run(10, seed=1)
