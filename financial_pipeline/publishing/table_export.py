"""One mart to one immutable Parquet folder, with the checks that let it be published."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import content_hash
from financial_pipeline.publishing.published import (
    PublishedTable,
    new_version,
    newest,
    parquet_files,
)
from financial_pipeline.schemas.marts import Mart

# A table that lost more than this share of its rows since the version before is worth a look.
VOLUME_DROP = 0.05
# So is a watched mean that moved by more than this many standard deviations.
SHIFT_IN_DEVIATIONS = 0.5


@dataclass(frozen=True)
class CheckOutcome:
    """One check of a table: its name, whether it holds, and the numbers behind it."""

    name: str
    passed: bool
    blocking: bool
    numbers: dict[str, int | float | str]


def export_table(
    connection: duckdb.DuckDBPyConnection,
    paths: Paths,
    name: str,
    mart: Mart,
    built_from: dict[str, str],
) -> PublishedTable:
    """Write `marts.<name>`, sorted by key, into a new version folder; nothing is published yet."""
    folder = paths.published_folder("exports", name, new_version())
    folder.mkdir(parents=True)
    file = folder / f"{name}.parquet"
    keys = ", ".join(mart.keys)
    connection.execute("set enable_progress_bar = false")
    connection.execute(
        f"copy (select * from marts.{name} order by {keys})"
        f" to '{file}' (format parquet, compression zstd)"
    )
    rows = connection.execute(f"select count(*) from marts.{name}").fetchone()
    return PublishedTable(
        layer="exports",
        name=name,
        folder=folder.relative_to(paths.data_root).as_posix(),
        rows=int(rows[0]) if rows else 0,
        content_hash=content_hash.hash_sorted_parquet(file),
        as_of=_newest_event(file, mart),
        built_from=built_from,
    )


def _newest_event(file: Path, mart: Mart) -> str | None:
    if mart.event_date is None:
        return None
    newest_date = pl.scan_parquet(file).select(pl.col(mart.event_date).max()).collect().item()
    return None if newest_date is None else str(newest_date)


def check_table(paths: Paths, table: PublishedTable, mart: Mart) -> list[CheckOutcome]:
    """The blocking checks and the warnings of one exported table, against its last version."""
    frame = pl.scan_parquet(parquet_files(paths, table))
    return [
        *_key_checks(frame, table, mart),
        *_comparison_checks(paths, frame, table, mart),
    ]


def _key_checks(frame: pl.LazyFrame, table: PublishedTable, mart: Mart) -> list[CheckOutcome]:
    keys = list(mart.keys)
    counts = frame.select(
        rows=pl.len(),
        distinct=pl.struct(keys).n_unique(),
        missing=pl.any_horizontal(pl.col(keys).is_null()).sum(),
    ).collect()
    rows, distinct, missing = counts.row(0)
    return [
        CheckOutcome(
            "keys_are_unique", rows == distinct, True, {"rows": rows, "distinct_keys": distinct}
        ),
        CheckOutcome("keys_are_present", missing == 0, True, {"rows_without_key": missing}),
        CheckOutcome(
            "rows_equal_the_warehouse",
            rows == table.rows,
            True,
            {"exported_rows": rows, "warehouse_rows": table.rows},
        ),
    ]


def _comparison_checks(
    paths: Paths, frame: pl.LazyFrame, table: PublishedTable, mart: Mart
) -> list[CheckOutcome]:
    try:
        previous = newest(paths, table.key)
    except PipelineError:
        return [
            CheckOutcome("volume_has_not_dropped", True, False, {"note": "first version"}),
            CheckOutcome("distribution_has_not_shifted", True, False, {"note": "first version"}),
        ]
    lost = 1 - table.rows / previous.rows if previous.rows else 0.0
    before = pl.scan_parquet(parquet_files(paths, previous))
    shifts = {column: _shift(before, frame, column) for column in mart.watched}
    return [
        CheckOutcome(
            "volume_has_not_dropped",
            lost <= VOLUME_DROP,
            False,
            {"rows": table.rows, "rows_before": previous.rows, "share_lost": lost},
        ),
        CheckOutcome(
            "distribution_has_not_shifted",
            all(shift <= SHIFT_IN_DEVIATIONS for shift in shifts.values()),
            False,
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
