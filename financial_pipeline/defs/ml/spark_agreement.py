"""The deciding model fitted and scored a second time, on Spark."""

from datetime import date

import dagster as dg
import polars as pl

from financial_pipeline.defs.ml import tables
from financial_pipeline.defs.ml.evaluation import refusal_reason, stored_models
from financial_pipeline.defs.ml.tables import Outcome, each_cutoff
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.ml.portfolio import DECIDING
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.spark.session import start_session

CHECK = "spark_agrees_with_scikit_learn"


def compare_on_spark(publication: Publication, cutoff: date) -> Outcome:
    """Fit the deciding model of one cut-off on Spark, score the test loans there, and compare."""
    _, models = stored_models(publication, cutoff)
    upstream = publication.content_hashes("ml/training_set", "ml/default_model")
    tested = tables.read(publication, "training_set", cutoff).filter(
        pl.col("split") == "out_of_time"
    )
    if not models or tested.is_empty():
        reason = refusal_reason(publication, cutoff) or "no loan to test on"
        refused = [{"model": DECIDING, "loans": tested.height, "reason": reason}]
        table = tables.write(publication, "spark_agreement", cutoff, refused, upstream)
        return Outcome([table], {CHECK: True}, {"reason": reason})
    # Imported here: only this step fits on Spark.
    from financial_pipeline.ml.spark_logistic import compare

    files = publication.files("ml/training_set")
    file = next(file for file in files if file.stem == cutoff.isoformat())
    frame = start_session().read.parquet(str(file))
    row = compare(frame, models[DECIDING], tested)
    table = tables.write(publication, "spark_agreement", cutoff, [row], upstream)
    return Outcome([table], {CHECK: row["agrees"]}, {"auc_difference": row["auc_difference"]})


@tables.model_asset(
    "spark_agreement",
    ["ml/training_set", "ml/default_model"],
    {"spark", "parquet"},
    spark_agrees_with_scikit_learn="AUC within 0.002, rank correlation of scores above 0.999.",
)
def spark_agreement(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row: AUC on Spark and in scikit-learn, and the rank correlation of the scores.

    The deciding model with the same preparation and penalty, fitted and scored by Spark on the
    same training set.
    """
    return each_cutoff(context, compare_on_spark, pipeline.publication)
