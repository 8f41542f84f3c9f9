"""A logistic regression on simulated loans ranks as well, and no better, than on real ones."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline_tests.simulator.conftest import matured

NUMBERS = ["amount", "term", "dti", "employment", "inquiries", "utilisation", "public_records"]
CATEGORIES = ["home", "purpose", "verification"]
TRAIN_SHARE = 0.7


def area_under_curve(population: pl.DataFrame, features: pl.DataFrame) -> float:
    train = np.random.default_rng(0).random(population.height) < TRAIN_SHARE
    values, bad = features.to_numpy(), population["is_default"].to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    model.fit(values[train], bad[train])
    return roc_auc_score(bad[~train], model.predict_proba(values[~train])[:, 1])


@pytest.fixture(scope="module")
def population(million_loans):
    return matured(million_loans)


@pytest.fixture(scope="module")
def borrower_features(population):
    levels = [(name, level) for name in CATEGORIES for level in population[name].unique().sort()]
    return population.select(
        *NUMBERS,
        "fico",
        pl.col("income").log(),
        (pl.col("employment") == tables.EMPLOYMENT_NOT_GIVEN).alias("no_employment"),
        *((pl.col(name) == level).alias(f"{name}_{level}") for name, level in levels),
    ).cast(pl.Float64)


def test_borrower_model_ranks_between_66_and_72_per_cent(population, borrower_features):
    assert 0.66 <= area_under_curve(population, borrower_features) <= 0.72


def test_platform_model_ranks_between_69_and_74_per_cent(population, borrower_features):
    features = borrower_features.with_columns(population["rate"])
    assert 0.69 <= area_under_curve(population, features) <= 0.74
