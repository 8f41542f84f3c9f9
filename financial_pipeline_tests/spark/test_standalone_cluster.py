"""All metrics on a real standalone cluster, and on Spark Connect: the same tables as `local[*]`."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.spark.compute_metrics import BUSY
from financial_pipeline_tests.spark.standalone import (
    connect_server,
    environment,
    standalone_cluster,
)

pytestmark = pytest.mark.slow

Files = dict[str, Path]
Rows = Callable[[str], pl.DataFrame]
PACKAGE = "financial_pipeline_tests.spark"


def compute(marts: Path, results: Path, *names: str, **variables: str) -> Iterator[str]:
    """Compute the metrics (default: all) in a process with these variables; return its output."""
    return said_by("compute_metrics", marts, results, *names, **variables)


def said_by(
    module: str, source: Path, results: Path, *names: str, **variables: str
) -> Iterator[str]:
    """The lines of a process that runs a module of this package with these variables."""
    results.mkdir()
    errors = results.with_suffix(".err")
    with errors.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{PACKAGE}.{module}", str(source), str(results), *names],
            stdout=subprocess.PIPE,
            stderr=written,
            env=environment(**variables),
            cwd=PROJECT_ROOT,
            text=True,
        )
        try:
            assert process.stdout is not None
            yield from process.stdout
            assert process.wait() == 0, errors.read_text()
        finally:
            process.kill()


def assert_equal_metrics(results: Path, local: Rows) -> None:
    for name, table in METRIC_TABLES.items():
        ours, expected = pl.read_parquet(results / f"{name}.parquet"), local(name)
        assert expected.height > 0
        # Doubles may differ in their last digits; integers, labels and decimals are equal.
        assert_frame_equal(
            ours.sort(table.keys), expected.sort(table.keys), rel_tol=1e-9, abs_tol=1e-12
        )


@pytest.mark.nightly
def test_cluster_gives_the_same_tables_though_a_worker_dies(
    mart_files: Files, metric_rows: Rows, tmp_path: Path
) -> None:
    marts, results = mart_files["fct_loans"].parent, tmp_path / "results"
    said = []
    with standalone_cluster(tmp_path) as cluster:
        memory = {"SPARK_EXECUTOR_MEMORY": "512m", "SPARK_DRIVER_MEMORY": "1g"}
        for line in compute(marts, results, SPARK_MASTER=cluster.master, **memory):
            said.append(line.strip())
            if said[-1] == BUSY:
                assert cluster.workers[0].kill() >= 1
    assert said[:-1] == [BUSY]
    executors = [one for one in json.loads(said[-1]) if one["id"] != "driver"]
    assert all(executor["completedTasks"] > 0 for executor in executors)
    assert sorted(executor["isActive"] for executor in executors) == [False, True]
    assert_equal_metrics(results, metric_rows)


def test_spark_connect_gives_the_same_tables_without_a_java_of_its_own(
    mart_files: Files, metric_rows: Rows, tmp_path: Path
) -> None:
    marts, results = mart_files["fct_loans"].parent, tmp_path / "results"
    with connect_server(tmp_path) as master:
        said = list(compute(marts, results, SPARK_MASTER=master, JAVA_HOME="nowhere"))
    assert_equal_metrics(results, metric_rows)
    assert said[-1] == "[]\n"
