"""Staging of the 151-column loan file against a bare Polars scan and sink with the same casts.

Ours reads to typed rows, one partition per issue month, with quarantine and row accounting; bare
writes one unpartitioned file and checks nothing. Recognising and archiving the file stay outside.
"""

import hashlib
import time
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import polars as pl

from financial_pipeline.bench.measuring import (
    ROUNDS,
    as_json_option,
    ours_against_bare,
    report,
    run_in_own_process,
    tell,
    work_folder,
)
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import COMPRESSION
from financial_pipeline.schemas.lending_club import (
    INTEGER_COLUMNS,
    LOAN_COLUMNS,
    MONTH_COLUMNS,
    TEXT_COLUMNS,
)
from financial_pipeline.schemas.loan_rules import NUMBER_COLUMNS
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.settings import Settings
from financial_pipeline.simulator.loan_files import write_loan_files
from financial_pipeline.sources import lending_club
from financial_pipeline.sources.loan_units import PER_CENT
from financial_pipeline.staging import loans as loan_staging

# The loans of the upstream file of the end of 2018.
UPSTREAM_LOANS: Final = 2_260_668
SNAPSHOT: Final = date(2019, 3, 1)


def _bare_cast(column: str) -> pl.Expr:
    text = pl.col(column)
    if column in MONTH_COLUMNS:
        return ("1-" + text).str.to_date("%d-%b-%Y", strict=False).alias(column)
    if column == "term":
        return text.str.extract(r"(\d+)").cast(pl.Int64)
    if column == "emp_length":
        years = text.str.extract(r"(\d+)").cast(pl.Int64)
        return pl.when(text.str.starts_with("<")).then(0).otherwise(years).alias(column)
    if column in INTEGER_COLUMNS:
        return text.cast(pl.Int64, strict=False)
    if column == "int_rate":
        return text / PER_CENT
    return text.str.strip_chars() if column in TEXT_COLUMNS else text


def bare(source: Path, work_dir: Path) -> None:
    """Scan, cast and sink into one file, as a script without any promise would."""
    numbers = NUMBER_COLUMNS
    schema = {name: pl.Float64() if name in numbers else pl.String() for name in LOAN_COLUMNS}
    rows = pl.scan_csv(source, schema=schema, quote_char='"', glob=False)
    rows.with_columns(_bare_cast(name) for name in LOAN_COLUMNS).sink_parquet(
        work_dir / "bare.parquet", compression=COMPRESSION
    )


def ours(file: RawFile, work_dir: Path, settings: Settings) -> None:
    """Stage the snapshot and every issue month, from an empty data root."""
    paths = Paths(work_dir)
    last = max(SNAPSHOT, file.landed.last_date, file.landed.snapshot_date or SNAPSHOT)
    loan_staging.stage_snapshots(paths, [file], settings.first_issue_month, last, settings)
    loan_staging.stage_issue_months(paths, [file], settings.first_issue_month, last, settings)


def raw_file(source: Path) -> RawFile:
    """A loan file as the archive would hand it over."""
    return RawFile(
        landed=lending_club.describe(source),
        sha256=hashlib.sha256(source.name.encode()).hexdigest(),
        bytes=source.stat().st_size,
        fetched_at=datetime.now(UTC),
        source="simulated",
        is_synthetic=True,
        archived_path=source,
    )


def seconds_of(which: str, source: Path, work_dir: Path) -> float:
    """Run the measured process: recognise the file, then return the seconds of the work."""
    file, settings = raw_file(source), Settings()
    start = time.perf_counter()
    ours(file, work_dir, settings) if which == "ours" else bare(source, work_dir)
    return time.perf_counter() - start


def simulate(source: Path, loans: int, seed: int) -> None:
    """Write the 151-column file of this many simulated loans."""
    # In a process of its own, whose memory must not count for the measured ones.
    run_in_own_process(partial(write_loan_files, {source: SNAPSHOT}, loans=loans, seed=seed))


def run(loans: int, *, rounds: int = ROUNDS, seed: int) -> dict[str, str | int | float]:
    """Measure both in alternation; keys: name, loans, and those of `ours_against_bare`."""
    with work_folder() as folder:
        source = folder / "accepted.csv"
        tell(f"writing {loans:,} loans")
        simulate(source, loans, seed)

        def measure(which: str) -> tuple[float, float]:
            with TemporaryDirectory(dir=folder) as work_dir:
                return run_in_own_process(seconds_of, which, source, Path(work_dir))

        return {"name": "staging", "loans": loans, **ours_against_bare(measure, rounds)}


@click.command()
@click.option("--loans", default=UPSTREAM_LOANS, show_default=True, type=click.IntRange(1))
@as_json_option
def staging(loans: int, as_json: bool) -> None:
    """Stage a simulated loan file, and scan and sink it bare: seconds and peak memory."""
    report(run(loans, seed=Settings().seed), as_json)
