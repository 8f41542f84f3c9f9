"""Training the default model against a bare scikit-learn fit on the same matrix.

Ours raises the leak alarm over every class X column and fits the listed features; bare fits the
same steps as a plain scikit-learn pipeline, its own encoder included, and asks nothing. Simulating
the loans and reading the matrix stay outside.
"""

import time
from pathlib import Path
from typing import Final

import click
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from financial_pipeline.bench.measuring import (
    ROUNDS,
    as_json_option,
    ours_against_bare,
    report,
    run_in_own_process,
    tell,
    work_folder,
)
from financial_pipeline.bench.simulated_marts import outcome_columns, simulated_marts
from financial_pipeline.ml.features import FEATURE_SETS, FEATURES, build_features
from financial_pipeline.ml.leak_alarm import check_inputs
from financial_pipeline.ml.populations import d1_cohort
from financial_pipeline.ml.preparation import QuantileClipper
from financial_pipeline.ml.train import MAX_ITERATIONS, MIN_LEVEL_LOANS, fit_model
from financial_pipeline.schemas.lending_club import CLASS_X
from financial_pipeline.settings import Settings

LOANS: Final = 2_300_000
MODEL: Final = "platform_informed"
TARGET: Final = "default_d1"


def ours(matrix: pl.DataFrame) -> None:
    """Refuse leaks, then fit."""
    target = matrix[TARGET].to_numpy()
    check_inputs(matrix.select(*FEATURES), target, matrix.select(sorted(CLASS_X)))
    fit_model(MODEL, matrix, target)


def bare(matrix: pl.DataFrame) -> None:
    """The steps of methodology 1.7 as scikit-learn offers them."""
    names = FEATURE_SETS[MODEL]
    numeric = [name for name in names if FEATURES[name].is_numeric]
    levels = [name for name in names if name not in numeric]
    numbers = [("impute", SimpleImputer(strategy="median")), ("winsorise", QuantileClipper())]
    encoder = OneHotEncoder(
        handle_unknown="ignore", min_frequency=MIN_LEVEL_LOANS, sparse_output=False
    )
    prepare = ColumnTransformer(
        [
            ("number", Pipeline([*numbers, ("standardise", StandardScaler())]), numeric),
            ("missing", MissingIndicator(error_on_new=False), numeric),
            ("level", encoder, levels),
        ],
        sparse_threshold=0,
    )
    fit = LogisticRegression(C=1.0, max_iter=MAX_ITERATIONS)
    plain = Pipeline([("prepare", prepare), ("fit", fit)])
    plain.fit(matrix.select(names), matrix[TARGET].to_numpy())


def write_matrix(path: Path, loans: int, seed: int) -> None:
    """The matured loans of so many simulated ones: features, target and class X columns."""
    marts = simulated_marts(loans, seed)
    cohort = d1_cohort(build_features(marts.lazy()), marts.lazy())
    outcomes = outcome_columns(marts[cohort["loan_key"] - 1])
    pl.concat([cohort, outcomes], how="horizontal").write_parquet(path)


def run(loans: int, *, rounds: int = ROUNDS, seed: int) -> dict[str, str | int | float]:
    """Measure both; keys: name, loans, matured_loans, and those of `ours_against_bare`."""
    with work_folder() as folder:
        path = folder / "matrix.parquet"
        tell(f"simulating {loans:,} loans")
        run_in_own_process(write_matrix, path, loans, seed)
        matured = pl.scan_parquet(path).select(pl.len()).collect().item()
        found = ours_against_bare(lambda which: run_in_own_process(seconds_of, which, path), rounds)
    return {"name": "model", "loans": loans, "matured_loans": matured, **found}


def seconds_of(which: str, path: Path) -> float:
    """Run the measured process: read the matrix, then return the seconds that a fit takes."""
    matrix = pl.read_parquet(path)
    start = time.perf_counter()
    {"ours": ours, "bare": bare}[which](matrix)
    return time.perf_counter() - start


@click.command()
@click.option("--loans", default=LOANS, show_default=True, type=click.IntRange(1))
@as_json_option
def model(loans: int, as_json: bool) -> None:
    """Train on simulated matured loans, and fit scikit-learn bare: seconds and peak memory."""
    report(run(loans, seed=Settings().seed), as_json)
