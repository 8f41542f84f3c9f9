"""The metric assets through Dagster over the tiny world's marts, published under a data root."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import dagster as dg
import polars as pl

from financial_pipeline.defs.command import QUIET
from financial_pipeline.defs.exports.publication import published_manifest
from financial_pipeline.defs.metrics.assets import metrics
from financial_pipeline.defs.operations import RANGE_END, RANGE_START
from financial_pipeline.defs.resources import Pipeline, Spark
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.spark import tiny_world

MANIFEST: Final = dg.AssetKey(["exports", "published_manifest"])


def publish_marts(root: Path, marts: Mapping[str, pl.DataFrame] | None = None) -> None:
    """Make the frames (default: the tiny world) the published exports of a data root."""
    paths = Paths(root)
    for name, rows in (marts or tiny_world.marts()).items():
        contract: Table[pl.DataType] = Table("exports", name, "", (rows.columns[0],), order=None)
        publication.Publication(paths, "test").register(write_table(paths, contract, rows))
    publication.publish(paths, ["test"], {})


@contextmanager
def dagster_home(root: Path) -> Iterator[dg.DagsterInstance]:
    """The project's own Dagster under a data root."""
    home = Paths(root).dagster_home
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT_ROOT / "dagster.yaml", home)
    os.environ["DAGSTER_HOME"] = str(home)
    with dg.DagsterInstance.get() as instance:
        yield instance


def materialize(
    root: Path, *tables: str, first: str, last: str, settings: Mapping[str, str] | None = None
) -> dg.ExecuteInProcessResult:
    """One run of metric tables over a range of partitions, ending with the published manifest."""
    os.environ.update({"FINANCIAL_PIPELINE_DATA_ROOT": str(root), **(settings or {})})
    defs = dg.Definitions(
        assets=[*(metrics().assets or []), published_manifest],
        resources={"pipeline": Pipeline(), "spark": Spark()},
    )
    keys = [dg.AssetKey(["metrics", table]) for table in tables]
    where: dict[str, Any] = {"tags": {RANGE_START: first, RANGE_END: last}}
    if first == last:
        where = {"partition_key": first}
    with dagster_home(root) as instance:
        return defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[*keys, MANIFEST],
            run_config=QUIET,
            raise_on_error=False,
            **where,
        )


def tables_by(partition: str) -> list[str]:
    """The metric tables with this partition column."""
    return [table.name for table in METRIC_TABLES.values() if table.partition == partition]


def rows_of(root: Path, table: str) -> pl.DataFrame:
    """The published rows of a metric table, in the order of its key."""
    paths = Paths(root)
    version = read_manifest(paths).table(f"metrics/{table}")
    rows = pl.read_parquet(parquet_files(paths, version))
    return rows.sort(METRIC_TABLES[table].keys)
