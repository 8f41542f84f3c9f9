"""Training the default model against a bare scikit-learn fit on the same matrix.

Ours raises the leak alarm over every class X column and fits the listed features; bare fits the
same steps as a plain scikit-learn pipeline, its own encoder included, and asks nothing. Simulating
the loans and reading the matrix stay outside.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import click
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from financial_pipeline.bench import simulated_marts as simulated
from financial_pipeline.errors import PipelineError
from financial_pipeline.ml.features import FEATURE_SETS, FEATURES, build_features
from financial_pipeline.ml.leak_alarm import check_inputs
from financial_pipeline.ml.populations import d1_cohort
from financial_pipeline.ml.preparation import QuantileClipper
from financial_pipeline.ml.train import MAX_ITERATIONS, MIN_LEVEL_LOANS, fit_model
from financial_pipeline.schemas.lending_club import CLASS_X
from financial_pipeline.settings import Settings

LOANS: Final = 2_300_000
ROUNDS: Final = 5
MODEL: Final = "platform_informed"
TARGET: Final = "default_d1"
# getrusage counts in kilobytes on Linux and in bytes on macOS.
PEAK_UNIT_BYTES: Final = 1 if sys.platform == "darwin" else 1024
MEGABYTE: Final = 1_000_000


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
    marts = simulated.simulated_marts(loans, seed)
    features = build_features(simulated.applications(marts).lazy())
    cohort = d1_cohort(features, simulated.outcomes(marts).lazy())
    outcomes = simulated.outcome_columns(marts[cohort["loan_key"] - 1])
    pl.concat([cohort, outcomes], how="horizontal").write_parquet(path)


def run(
    loans: int, *, rounds: int = ROUNDS, seed: int, tell: Callable[[str], None] = lambda text: None
) -> dict[str, str | int | float]:
    """Measure in alternation, drop the first pair, and return medians.

    Keys: name, loans, matured_loans, ours_seconds, bare_seconds, ratio, ours_peak_mb,
    bare_peak_mb (the largest).
    """
    root = Settings().data_root / "bench"
    root.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, list[float]] = {"ours": [], "bare": []}
    peaks: dict[str, list[float]] = {"ours": [], "bare": []}
    with TemporaryDirectory(dir=root) as folder:
        path = Path(folder) / "matrix.parquet"
        tell(f"simulating {loans:,} loans")
        _call("write", str(path), str(loans), str(seed))
        matured = pl.scan_parquet(path).select(pl.len()).collect().item()
        for number in range(rounds + 1):
            for which in seconds:
                took, peak = _call(which, str(path))
                tell(f"round {number} {which}: {took:.2f} s, {peak:,.0f} MB")
                if number:
                    seconds[which].append(took)
                    peaks[which].append(peak)
    return {
        "name": "model",
        "loans": loans,
        "matured_loans": matured,
        "ours_seconds": round(median(seconds["ours"]), 3),
        "bare_seconds": round(median(seconds["bare"]), 3),
        "ratio": round(median(seconds["ours"]) / median(seconds["bare"]), 3),
        "ours_peak_mb": round(max(peaks["ours"]), 1),
        "bare_peak_mb": round(max(peaks["bare"]), 1),
    }


def _call(*arguments: str) -> tuple[float, float]:
    """Seconds and peak resident megabytes of one fresh process."""
    command = [sys.executable, "-m", __name__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        # Unlike getrusage(RUSAGE_CHILDREN), this tells one child from the others.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise PipelineError(f"The measured process `{' '.join(command)}` failed; see above.")
    return float(output), usage.ru_maxrss * PEAK_UNIT_BYTES / MEGABYTE


def _child(which: str, path: Path, *world: str) -> None:
    """What a measured process does: prepare, then print the seconds that the work took."""
    if which == "write":
        write_matrix(path, *(int(number) for number in world))
        print(0.0)
        return
    matrix = pl.read_parquet(path)
    start = time.perf_counter()
    {"ours": ours, "bare": bare}[which](matrix)
    print(time.perf_counter() - start)


@click.command()
@click.option("--loans", default=LOANS, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def model(loans: int, as_json: bool) -> None:
    """Train on simulated matured loans, and fit scikit-learn bare: seconds and peak memory."""
    result = run(loans, seed=Settings().seed, tell=lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name:>14}  {value}")


if __name__ == "__main__":
    _child(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
