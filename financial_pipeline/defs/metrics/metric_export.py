"""Metric rows to a published table: a range of partitions replaces its rows, all others stay.

A file holds the partitions of one calendar year: thousands of sessions in thousands of files would
cost every reader more than the rows in them. The partition of a row is its date column.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from financial_pipeline.crosscheck.agreement import Agreement
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import content_hash, published
from financial_pipeline.publishing.published import PublishedTable
from financial_pipeline.schemas.metrics import MetricTable

LAYER = "metrics"


def export_metric(
    paths: Paths,
    table: MetricTable,
    rows: pl.DataFrame,
    first: date,
    last: date,
    built_from: Mapping[str, str],
) -> PublishedTable:
    """Write a new version in which `rows` are the partitions `first` to `last`; nothing moves yet.

    `rows` holds no other partition. Rows are sorted by key, so equal rows give equal files.
    """
    years = range(first.year, last.year + 1)
    before = _previous_rows(paths, table, years)
    kept = before.filter(~pl.col(table.partition).is_between(first, last))
    both = pl.concat([kept, rows.select(kept.columns)]) if kept.height else rows
    ordered = both.sort(table.keys)
    year = pl.col(table.partition).dt.year()
    folder = published.replace_partitions(
        paths, LAYER, table.name, {str(one): ordered.filter(year == one) for one in years}
    )
    whole = pl.read_parquet(folder / "*.parquet")
    partitions = whole[table.partition].unique().sort()
    return PublishedTable(
        layer=LAYER,
        name=table.name,
        folder=folder.relative_to(paths.data_root).as_posix(),
        rows=whole.height,
        content_hash=content_hash.hash_frame(whole, table.keys),
        as_of=str(partitions[-1]) if len(partitions) else None,
        built_from=dict(built_from),
        facts={
            "partitions": len(partitions),
            "first_partition": str(partitions[0]) if len(partitions) else None,
            "last_partition": str(partitions[-1]) if len(partitions) else None,
        },
    )


def check_facts(
    paths: Paths, table: PublishedTable, agreement: Agreement, first: date, last: date
) -> dict[str, object]:
    """What readers are told of the comparison: the largest differences over all partitions.

    The partitions outside `first` to `last` keep what their own comparison found.
    """
    before = _previous_check(paths, table)
    covers_all = str(table.facts["first_partition"]) >= str(first) and str(
        table.facts["last_partition"]
    ) <= str(last)
    largest = {
        name: max(getattr(agreement, name), 0.0 if covers_all else float(before.get(name, 0.0)))
        for name in ("max_abs_difference", "max_rel_difference")
    }
    return {"passed": agreement.holds, "engine": "duckdb", **largest}


def _previous_check(paths: Paths, table: PublishedTable) -> dict[str, Any]:
    try:
        facts = published.newest(paths, table.key).facts
    except PipelineError:
        return {}
    found = facts.get("cross_engine_check", {})
    return found if isinstance(found, dict) else {}


def _previous_rows(paths: Paths, table: MetricTable, years: range) -> pl.DataFrame:
    """The newest version's rows of the years; none where the table is new or of another shape."""
    try:
        previous = published.newest(paths, f"{LAYER}/{table.name}")
    except PipelineError:
        return pl.DataFrame(schema={table.partition: pl.Date})
    wanted = {str(year) for year in years}
    files = [path for path in published.parquet_files(paths, previous) if path.stem in wanted]
    if not files:
        return pl.DataFrame(schema={table.partition: pl.Date})
    return pl.read_parquet(files)
