"""Reading the marts that the model needs, and writing its tables as published partitions."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import published
from financial_pipeline.publishing.content_hash import hash_frame
from financial_pipeline.publishing.published import PublishedTable
from financial_pipeline.schemas.lending_club import CLASS_X
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline.settings import PROJECT_ROOT

LAYER = "ml"
CUTOFF = "training_cutoff"
APPLICATIONS, LOANS = "exports/fct_loan_applications", "exports/fct_loans"
Rows = pl.DataFrame | Sequence[Mapping[str, Any]]


def scan(paths: Paths, key: str) -> pl.LazyFrame:
    """A published table, or the version registered by this run."""
    return pl.scan_parquet(published.parquet_files(paths, published.newest(paths, key)))


def read(paths: Paths, name: str, cutoff: date) -> pl.DataFrame:
    """One cut-off of a model table, without the partition column; empty where it has none."""
    table = published.newest(paths, f"{LAYER}/{name}")
    files = [f for f in published.parquet_files(paths, table) if f.stem == cutoff.isoformat()]
    if not files:
        return pl.DataFrame(schema=MODEL_TABLES[name].columns)
    return pl.read_parquet(files[0]).drop(CUTOFF)


def read_if_there(paths: Paths, name: str, cutoff: date) -> pl.DataFrame:
    """As `read`; empty where the table was never built."""
    try:
        return read(paths, name, cutoff)
    except PipelineError:
        return pl.DataFrame(schema=MODEL_TABLES[name].columns)


def outcome_columns(paths: Paths, loan_keys: pl.Series) -> pl.DataFrame:
    """The class X columns of staging for these loans, in their order."""
    ids = scan(paths, APPLICATIONS).select("loan_key", "loan_id")
    staged = pl.scan_parquet(sorted(paths.staging("lending_club_loans").glob("[!.]*.parquet")))
    return (
        loan_keys.to_frame()
        .lazy()
        .join(ids, on="loan_key", how="left", maintain_order="left")
        .join(
            staged.select("loan_id", *sorted(CLASS_X)),
            on="loan_id",
            how="left",
            maintain_order="left",
        )
        .select(sorted(CLASS_X))
        .collect()
    )


def built_from(paths: Paths, *keys: str) -> dict[str, str]:
    """The content hashes of upstream tables."""
    return {key: published.newest(paths, key).content_hash for key in keys}


def write(
    paths: Paths,
    name: str,
    cutoff: date,
    rows: Rows,
    upstream: Mapping[str, str],
    known: Mapping[str, object] | None = None,
) -> PublishedTable:
    """Replace one cut-off of a model table in a new version, and register that version.

    Columns are cast to the contract; columns beyond it follow (the features of the training set).
    `known` becomes the facts of the table.
    """
    contract = MODEL_TABLES[name]
    frame = _typed(rows, contract.columns)
    stamped = frame.select(pl.lit(cutoff, pl.Date).alias(CUTOFF), pl.all())
    key = cutoff.isoformat()
    folder = published.replace_partitions(paths, LAYER, name, {key: stamped})
    whole = pl.read_parquet(sorted(folder.glob("[!.]*.parquet")))
    table = PublishedTable(
        layer=LAYER,
        name=name,
        folder=folder.relative_to(paths.data_root).as_posix(),
        rows=whole.height,
        content_hash=hash_frame(whole, [CUTOFF, *contract.keys]),
        as_of=str(whole[CUTOFF].max()) if whole.height else None,
        built_from=dict(upstream),
        facts=dict(known or {}),
    )
    published.register(paths, table)
    return table


def _typed(rows: Rows, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    if not isinstance(rows, pl.DataFrame):
        return pl.DataFrame(rows, schema=dict(columns))
    if not rows.columns:
        return pl.DataFrame(schema=dict(columns))
    typed = (pl.col(name).cast(dtype) for name, dtype in columns.items())
    return rows.select(*typed, pl.exclude(columns))


def whole(key: list[str]) -> dg.AssetDep:
    """A dependency on every partition of an upstream: a mart row shows the latest snapshot."""
    return dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping())


def check_specs(
    name: str, is_blocking: bool = True, **descriptions: str
) -> list[dg.AssetCheckSpec]:
    """The checks of one model asset, by name and what they say."""
    return [
        dg.AssetCheckSpec(check, asset=[LAYER, name], blocking=is_blocking, description=text)
        for check, text in descriptions.items()
    ]


@dataclass(frozen=True)
class Outcome:
    """What one cut-off came to: the tables written, the checks, and facts for the catalogue."""

    tables: Sequence[PublishedTable]
    checks: Mapping[str, bool]
    facts: Mapping[str, Any]
    # Whether a failed check is an error; the others are news for people.
    is_blocking: bool = True


def each_cutoff(
    context: dg.AssetExecutionContext, step: Callable[[Paths, date], Outcome], paths: Paths
) -> dg.MaterializeResult:
    """Run a step for every cut-off of the run, oldest first; a check passes if it always did."""
    outcomes = [step(paths, date.fromisoformat(key)) for key in sorted(context.partition_keys)]
    last = outcomes[-1]
    metadata: dict[str, Any] = {"dagster/row_count": 0, **last.facts}
    if last.tables:
        main = last.tables[0]
        metadata["dagster/row_count"] = main.rows
        metadata["content_hash"] = main.content_hash
        metadata["path"] = dg.MetadataValue.path(main.folder)
        metadata["built_from"] = main.built_from
        metadata["tables"] = {table.key: table.rows for table in last.tables}
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            dg.AssetCheckResult(
                check_name=name,
                passed=all(outcome.checks[name] for outcome in outcomes),
                metadata=dict(last.facts),
                severity=dg.AssetCheckSeverity.ERROR
                if last.is_blocking
                else dg.AssetCheckSeverity.WARN,
            )
            for name in last.checks
        ],
    )


def git_sha() -> str | None:
    """The commit of the checkout; None outside a git repository."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        found = subprocess.run(
            command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def facts(paths: Paths, name: str) -> Mapping[str, object]:
    """The facts of the newest version of a model table; empty where it was never built."""
    try:
        return published.newest(paths, f"{LAYER}/{name}").facts
    except PipelineError:
        return {}
