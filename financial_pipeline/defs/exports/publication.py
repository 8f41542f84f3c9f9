"""Published tables that are no marts, and the manifest that makes a publication current."""

from collections.abc import Callable

import dagster as dg

from financial_pipeline import world
from financial_pipeline.defs.operations import ENDED
from financial_pipeline.defs.resources import Pipeline, runs_of
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.publication import Publication, pending, publish
from financial_pipeline.publishing.versions import GIB, Retention
from financial_pipeline.raw import restatements
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline.schemas.raw import RAW_DATASETS
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline.staging import loan_restatements, row_accounting

STAGED = ("lending_club_loan_snapshots", *RAW_DATASETS)
LEDGERS = ("row_accounting", "price_restatements", "loan_restatements")
MODEL = tuple(name for name, table in MODEL_TABLES.items() if table.written_by is None)


def _write_and_register(
    pipeline: Pipeline, export: Callable[[Paths], PublishedTable]
) -> dg.MaterializeResult:
    """Write a table that each publication makes whole, and register it."""
    # The version with the highest number becomes current: it has to be the one read last.
    with locked(pipeline.paths.data_root / ".ledgers.lock"):
        table = export(pipeline.paths)
    pipeline.publication.register(table)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": table.rows, "content_hash": table.content_hash}
    )


@dg.asset(
    key=["exports", "row_accounting"],
    deps=[["staging", dataset] for dataset in STAGED],
    kinds={"polars", "parquet"},
    tags={"family": "publish"},
)
def row_accounting_table(pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per raw file, kind of line and reason: the destination of every physical line."""
    return _write_and_register(pipeline, row_accounting.export)


@dg.asset(
    key=["exports", "price_restatements"],
    deps=[["raw", "bank_prices"]],
    kinds={"polars", "parquet"},
    tags={"family": "publish"},
)
def price_restatements(pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per bank, session and field whose stored value a newer file changed, with why.

    Each file is compared with the last ten sessions stored before it.
    """
    return _write_and_register(pipeline, restatements.export)


@dg.asset(
    key=["exports", "loan_restatements"],
    deps=[["staging", "lending_club_loan_snapshots"]],
    kinds={"polars", "parquet"},
    tags={"family": "publish"},
)
def loan_restatement_table(pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per loan, snapshot and column whose value a later file of that snapshot changed."""
    return _write_and_register(pipeline, loan_restatements.export)


def finished_publications(instance: dg.DagsterInstance, own: Publication) -> list[str]:
    """Return the publications that can become current: this one, and those that succeeded.

    Registrations of publications that failed, or that the instance does not know, are removed.
    """
    finished = [own.run]
    for name in pending(own.paths):
        if name == own.run:
            continue
        statuses = {run.status for run in runs_of(instance, name)}
        if statuses == {dg.DagsterRunStatus.SUCCESS}:
            finished.append(name)
        elif statuses <= {*ENDED}:
            Publication(own.paths, name).discard()
    return finished


@dg.asset(
    key=["exports", "published_manifest"],
    deps=[
        *(["exports", name] for name in (*MARTS, *LEDGERS)),
        *(["metrics", name] for name in METRICS),
        *(["ml", name] for name in MODEL),
    ],
    kinds={"python", "json"},
    tags={"family": "publish"},
)
def published_manifest(
    context: dg.AssetExecutionContext, pipeline: Pipeline
) -> dg.MaterializeResult:
    """One manifest naming the current folder of every table; it moves in one rename.

    Tables whose blocking checks failed stay at their last published version. The publication of
    this run becomes current, with other publications whose runs all succeeded; those of failed or
    cancelled runs are dropped, and those of active runs wait for their own end.
    """
    runs = finished_publications(context.instance, pipeline.publication)
    settings = pipeline.settings
    retention = Retention(settings.kept_versions, int(settings.kept_gib * GIB))
    manifest = publish(pipeline.paths, runs, world.describe(settings), retention)
    return dg.MaterializeResult(
        metadata={
            "version": manifest.version,
            "dagster/row_count": len(manifest.tables),
            "content_hashes": {key: table.content_hash for key, table in manifest.tables.items()},
            "path": dg.MetadataValue.path(str(pipeline.paths.manifest)),
        }
    )
