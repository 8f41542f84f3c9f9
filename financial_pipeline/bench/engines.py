"""One loan file staged by Polars and by Spark: seconds of each, and whether all rows are equal.

Reading, typing, judging, splitting into months and accounting are all timed; the start of Spark,
paid once per run, is not.
"""

import time
from pathlib import Path
from typing import Any, Final

import click
import polars as pl

from financial_pipeline.bench.measuring import as_json_option, report, tell, work_folder
from financial_pipeline.bench.staging import ours, raw_file, simulate
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings
from financial_pipeline.spark.session import start_session

LOANS: Final = 200_000
ENGINES: Final = ("polars", "spark")
TABLES: Final = (
    "lending_club_loans",
    "lending_club_loan_snapshots",
    "quarantine",
    "row_accounting",
)
# Rows with their line numbers, and rows without them.
ORDERS: Final = (["line_number"], ["category", "reason"])


def stage_file(source: Path, root: Path, settings: Settings) -> Paths:
    """Stage one loan file below `root`; raises RefusedFile if it is refused."""
    ours(raw_file(source), root, settings)
    return Paths(root)


def tables(paths: Paths) -> dict[str, pl.DataFrame]:
    """Every table that staging one loan file leaves, its rows in order."""
    return {name: in_order(pl.read_parquet(paths.staging(name) / "*.parquet")) for name in TABLES}


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by line, or by reason where they count lines."""
    return rows.sort(next(by for by in ORDERS if by[0] in rows.columns))


def run(source: Path | None, loans: int, *, seed: int) -> dict[str, Any]:
    """Stage a file, or this many simulated loans, with each engine.

    Keys: name, rows, quarantined, polars_seconds, spark_seconds, equal (every table has the same
    columns, types and rows, quarantine and accounting included).
    """
    seconds: dict[str, float] = {}
    found: dict[str, dict[str, pl.DataFrame]] = {}
    start_session()
    with work_folder() as folder:
        if source is None:
            source = folder / "accepted.csv"
            tell(f"writing {loans:,} loans")
            simulate(source, loans, seed)
        for engine in ENGINES:
            settings = Settings().model_copy(update={"loan_staging_engine": engine})
            start = time.perf_counter()
            found[engine] = tables(stage_file(source, folder / engine, settings))
            seconds[engine] = time.perf_counter() - start
            tell(f"{engine}: {seconds[engine]:.1f} s")
    ours, theirs = (found[engine] for engine in ENGINES)
    return {
        "name": "engines",
        "rows": ours["lending_club_loans"].height,
        "quarantined": ours["quarantine"].height,
        **{f"{engine}_seconds": round(seconds[engine], 2) for engine in ENGINES},
        "equal": all(is_equal(ours[name], theirs[name]) for name in TABLES),
    }


def is_equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    """Whether columns, types and rows are the same, nulls equal to nulls."""
    return ours.schema == theirs.schema and ours.equals(theirs)


@click.command()
@click.option("--loans", default=LOANS, show_default=True, type=click.IntRange(1))
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Stage this loan file instead of simulated loans.",
)
@as_json_option
def engines(loans: int, source: Path | None, as_json: bool) -> None:
    """Stage the same loans with Polars and with Spark: seconds, and whether all rows are equal."""
    report(run(source, loans, seed=Settings().seed), as_json)
