"""Checks of published tables that people run alone, from the UI or as `published_checks_job`.

They read the newest Parquet of a table and change nothing. The checks that stop a bad version
before it is published belong to the step that writes it.
"""

import hashlib
from collections.abc import Callable
from datetime import date

import dagster as dg
import polars as pl

from financial_pipeline.alerts import freshness
from financial_pipeline.crosscheck.agreement import compare
from financial_pipeline.crosscheck.recompute import input_files, recompute
from financial_pipeline.defs.operations import world_now
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.publishing.content_hash import hash_parts, hashed_text
from financial_pipeline.publishing.table_files import describe_damage, parquet_files
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.spark.catalogue import METRICS

Check = Callable[[Pipeline, str], dg.AssetCheckResult]


def mart_files_are_as_written(pipeline: Pipeline, key: str) -> dg.AssetCheckResult:
    """Compare the hash of each file of a mart with its description."""
    found = {}
    for path in pipeline.publication.files(key):
        # An empty mart has a file and no hash.
        if text := hashed_text(pl.read_parquet(path)):
            found[path.stem] = hashlib.sha256(text).hexdigest()
    return _compare(pipeline.publication.newest(key).partitions, found)


def metric_files_are_as_written(pipeline: Pipeline, key: str) -> dg.AssetCheckResult:
    """Compare the hash of each partition of a metric table with its description."""
    table = METRICS[key.split("/")[1]].table
    rows = pl.read_parquet(pipeline.publication.files(key))
    found = hash_parts(rows, table.keys, pl.col(table.partition).cast(pl.String))
    return _compare(pipeline.publication.newest(key).partitions, found)


def _compare(written: dict[str, str], found: dict[str, str]) -> dg.AssetCheckResult:
    changed = sorted({name for name, _ in written.items() ^ found.items()})
    return dg.AssetCheckResult(
        passed=not changed, metadata={"compared": len(written), "changed": changed}
    )


def published_rows_equal_their_recomputation(pipeline: Pipeline, key: str) -> dg.AssetCheckResult:
    """Compute all partitions of a metric table again from the exports, and compare."""
    publication = pipeline.publication
    metric = METRICS[key.split("/")[1]]
    days = [date.fromisoformat(day) for day in publication.newest(key).partitions]
    if not days:
        return dg.AssetCheckResult(passed=True, metadata={"rows": 0})
    again = recompute(
        metric.table,
        input_files(publication, metric.inputs),
        min(days),
        max(days),
        default_lag_months=pipeline.settings.default_lag_months,
    )
    agreement = compare(metric.table, pl.read_parquet(publication.files(key)), again)
    return dg.AssetCheckResult(passed=agreement.holds, metadata=agreement.facts())


def newest_event_is_recent(pipeline: Pipeline, key: str) -> dg.AssetCheckResult:
    """Judge the newest event of a table by the calendar of its source."""
    day = pipeline.publication.newest(key).as_of
    newest = date.fromisoformat(day[:10]) if day else None
    verdict = freshness.judge(key, newest, world_now(pipeline.settings))
    return dg.AssetCheckResult(
        passed=verdict["state"] == "fresh",
        severity=dg.AssetCheckSeverity.WARN,
        description=verdict["reason"],
    )


MART_KEYS = [table.key for table in MARTS.values()]
METRIC_KEYS = [metric.table.key for metric in METRICS.values()]
# Check -> name, the tables that have it, and what it promises.
CHECKS: dict[Check, tuple[str, list[str], str]] = {
    mart_files_are_as_written: (
        "files_are_as_written",
        MART_KEYS,
        "Every Parquet file has the content hash of the day it was written.",
    ),
    metric_files_are_as_written: (
        "files_are_as_written",
        METRIC_KEYS,
        "Every partition has the content hash of the day it was written.",
    ),
    published_rows_equal_their_recomputation: (
        "published_rows_equal_their_recomputation",
        METRIC_KEYS,
        "DuckDB computes the rows of all partitions again from the published exports.",
    ),
    newest_event_is_recent: (
        "newest_event_is_recent",
        list(freshness.POLICIES),
        "The newest event in the data is as new as the calendar of its source expects.",
    ),
}
CHECK_KEYS = [
    dg.AssetCheckKey(dg.AssetKey(key.split("/")), name)
    for name, keys, _ in CHECKS.values()
    for key in keys
]


def _check(function: Check, name: str, key: str, description: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=key.split("/"), name=name, description=description)
    def check(pipeline: Pipeline) -> dg.AssetCheckResult:
        table = pipeline.publication.newest(key)
        if not parquet_files(pipeline.paths, table):
            return dg.AssetCheckResult(passed=False, description=describe_damage(table))
        return function(pipeline, key)

    return check


@dg.definitions
def published_checks() -> dg.Definitions:
    """Define each check once per table."""
    return dg.Definitions(
        asset_checks=[
            _check(function, name, key, description)
            for function, (name, keys, description) in CHECKS.items()
            for key in keys
        ]
    )
