"""Metric rows to a published table: a range of partitions replaces its rows, all others stay."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from financial_pipeline.crosscheck.agreement import Agreement
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import MetricTable


def export_metric(
    publication: Publication,
    table: MetricTable,
    rows: pl.DataFrame,
    agreement: Agreement,
    first: date,
    last: date,
    built_from: Mapping[str, str],
) -> PublishedTable:
    """Write a new version in which `rows` are the partitions `first` to `last`; nothing moves yet.

    `rows` contains no other partition.
    """
    previous = publication.newest_if_any(table.key)
    days = (last - first).days + 1
    version = write_table(
        publication.paths,
        table,
        rows,
        previous=previous,
        replaced={(first + timedelta(days=day)).isoformat() for day in range(days)},
        built_from=built_from,
    )
    keys = list(version.partitions)
    facts: dict[str, object] = {
        "partitions": len(keys),
        "first_partition": keys[0] if keys else None,
        "last_partition": keys[-1] if keys else None,
    }
    covers_all = not keys or (keys[0] >= str(first) and keys[-1] <= str(last))
    check = check_facts(agreement, {} if covers_all or previous is None else previous.facts)
    return replace(version, facts={**facts, "cross_engine_check": check})


def check_facts(agreement: Agreement, before: Mapping[str, Any]) -> dict[str, object]:
    """Return the comparison for readers: the largest differences over all partitions.

    `before` are the facts of the previous version; its partitions keep the result of their own
    comparison. It is empty if this comparison covered all partitions.
    """
    known = before.get("cross_engine_check") or {}
    largest = {
        name: max(getattr(agreement, name), float(known.get(name, 0.0)))
        for name in ("max_abs_difference", "max_rel_difference")
    }
    return {"passed": agreement.holds, "engine": "duckdb", **largest}
