"""The same model fitted and scored on Spark, beside scikit-learn's."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl
import scipy

from financial_pipeline.defs.ml import tables
from financial_pipeline.defs.ml.evaluation import stored_models
from financial_pipeline.defs.ml.tables import Outcome, each_cutoff
from financial_pipeline.defs.partitions import CUTOFFS
from financial_pipeline.defs.resources import OWNERS, Pipeline
from financial_pipeline.ml.discrimination import auc
from financial_pipeline.ml.portfolio import DECIDING
from financial_pipeline.ml.train import DefaultModel
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.spark.session import start_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MAX_AUC_DIFFERENCE = 0.002
MIN_RANK_CORRELATION = 0.999
CHECK = "spark_agrees_with_scikit_learn"


def compare_on_spark(publication: Publication, cutoff: date) -> Outcome:
    """Fit the deciding model of one cut-off on Spark, score the test loans there, and compare."""
    _, models = stored_models(publication, cutoff)
    upstream = tables.built_from(publication, "ml/training_set", "ml/default_model")
    tested = tables.read(publication, "training_set", cutoff).filter(
        pl.col("split") == "out_of_time"
    )
    if not models or tested.is_empty():
        reason = "no model was trained" if not models else "no loan to test on"
        return Outcome(
            [tables.write(publication, "spark_agreement", cutoff, [], upstream)],
            {CHECK: True},
            {"reason": reason},
        )
    frame = _on_spark(start_session(), _partition(publication, cutoff))
    row = _compared(frame, models[DECIDING], tested)
    table = tables.write(publication, "spark_agreement", cutoff, [row], upstream)
    return Outcome([table], {CHECK: row["agrees"]}, {"auc_difference": row["auc_difference"]})


def _partition(publication: Publication, cutoff: date) -> Path:
    files = publication.files("ml/training_set")
    return next(file for file in files if file.stem == cutoff.isoformat())


def _on_spark(session: "SparkSession", file: Path) -> "DataFrame":
    return session.read.parquet(str(file)).cache()


def _compared(frame: "DataFrame", model: DefaultModel, tested: pl.DataFrame) -> dict[str, Any]:
    # Imported here: only this step fits on Spark.
    from financial_pipeline.ml.spark_logistic import fit_spark

    spark_model = fit_spark(frame.filter("split = 'train'"), model.features, model.training_loans)
    scored = pl.from_arrow(spark_model.predict(frame.filter("split = 'out_of_time'")).toArrow())
    joined = tested.select("loan_key", "default_d1").with_columns(pd_here=model.predict(tested))
    both = joined.join(pl.DataFrame(scored), on="loan_key", how="left", maintain_order="left")
    target = both["default_d1"].to_numpy()
    here, there = auc(target, both["pd_here"]), auc(target, both["pd"])
    correlation = float(scipy.stats.spearmanr(both["pd_here"], both["pd"]).statistic)
    difference = None if here is None or there is None else there - here
    return {
        "model": model.name,
        "loans": tested.height,
        "auc": here,
        "auc_spark": there,
        "auc_difference": difference or 0.0,
        "rank_correlation": correlation,
        "agrees": abs(difference or 0.0) <= MAX_AUC_DIFFERENCE
        and correlation > MIN_RANK_CORRELATION,
        "reason": None if difference is not None else "one class only in the test loans",
    }


@dg.asset(
    key=["ml", "spark_agreement"],
    group_name="ml",
    deps=[["ml", "training_set"], ["ml", "default_model"]],
    partitions_def=CUTOFFS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    owners=OWNERS,
    kinds={"spark", "parquet"},
    tags={"family": "model", "domain": "lending"},
    check_specs=tables.check_specs(
        "spark_agreement",
        spark_agrees_with_scikit_learn="AUC within 0.002, rank correlation of scores above 0.999.",
    ),
)
def spark_agreement(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row: AUC on Spark and in scikit-learn, and the rank correlation of the scores.

    The deciding model with the same preparation and penalty, fitted and scored by Spark on the
    same training set.
    """
    return each_cutoff(context, compare_on_spark, pipeline.publication)
