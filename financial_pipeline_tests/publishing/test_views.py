"""A damaged table is named when it is read, and hides no other table."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import parquet_files, publish_tables, read_manifest
from financial_pipeline.publishing.views import connect, rows
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table


@pytest.mark.parametrize("damage", ["truncated", "missing", "no folder"])
def test_damaged_table_is_named_and_all_others_answer(tmp_path: Path, damage: str) -> None:
    paths = Paths(tmp_path)
    tables = [
        write_table(paths, Table("exports", name, "", ("x",)), pl.DataFrame({"x": [1]}))
        for name in ("good", "bad")
    ]
    manifest = publish_tables(paths, "batch", tables, {})
    file = parquet_files(paths, manifest.table("exports/bad"))[0]
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:10])
    else:
        file.unlink()
    if damage == "no folder":
        file.parent.rmdir()
    with connect(paths, read_manifest(paths)) as connection:
        assert rows(connection, "select x from marts.good") == [{"x": 1}]
        with pytest.raises(PipelineError, match=r"exports/bad .* missing or damaged"):
            rows(connection, "select count(*) as n from bad")
        with pytest.raises(PipelineError, match=r"exports/bad .* missing or damaged"):
            rows(connection, "select x from bad")
