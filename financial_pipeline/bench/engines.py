"""One loan file staged by Polars and by Spark: seconds of each, and whether all rows are equal.

Reading, typing, judging, splitting into months and accounting are all timed; the start of Spark,
paid once per run, is not.
"""

import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
import polars as pl

from financial_pipeline.bench.staging import SNAPSHOT, raw_file, simulate
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings
from financial_pipeline.spark.session import start_session
from financial_pipeline.staging import loans as loan_staging

LOANS: Final = 200_000
ENGINES: Final = ("polars", "spark")
TABLES: Final = (
    "lending_club_loans",
    "lending_club_loan_snapshots",
    "quarantine",
    "row_accounting",
)
# Of rows that say in which line they stood, and of those that do not.
ORDERS: Final = (["line_number"], ["category", "reason"])


def staged(source: Path, root: Path, settings: Settings) -> dict[str, pl.DataFrame]:
    """Every table that staging one loan file leaves below `root`, its rows in order.

    Raises RefusedFile if the file is refused.
    """
    file, paths = raw_file(source), Paths(root)
    first, last = settings.first_issue_month, max(SNAPSHOT, file.landed.last_date)
    loan_staging.stage_snapshots(
        paths, [file], first, _snapshot(file.landed.snapshot_date), settings
    )
    loan_staging.stage_issue_months(paths, [file], first, last, settings)
    tables = {name: pl.read_parquet(paths.staging(name) / "*.parquet") for name in TABLES}
    orders = {name: next(by for by in ORDERS if by[0] in tables[name].columns) for name in TABLES}
    return {name: rows.sort(orders[name]) for name, rows in tables.items()}


def _snapshot(month: date | None) -> date:
    return max(SNAPSHOT, month or SNAPSHOT)


def run(
    source: Path | None, loans: int, *, seed: int, tell: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Stage a file, or so many simulated loans, with each engine.

    Keys: name, rows, quarantined, polars_seconds, spark_seconds, equal (every table has the same
    columns, types and rows, quarantine and accounting included).
    """
    root = Settings().data_root / "bench"
    root.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    found: dict[str, dict[str, pl.DataFrame]] = {}
    start_session()
    with TemporaryDirectory(dir=root) as folder:
        if source is None:
            source = Path(folder) / "accepted.csv"
            tell(f"writing {loans:,} loans")
            simulate(source, loans, seed)
        for engine in ENGINES:
            settings = Settings().model_copy(update={"loan_staging_engine": engine})
            start = time.perf_counter()
            found[engine] = staged(source, Path(folder) / engine, settings)
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def engines(loans: int, source: Path | None, as_json: bool) -> None:
    """Stage the same loans with Polars and with Spark: seconds, and whether all rows are equal."""
    seed = Settings().seed
    result = run(source, loans, seed=seed, tell=lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name:>14}  {value}")
