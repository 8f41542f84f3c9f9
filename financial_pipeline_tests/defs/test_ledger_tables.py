"""Tables that each publication makes whole: of two runs at once, the later reading is current."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import polars as pl

from financial_pipeline.defs.exports import publication
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable, read_manifest
from financial_pipeline.publishing.publication import publish
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.staging.row_accounting import TABLE

PATIENCE_SECONDS = 10.0


def accounted(paths: Paths, lines: int) -> PublishedTable:
    row = {name: "x" if kind == pl.String() else lines for name, kind in TABLE.columns.items()}
    return write_table(paths, TABLE, pl.DataFrame([row], schema=dict(TABLE.columns)))


def test_a_run_that_read_earlier_does_not_replace_a_later_one(tmp_path: Path) -> None:
    pipeline, lines = Pipeline(data_root=str(tmp_path)), [1]
    has_read, may_write = threading.Event(), threading.Event()

    def export(paths: Paths) -> PublishedTable:
        read = lines[-1]
        has_read.set()
        # The second run reads at once, and writes at once.
        assert read == 2 or may_write.wait(PATIENCE_SECONDS)
        return accounted(paths, read)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(publication._write_and_register, pipeline, export)]
        assert has_read.wait(PATIENCE_SECONDS)
        lines.append(2)
        runs.append(pool.submit(publication._write_and_register, pipeline, export))
        wait(runs[1:], 0.5)
        may_write.set()
        assert all(run.result() for run in runs)
    publish(pipeline.paths, [pipeline.publication.run], {})
    table = read_manifest(pipeline.paths).table(TABLE.key)
    found = pl.read_parquet(parquet_files(pipeline.paths, table))
    assert found["physical_lines"].to_list() == [2]
