"""A new version is compared with the last one, and with nothing if its files are lost."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication, publish
from financial_pipeline.publishing.table_checks import check_table
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

CONTRACT: Table[pl.DataType] = Table("exports", "fct_x", "One row.", ("x",), watched=("x",))


@pytest.mark.parametrize("is_lost", [False, True])
def test_rows_that_were_lost_since_the_last_version_are_counted_if_it_is_there(
    tmp_path: Path, is_lost: bool
) -> None:
    paths = Paths(tmp_path)
    before = write_table(paths, CONTRACT, pl.DataFrame({"x": range(100)}))
    Publication(paths, "a").register(before)
    publish(paths, ["a"], {})
    if is_lost:
        for path in parquet_files(paths, before):
            path.unlink()
    rows = pl.DataFrame({"x": range(50)})
    now = write_table(paths, CONTRACT, rows)
    found = check_table(Publication(paths, "b"), now, CONTRACT, rows.height)
    volume = {each.name: each for each in found}["volume_has_not_dropped"]
    assert (volume.passed, "note" in volume.numbers) == (is_lost, is_lost)
