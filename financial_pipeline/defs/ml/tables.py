"""Reading the marts that the model needs, and writing its tables as published partitions."""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from financial_pipeline.defs.partitions import CUTOFFS
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.lending_club import CLASS_X
from financial_pipeline.schemas.model import CUTOFF, MODEL_TABLES
from financial_pipeline.settings import IS_CHECKOUT, PROJECT_ROOT

LAYER = "ml"
APPLICATIONS, LOANS = "exports/fct_loan_applications", "exports/fct_loans"
# Columns of all staged loans that are in memory at the same time.
READ_COLUMNS = 4
Rows = pl.DataFrame | Sequence[Mapping[str, Any]]


def scan(publication: Publication, name: str, cutoff: date) -> pl.LazyFrame:
    """One cut-off of a model table, without the partition column; empty where it has none."""
    files = [f for f in publication.files(f"{LAYER}/{name}") if f.stem == cutoff.isoformat()]
    if not files:
        return pl.LazyFrame(schema=MODEL_TABLES[name].columns)
    return pl.scan_parquet(files[0]).drop(CUTOFF)


def read(publication: Publication, name: str, cutoff: date) -> pl.DataFrame:
    """Read all rows; see `scan`."""
    return scan(publication, name, cutoff).collect()


def read_if_there(publication: Publication, name: str, cutoff: date) -> pl.DataFrame:
    """Read all rows; empty if the table was never built."""
    try:
        return read(publication, name, cutoff)
    except PipelineError:
        return pl.DataFrame(schema=MODEL_TABLES[name].columns)


def artifacts(paths: Paths) -> Path:
    """Return the folder of the artifacts, each in a folder named by its hash."""
    return paths.data_root / LAYER / "artifacts"


def outcome_columns(
    publication: Publication, loan_keys: pl.Series
) -> tuple[Iterator[pl.Series], pl.Series]:
    """The class X columns of staging for these loans, in their order, and their funded amounts.

    The columns come one after the other, and few of them are in memory at a time.
    """
    wanted = loan_keys.to_frame()
    known = publication.scan(LOANS).join(wanted.lazy(), on="loan_key", how="semi")
    ids = known.select("loan_key", "loan_id", pl.col("funded_amount_usd").cast(pl.Float64))
    files = sorted(publication.paths.staging("lending_club_loans").glob("[!.]*.parquet"))
    places = pl.scan_parquet(files, row_index_name="place").select("loan_id", "place")
    found = ids.join(places, on="loan_id", how="left").drop("loan_id").collect(engine="streaming")
    rows = wanted.join(found, on="loan_key", how="left", maintain_order="left")
    return _columns(files, rows["place"]), rows["funded_amount_usd"]


def _columns(files: list[Path], places: pl.Series) -> Iterator[pl.Series]:
    """Yield the class X columns of rows of staging, by their numbers over all files."""
    names = sorted(CLASS_X)
    for start in range(0, len(names), READ_COLUMNS):
        some = pl.read_parquet(files, columns=names[start : start + READ_COLUMNS])
        yield from (column.gather(places) for column in some)


def write(
    publication: Publication,
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
    frame = _cast(rows, contract.columns)
    stamped = frame.select(pl.lit(cutoff, pl.Date).alias(CUTOFF), pl.all())
    table = write_table(
        publication.paths,
        contract,
        stamped,
        previous=publication.newest_if_any(contract.key),
        replaced=[cutoff.isoformat()],
        built_from=upstream,
        facts=known,
    )
    publication.register(table)
    return table


def _cast(rows: Rows, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    if not isinstance(rows, pl.DataFrame):
        return pl.DataFrame(rows, schema=dict(columns))
    if not rows.columns:
        return pl.DataFrame(schema=dict(columns))
    typed = (pl.col(name).cast(dtype) for name, dtype in columns.items())
    return rows.select(*typed, pl.exclude(columns))


def model_asset(
    name: str, inputs: Sequence[str], kinds: set[str], *, is_blocking: bool = True, **checks: str
) -> Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]:
    """Return the decorator of a model asset, which has a partition per cut-off.

    `inputs` are tables (`layer/name`), `checks` names of checks and their descriptions. A step
    reads its cut-off of other model tables, and all of a mart, as its rows show the latest
    snapshot.
    """
    return dg.asset(
        key=[LAYER, name],
        deps=[_dependency(each.split("/")) for each in inputs],
        partitions_def=CUTOFFS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds=kinds,
        tags={"family": "model", "domain": "lending"},
        check_specs=[
            dg.AssetCheckSpec(check, asset=[LAYER, name], blocking=is_blocking, description=text)
            for check, text in checks.items()
        ],
    )


def _dependency(key: list[str]) -> dg.AssetDep:
    return dg.AssetDep(key, partition_mapping=None if key[0] == LAYER else dg.AllPartitionMapping())


@dataclass(frozen=True)
class Outcome:
    """The results of one cut-off: the tables written, the checks, and facts for the catalogue."""

    tables: Sequence[PublishedTable]
    checks: Mapping[str, bool]
    facts: Mapping[str, Any]
    # Whether a failed check is an error; otherwise it is a warning.
    is_blocking: bool = True


def each_cutoff(
    context: dg.AssetExecutionContext,
    step: Callable[[Publication, date], Outcome],
    publication: Publication,
) -> dg.MaterializeResult:
    """Run a step for every cut-off of the run, oldest first; a check passes if it always did."""
    outcomes = [
        step(publication, date.fromisoformat(key)) for key in sorted(context.partition_keys)
    ]
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
        check_results=[_check_result(name, outcomes) for name in last.checks],
    )


def _check_result(name: str, outcomes: Sequence[Outcome]) -> dg.AssetCheckResult:
    """The check over all cut-offs: an error only if one of those that block failed it."""
    failed = [outcome for outcome in outcomes if not outcome.checks[name]]
    blocking = [outcome for outcome in failed or outcomes if outcome.is_blocking]
    return dg.AssetCheckResult(
        check_name=name,
        passed=not failed,
        metadata=dict((failed or outcomes)[-1].facts),
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
    )


def git_sha() -> str | None:
    """The commit of the checkout; None outside a git repository."""
    # A wheel may be installed somewhere in the repository of another project.
    if not IS_CHECKOUT:
        return None
    command = ["git", "rev-parse", "HEAD"]
    try:
        found = subprocess.run(
            command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def facts(publication: Publication, name: str) -> Mapping[str, object]:
    """The facts of the newest version of a model table; empty where it was never built."""
    table = publication.newest_if_any(f"{LAYER}/{name}")
    return table.facts if table else {}
