"""Spark agrees with scikit-learn on the same loans, and the check notices when it does not."""

from collections.abc import Sequence

import pytest
from pyspark.sql import DataFrame

from financial_pipeline.defs.ml import spark_agreement, tables
from financial_pipeline.ml import spark_logistic
from financial_pipeline.ml.spark_logistic import SparkDefaultModel, fit_spark
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.spark.session import start_session
from financial_pipeline_tests.ml.loans import CUTOFF


@pytest.fixture(autouse=True)
def _session() -> None:
    """One thread is enough; a session that is there already is joined."""
    start_session("local[1]")


def test_spark_agrees_in_auc_and_in_rank(paths: Paths) -> None:
    outcome = spark_agreement.compare_on_spark(Publication(paths, "test"), CUTOFF)
    rows = tables.read(Publication(paths, "test"), "spark_agreement", CUTOFF)
    assert outcome.checks == {"spark_agrees_with_scikit_learn": True}
    assert rows["model"].to_list() == ["borrower_only"]
    assert rows["auc_difference"].abs().max() <= 0.002
    assert rows["rank_correlation"].min() > 0.999


def test_a_spark_model_of_other_features_fails_the_check(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit_two(training: DataFrame, features: Sequence[str], loans: int) -> SparkDefaultModel:
        return fit_spark(training, features[:2], loans)

    monkeypatch.setattr(spark_logistic, "fit_spark", fit_two)
    outcome = spark_agreement.compare_on_spark(Publication(paths, "test"), CUTOFF)
    assert outcome.checks == {"spark_agrees_with_scikit_learn": False}
