"""2.3 million loans on a standalone cluster that loses a worker, and on one machine."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.bench.engines import TABLES, in_order, is_equal, stage_file
from financial_pipeline.bench.metric_marts import write_loan_marts
from financial_pipeline.bench.staging import simulate
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import hash_frame
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.settings import Settings
from financial_pipeline_tests.spark.compute_metrics import BUSY, WHOLE_BOOK
from financial_pipeline_tests.spark.standalone import standalone_cluster
from financial_pipeline_tests.spark.test_standalone_cluster import compute, said_by

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(7200)]

LOANS, SEED = 2_300_000, 20_070_601
# The simulated loans of that many months, each a file.
MONTHS = 120
# The last of them is the one with most rows, in which the worker dies.
NAMES = ("default_rates_by_grade", "vintage_curves", "portfolio_summary", "rating_transitions")
DRIVER = {"SPARK_DRIVER_MEMORY": "2g", WHOLE_BOOK: "yes"}


def hashes(results: Path) -> dict[str, str]:
    frames = {name: pl.read_parquet(results / f"{name}.parquet") for name in NAMES}
    assert all(frame.height for frame in frames.values())
    return {name: hash_frame(frame, METRIC_TABLES[name].keys) for name, frame in frames.items()}


def test_content_hashes_equal_those_of_one_machine_though_a_worker_dies(tmp_path: Path) -> None:
    marts, killed = tmp_path / "marts", 0
    write_loan_marts(marts, LOANS, SEED)
    with standalone_cluster(tmp_path, memory="2g") as cluster:
        on_cluster = {"SPARK_MASTER": cluster.master, "SPARK_EXECUTOR_MEMORY": "1600m"}
        for line in compute(marts, tmp_path / "cluster", *NAMES, **DRIVER, **on_cluster):
            if line.strip() == BUSY:
                killed += cluster.workers[0].kill()
    assert killed == 1
    assert list(compute(marts, tmp_path / "local", *NAMES, **DRIVER))
    assert hashes(tmp_path / "cluster") == hashes(tmp_path / "local")


def test_a_file_is_staged_as_on_one_machine_though_a_worker_dies(tmp_path: Path) -> None:
    source, said = tmp_path / "accepted.csv", list[str]()
    simulate(source, LOANS, SEED)
    with standalone_cluster(tmp_path, memory="2g") as cluster:
        on_cluster = {"SPARK_MASTER": cluster.master, "SPARK_EXECUTOR_MEMORY": "1600m"}
        for line in said_by("stage_loans", source, tmp_path / "cluster", **DRIVER, **on_cluster):
            said.append(line.strip())
            if said[-1] == BUSY:
                assert cluster.workers[0].kill() >= 1
    assert said == [BUSY, "1"]
    local, files = stage_file(source, tmp_path / "local", Settings()), 0
    for name in TABLES:
        theirs = Paths(tmp_path / "cluster").staging(name)
        for ours in local.staging(name).glob("*.parquet"):
            pair = (in_order(pl.read_parquet(path)) for path in (ours, theirs / ours.name))
            assert is_equal(*pair), ours.name
            files += 1
    assert files > MONTHS
