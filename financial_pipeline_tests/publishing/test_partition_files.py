"""Partitions are replaced exactly, and untouched where nothing changed."""

from datetime import date
from pathlib import Path

import polars as pl

from financial_pipeline.publishing.partition_files import partition_keys, write_partitions

KEYS = [date(2019, 1, 1), date(2019, 2, 1), date(2019, 3, 1)]
MONTH = pl.col("day").dt.month_start()


def frame(*rows: tuple[date, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"day": pl.Date, "value": pl.Int64}, orient="row")


def test_write_partitions_gives_each_key_its_rows_in_their_order(tmp_path: Path) -> None:
    rows = frame(
        (date(2019, 3, 9), 1),
        (date(2019, 1, 5), 2),
        (date(2019, 3, 2), 3),
        (date(2018, 12, 31), 4),
        (date(2019, 4, 1), 5),
    )
    written = write_partitions(rows, MONTH, tmp_path, KEYS)
    assert written == {"2019-01-01": 1, "2019-02-01": 0, "2019-03-01": 2}
    assert partition_keys(tmp_path) == ["2019-01-01", "2019-02-01", "2019-03-01"]
    assert pl.read_parquet(tmp_path / "2019-03-01.parquet").rows() == [
        (date(2019, 3, 9), 1),
        (date(2019, 3, 2), 3),
    ]
    empty = pl.read_parquet(tmp_path / "2019-02-01.parquet")
    assert (empty.height, empty.schema) == (0, rows.schema)


def test_write_partitions_replaces_what_changed_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    write_partitions(frame((KEYS[0], 1), (KEYS[1], 2)), MONTH, tmp_path, KEYS)
    before = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    write_partitions(frame((KEYS[0], 1), (KEYS[2], 3)), MONTH, tmp_path, KEYS)
    after = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    assert before["2019-01-01.parquet"] == after["2019-01-01.parquet"]
    assert pl.read_parquet(tmp_path / "2019-02-01.parquet").is_empty()
    assert pl.read_parquet(tmp_path / "2019-03-01.parquet")["value"].to_list() == [3]
