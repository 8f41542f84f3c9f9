"""The checks of a new table version: its keys, its rows, and its difference from the last one."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from financial_pipeline.publishing.content_hash import is_above_last
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.schemas.contract import Table

# A table that lost more than this share of its rows since the previous version is a warning.
VOLUME_DROP = 0.05
# So is a watched mean that moved by more than this many standard deviations.
SHIFT_IN_DEVIATIONS = 0.5


@dataclass(frozen=True)
class CheckOutcome:
    """One check of a table: its name, whether it passed, and the numbers behind it."""

    name: str
    passed: bool
    numbers: dict[str, int | float | str]


def check_table(
    publication: Publication, version: PublishedTable, table: Table[Any], source_rows: int
) -> list[CheckOutcome]:
    """Return the checks of a new version by itself, and its comparison with the last version.

    `source_rows` are the rows of the relation that the version was written from.
    """
    frame = pl.scan_parquet(parquet_files(publication.paths, version))
    return [
        *_key_checks(frame, table, source_rows),
        *_comparison_checks(publication, frame, version, table),
    ]


def _key_checks(frame: pl.LazyFrame, table: Table[Any], source_rows: int) -> list[CheckOutcome]:
    keys = list(table.keys)
    counts = frame.select(
        rows=pl.len(),
        ascending=is_above_last(keys).sum(),
        missing=pl.any_horizontal(pl.col(keys).is_null()).sum(),
    ).collect(engine="streaming")
    rows, ascending, missing = counts.row(0)
    distinct = rows
    # Rows in strict order of their key, as they are written, need no count of different keys.
    if rows and ascending != rows - 1:
        distinct = frame.select(pl.struct(keys).n_unique()).collect(engine="streaming").item()
    keyed = {"rows": rows, "distinct_keys": distinct}
    exported = {"exported_rows": rows, "warehouse_rows": source_rows}
    return [
        CheckOutcome("keys_are_unique", rows == distinct, keyed),
        CheckOutcome("keys_are_present", missing == 0, {"rows_without_key": missing}),
        CheckOutcome("rows_equal_the_warehouse", rows == source_rows, exported),
    ]


def _comparison_checks(
    publication: Publication, frame: pl.LazyFrame, version: PublishedTable, table: Table[Any]
) -> list[CheckOutcome]:
    previous = publication.newest_if_any(version.key)
    files = parquet_files(publication.paths, previous) if previous else []
    # A version whose files are lost can be built again, and compared with nothing.
    if previous is None or not files:
        return [
            CheckOutcome("volume_has_not_dropped", True, {"note": "first version"}),
            CheckOutcome("distribution_has_not_shifted", True, {"note": "first version"}),
        ]
    lost = 1 - version.rows / previous.rows if previous.rows else 0.0
    before = pl.scan_parquet(files)
    shifts = {column: _shift(before, frame, column) for column in table.watched}
    return [
        CheckOutcome(
            "volume_has_not_dropped",
            lost <= VOLUME_DROP,
            {"rows": version.rows, "rows_before": previous.rows, "share_lost": lost},
        ),
        CheckOutcome(
            "distribution_has_not_shifted",
            all(shift <= SHIFT_IN_DEVIATIONS for shift in shifts.values()),
            {f"{column}_shift_in_deviations": shift for column, shift in shifts.items()},
        ),
    ]


def _shift(before: pl.LazyFrame, after: pl.LazyFrame, column: str) -> float:
    value = pl.col(column).cast(pl.Float64)
    old = before.select(mean=value.mean(), deviation=value.std()).collect().row(0)
    new = after.select(value.mean()).collect().item()
    if None in old or new is None or old[1] == 0:
        return 0.0
    return float(abs(new - old[0]) / old[1])
