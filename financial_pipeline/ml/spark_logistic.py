"""The baseline logistic regression on Spark: a cross-check, and the way past one machine.

The same preparation as `train.logistic_pipeline`, written in DataFrame expressions: medians and
winsorising quantiles are exact, levels under 50 loans share one column, and the ridge penalty is
that of scikit-learn (C = 1 is 1/n in Spark's scale).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import scipy
from pyspark.ml.classification import LogisticRegression, LogisticRegressionModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from financial_pipeline.ml.discrimination import auc
from financial_pipeline.ml.features import FEATURES
from financial_pipeline.ml.preparation import WINSORISED_SHARE
from financial_pipeline.ml.train import MAX_ITERATIONS, MIN_LEVEL_LOANS, DefaultModel

KEY: Final = "loan_key"
TARGET: Final = "default_d1"
TOLERANCE: Final = 1e-6
MAX_AUC_DIFFERENCE: Final = 0.002
MIN_RANK_CORRELATION: Final = 0.999


@dataclass(frozen=True)
class NumberPreparation:
    """The training statistics of one number."""

    median: float
    low: float
    high: float
    mean: float
    deviation: float
    has_missing: bool


@dataclass(frozen=True)
class SparkDefaultModel:
    """A fitted Spark model with its preparation."""

    numbers: dict[str, NumberPreparation]
    levels: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    fit: LogisticRegressionModel

    def predict(self, frame: DataFrame) -> DataFrame:
        """Columns loan_key and pd, one row per row of `frame` (features and loan_key)."""
        scored = self.fit.transform(_design(frame, self.numbers, self.levels))
        return scored.select(KEY, vector_to_array(F.col("probability"))[1].alias("pd"))


def fit_spark(training: DataFrame, features: Sequence[str], loans: int) -> SparkDefaultModel:
    """Fit on training rows (features, loan_key and default_d1); `loans` is their number."""
    numeric = [name for name in features if FEATURES[name].is_numeric]
    numbers = _number_preparation(training, numeric)
    levels = _frequent_levels(training, [name for name in features if name not in numeric])
    design = _design(training, numbers, levels, F.col(TARGET).cast("double").alias(TARGET))
    learner = LogisticRegression(
        featuresCol="design",
        labelCol=TARGET,
        maxIter=MAX_ITERATIONS,
        regParam=1.0 / loans,
        standardization=False,
        tol=TOLERANCE,
    )
    return SparkDefaultModel(numbers, levels, learner.fit(design))


def compare(frame: DataFrame, model: DefaultModel, tested: pl.DataFrame) -> dict[str, Any]:
    """Fit the model on Spark too, and return the row of `ml/spark_agreement`.

    `frame` is the training set with its column `split`, `tested` its out-of-time loans.
    """
    spark_model = fit_spark(frame.filter("split = 'train'"), model.features, model.training_loans)
    scored = pl.from_arrow(spark_model.predict(frame.filter("split = 'out_of_time'")).toArrow())
    joined = tested.select("loan_key", "default_d1").with_columns(pd_here=model.predict(tested))
    both = joined.join(pl.DataFrame(scored), on="loan_key", how="left", maintain_order="left")
    target = both["default_d1"].to_numpy()
    here, there = auc(target, both["pd_here"]), auc(target, both["pd"])
    correlation = float(scipy.stats.spearmanr(both["pd_here"], both["pd"]).statistic)
    difference = 0.0 if here is None or there is None else there - here
    return {
        "model": model.name,
        "loans": tested.height,
        "auc": here,
        "auc_spark": there,
        "auc_difference": difference,
        "rank_correlation": correlation,
        "agrees": abs(difference) <= MAX_AUC_DIFFERENCE and correlation > MIN_RANK_CORRELATION,
        "reason": "one class only in the test loans" if here is None else None,
    }


def _number_preparation(training: DataFrame, names: Sequence[str]) -> dict[str, NumberPreparation]:
    """Medians, then quantiles of the imputed values, then moments of the clipped ones."""
    counts = (F.count(name).alias(f"{name}_known") for name in names)
    first = _row(training.agg(F.count("*").alias("loans"), *counts, *_each(F.median, names)))
    imputed = {name: F.coalesce(F.col(name), F.lit(first[name])) for name in names}
    shares = F.array(F.lit(WINSORISED_SHARE), F.lit(1 - WINSORISED_SHARE))
    cuts = _row(training.agg(*(F.percentile(imputed[n], shares).alias(n) for n in names)))
    clipped = {name: _clipped(imputed[name], *cuts[name]) for name in names}
    moments = _row(
        training.agg(
            *(F.mean(clipped[name]).alias(f"{name}_mean") for name in names),
            *(F.stddev_pop(clipped[name]).alias(f"{name}_deviation") for name in names),
        )
    )
    return {
        name: NumberPreparation(
            median=first[name],
            low=cuts[name][0],
            high=cuts[name][1],
            mean=moments[f"{name}_mean"],
            # A constant column is centred only, as scikit-learn does.
            deviation=moments[f"{name}_deviation"] or 1.0,
            has_missing=first[f"{name}_known"] < first["loans"],
        )
        for name in names
    }


def _frequent_levels(
    training: DataFrame, names: Sequence[str]
) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Per column its levels with at least 50 loans, and the rarer ones; counted in one pass."""
    pairs = F.explode(F.array(*(F.struct(F.lit(n).alias("n"), F.col(n).alias("v")) for n in names)))
    rows = training.select(pairs.alias("p")).groupBy("p.n", "p.v").count().collect()
    frequent: dict[str, list[str]] = {name: [] for name in names}
    rare: dict[str, list[str]] = {name: [] for name in names}
    for row in sorted(rows, key=lambda row: str(row["v"])):
        (frequent if row["count"] >= MIN_LEVEL_LOANS else rare)[row["n"]].append(row["v"])
    return {name: (tuple(frequent[name]), tuple(rare[name])) for name in names}


def _row(frame: DataFrame) -> Row:
    """The one row of an aggregate."""
    return frame.collect()[0]


def _each(function: Callable[[str], Column], names: Sequence[str]) -> list[Column]:
    return [function(name).alias(name) for name in names]


def _clipped(value: Column, low: float, high: float) -> Column:
    return F.greatest(F.least(value, F.lit(high)), F.lit(low))


def _design(
    frame: DataFrame,
    numbers: dict[str, NumberPreparation],
    levels: dict[str, tuple[tuple[str, ...], tuple[str, ...]]],
    *kept: Column,
) -> DataFrame:
    columns = [_standardised(name, prepared) for name, prepared in numbers.items()]
    columns += [
        F.col(name).isNull().cast("double")
        for name, prepared in numbers.items()
        if prepared.has_missing
    ]
    for name, (frequent, rare) in levels.items():
        columns += [(F.col(name) == level).cast("double") for level in frequent]
        if rare:
            columns.append(F.col(name).isin(*rare).cast("double"))
    return frame.select(KEY, *kept, array_to_vector(F.array(*columns)).alias("design"))


def _standardised(name: str, prepared: NumberPreparation) -> Column:
    value = F.coalesce(F.col(name), F.lit(prepared.median))
    return (_clipped(value, prepared.low, prepared.high) - F.lit(prepared.mean)) / F.lit(
        prepared.deviation
    )
