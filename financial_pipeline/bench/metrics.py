"""Each metric table on Spark and by DuckDB's recomputation, on simulated loans and prices.

Every measurement is a process of its own, so that its peak of memory is its own; Spark's start is
timed apart from the metric. Both read the same Parquet files, and their rows are compared.
"""

import os
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Final

import click
import polars as pl
from pyspark.sql import SparkSession

from financial_pipeline.bench import metric_marts
from financial_pipeline.bench.measuring import (
    as_json_option,
    report,
    run_in_own_process,
    slope,
    tell,
    work_folder,
)
from financial_pipeline.crosscheck.agreement import compare
from financial_pipeline.crosscheck.recompute import recompute
from financial_pipeline.files import move_folder
from financial_pipeline.settings import Settings
from financial_pipeline.spark.catalogue import METRICS, PRICES, Metric
from financial_pipeline.spark.session import LARGE_LOANS, start_session

MASTER: Final = "local[2]"
LOANS: Final = (100_000, 500_000, 2_300_000)
ENGINES: Final = ("spark", "duckdb")
# All partitions of the simulated world; of the as-of months, each of which reads all, the newest.
RANGES: Final = {
    "issue_month": (date(2007, 6, 1), date(2018, 12, 1)),
    "vintage_quarter": (date(2007, 4, 1), date(2018, 10, 1)),
    "snapshot_month": (date(2007, 6, 1), date(2019, 3, 1)),
    "session_date": (date(2000, 1, 3), date(2019, 3, 31)),
    "as_of_month": (date(2019, 3, 1), date(2019, 3, 1)),
}

Row = dict[str, Any]


def _computed(
    engine: str, names: Sequence[str], marts: Path, target: Path, loans: int
) -> tuple[float, float]:
    """Run the measured process: write the last table; return its seconds and those of a start."""
    before = time.perf_counter()
    is_large = loans > LARGE_LOANS
    session = start_session(MASTER, is_large=is_large) if engine == "spark" else None
    started = time.perf_counter()
    for name in names:
        start = time.perf_counter()
        rows = _rows(METRICS[name], marts, session)
        seconds = time.perf_counter() - start
    rows.write_parquet(target)
    return seconds, started - before


def _rows(metric: Metric, marts: Path, session: SparkSession | None) -> pl.DataFrame:
    """Compute a metric on Spark, or with DuckDB if there is no session."""
    (first, last), lag = RANGES[metric.table.partition], Settings().default_lag_months
    files = {mart: sorted((marts / mart).glob("*.parquet")) for mart in metric.inputs}
    if session is None:
        return recompute(metric.table, files, first, last, default_lag_months=lag)
    frames = {mart: session.read.parquet(*map(str, paths)) for mart, paths in files.items()}
    table = metric.compute(session, frames, first, last, default_lag_months=lag).toArrow()
    return pl.DataFrame(pl.from_arrow(table))


def _measure_metric(
    name: str, marts: Path, work: Path, loans: int, *, in_order: bool
) -> tuple[Row, float]:
    """The row of one metric on so many loans (0: market tables), and the seconds of Spark's start.

    `in_order` computes the metrics before it in the same processes first, as a run does.

    Keys: metric, rows, spark_seconds, duckdb_seconds, ratio, spark_peak_mb, duckdb_peak_mb (of the
    whole process, Spark's JVM included) and agrees.
    """
    targets = {engine: work / f"{engine}.parquet" for engine in ENGINES}
    seconds, starts, peaks = {}, {}, {}
    same = [other for other in METRICS if _is_of_loans(other) == _is_of_loans(name)]
    names = same[: same.index(name) + 1] if in_order else [name]
    for engine, target in targets.items():
        (seconds[engine], starts[engine]), peaks[engine] = run_in_own_process(
            _computed, engine, names, marts, target, loans, with_children=True
        )
    ours, again = (pl.read_parquet(path) for path in targets.values())
    row = {
        "metric": name,
        "rows": ours.height,
        **{f"{engine}_seconds": round(one, 3) for engine, one in seconds.items()},
        "ratio": round(seconds["spark"] / seconds["duckdb"], 2),
        **{f"{engine}_peak_mb": round(one, 1) for engine, one in peaks.items()},
        "agrees": compare(METRICS[name].table, ours, again).holds,
    }
    return row, starts["spark"]


def _is_of_loans(name: str) -> bool:
    return METRICS[name].inputs[0] != PRICES


def slopes(rows: Sequence[Row]) -> list[Row]:
    """Seconds per further million loans, from the smallest book to the largest, of each metric."""
    found = []
    for name in METRICS:
        sizes = [row for row in rows if row["metric"] == name]
        if len(sizes) > 1:
            per_million = {
                f"{engine}_seconds_per_million_loans": slope(sizes, f"{engine}_seconds", 3)
                for engine in ENGINES
            }
            found.append({"metric": name, **per_million})
    return found


def _marts(folder: Path, loans: int, seed: int) -> Path:
    """Return the folder of the marts of this many loans, written if it does not exist."""
    marts = folder / f"seed-{seed}-loans-{loans}"
    if not marts.exists():
        work = folder / f".{marts.name}.{os.getpid()}.tmp"
        metric_marts.write_loan_marts(work, loans, seed)
        metric_marts.write_market_marts(work, seed)
        move_folder(work, marts)
    return marts


def run(
    loans: Sequence[int],
    *,
    metrics: Sequence[str] = (),
    seed: int,
    keep: Path | None = None,
    in_order: bool = False,
) -> Row:
    """Measure the metrics (default: all) on books of so many loans; market tables once.

    `keep` is a folder that keeps the simulated marts for another run; `in_order` as in
    `_measure_metric`. Keys: name, master,
    load_average (seconds mean little on a busy machine), spark_start_seconds (median), metrics
    (as `_measure_metric`, with loans: 0 for market tables) and slopes.
    """
    names = [name for name in METRICS if not metrics or name in metrics]
    rows: list[Row] = []
    starts: list[float] = []
    with work_folder() as folder:
        for book in sorted(set(loans)):
            tell(f"simulating {book:,} loans")
            marts = _marts(keep or folder, book, seed)
            for name in names:
                if _is_of_loans(name) or book == max(loans):
                    size = book if _is_of_loans(name) else 0
                    row, start = _measure_metric(name, marts, folder, size, in_order=in_order)
                    rows.append({"loans": size, **row})
                    starts.append(start)
                    tell(_line(rows[-1]))
    return {
        "name": "metrics",
        "master": MASTER,
        "load_average": round(os.getloadavg()[0], 1),
        "spark_start_seconds": round(median(starts), 2),
        "metrics": rows,
        "slopes": slopes(rows),
    }


def _line(row: Row) -> str:
    return (
        f"{row['metric']:<23} {row['loans']:>9,} loans  spark {row['spark_seconds']:7.2f} s"
        f" {row['spark_peak_mb']:6,.0f} MB  duckdb {row['duckdb_seconds']:6.2f} s"
        f" {row['duckdb_peak_mb']:6,.0f} MB  {'agrees' if row['agrees'] else 'DISAGREES'}"
    )


@click.command()
@click.option(
    "--loans",
    multiple=True,
    default=LOANS,
    show_default=True,
    type=click.IntRange(1),
    help="Size of a loan book; give it again for the slope from the smallest to the largest.",
)
@click.option(
    "--metric", "names", multiple=True, type=click.Choice(list(METRICS)), help="Default: all."
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that keeps the simulated tables for another run.",
)
@click.option(
    "--in-order",
    is_flag=True,
    help="Compute the metrics before it in the same session first, as a run does.",
)
@as_json_option
def metrics(
    loans: Sequence[int], names: Sequence[str], keep: Path | None, in_order: bool, as_json: bool
) -> None:
    """Compute each metric table on Spark and with DuckDB: seconds and peak memory."""
    result = run(loans, metrics=names, seed=Settings().seed, keep=keep, in_order=in_order)
    if as_json:
        report(result, as_json)
        return
    click.echo(f"Spark starts in {result['spark_start_seconds']} s, once per run.")
    for row in result["metrics"]:
        click.echo(_line(row))
    for row in result["slopes"]:
        spark, duckdb = (row[f"{engine}_seconds_per_million_loans"] for engine in ENGINES)
        click.echo(f"{row['metric']:<23} per million loans: spark {spark} s, duckdb {duckdb} s")
