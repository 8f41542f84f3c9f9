"""What every publication carries beside the marts, and the manifest that makes it current."""

import dagster as dg

from financial_pipeline import world
from financial_pipeline.defs.resources import OWNERS, Pipeline
from financial_pipeline.publishing import published
from financial_pipeline.raw import restatements
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline.staging import row_accounting

STAGED = (
    "lending_club_loan_snapshots",
    "lending_club_loans",
    "lending_club_rejections",
    "bank_prices",
    "fred_observations",
)
MODEL = (
    *("training_set", "default_model", "evaluation", "scores", "drift", "threshold_table"),
    *("spark_agreement", "model_card"),
)


@dg.asset(
    key=["exports", "row_accounting"],
    group_name="exports",
    deps=[["staging", dataset] for dataset in STAGED],
    owners=OWNERS,
    kinds={"polars", "parquet"},
    tags={"family": "publish"},
)
def row_accounting_table(pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per raw file, kind of line and reason: where every physical line went."""
    table = row_accounting.export(pipeline.paths)
    published.register(pipeline.paths, table)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": table.rows, "content_hash": table.content_hash}
    )


@dg.asset(
    key=["exports", "price_restatements"],
    group_name="exports",
    deps=[["raw", "bank_prices"]],
    owners=OWNERS,
    kinds={"polars", "parquet"},
    tags={"family": "publish"},
)
def price_restatements(pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per bank, session and field whose stored value a newer file changed, with why.

    Each file is compared with the last ten sessions stored before it.
    """
    table = restatements.export(pipeline.paths)
    published.register(pipeline.paths, table)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": table.rows, "content_hash": table.content_hash}
    )


@dg.asset(
    key=["exports", "published_manifest"],
    group_name="exports",
    deps=[
        *(["exports", name] for name in (*MARTS, "row_accounting", "price_restatements")),
        *(["metrics", name] for name in METRICS),
        *(["ml", name] for name in MODEL),
    ],
    owners=OWNERS,
    kinds={"python", "json"},
    tags={"family": "publish"},
)
def published_manifest(pipeline: Pipeline) -> dg.MaterializeResult:
    """One manifest naming the current folder of every table; it moves in one rename.

    Tables whose blocking checks failed stay at their last published version.
    """
    manifest = published.publish(pipeline.paths, world.describe(pipeline.settings))
    return dg.MaterializeResult(
        metadata={
            "version": manifest.version,
            "dagster/row_count": len(manifest.tables),
            "content_hashes": {key: table.content_hash for key, table in manifest.tables.items()},
            "path": dg.MetadataValue.path(str(pipeline.paths.manifest)),
        }
    )
