"""The whole run over loan files of so many rows: seconds by job, peak of memory, and disk.

The simulator writes one loan file, one rejections file, prices and macro series into a drop folder.
A process of its own runs `demo` on it from nothing, and again with nothing changed.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from financial_pipeline.bench.measuring import as_json_option, slope, work_folder
from financial_pipeline.bench.process_use import MEGABYTE, sample_peak
from financial_pipeline.bench.staging import SNAPSHOT, UPSTREAM_LOANS
from financial_pipeline.errors import PipelineError
from financial_pipeline.settings import Settings
from financial_pipeline.simulator.loan_files import write_loan_files
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.simulator.rejections import write_rejections

# Rows of the upstream rejections file of the end of 2018.
UPSTREAM_REJECTIONS: Final = 27_648_741
# A line of the command's report: job, partitions, seconds.
JOB: Final = re.compile(r"^(\w+_job) .* (\d+\.\d) s\b", re.MULTILINE)

Row = dict[str, Any]


def simulate(landing: Path, loans: int, rejections: int, seed: int) -> None:
    """Write a drop folder with one loan file, one rejections file, prices and macro series."""
    landing.mkdir()
    write_loan_files({landing / "accepted.csv": SNAPSHOT}, loans=loans, seed=seed)
    if rejections:
        write_rejections(landing / "rejected.csv", rows=rejections, seed=seed)
    write_prices(landing / "prices", seed)
    write_macro(landing / "fred", seed)


def disk_mb(folder: Path) -> float:
    """Return the size of the files of a folder, MB; a file with several names counts once."""
    found = [path.lstat() for path in folder.rglob("*") if path.is_file()]
    return sum({each.st_ino: each.st_size for each in found}.values()) / MEGABYTE


def seconds_by_job(report: str) -> dict[str, float]:
    """Add up the seconds of each job in the report of a command."""
    found: dict[str, float] = defaultdict(float)
    for job, seconds in JOB.findall(report):
        found[job] += float(seconds)
    return {job: round(seconds, 1) for job, seconds in found.items()}


def run_demo(log: Path, *options: str) -> Row:
    """Run the command `demo` in a process of its own, whose output goes to `log`.

    Keys: seconds, processor_seconds, peak_mb and jobs. Raises PipelineError if it fails.
    """
    program = "from financial_pipeline.cli.main import main; main()"
    command = [sys.executable, "-c", program, "demo", *options]
    start = time.perf_counter()
    with (
        log.open("w+", encoding="utf-8") as out,
        subprocess.Popen(command, stdout=out, stderr=out) as process,
        sample_peak(process.pid) as peak,
    ):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        report = out.read()
    if process.returncode:
        raise PipelineError(f"The measured demo failed: {report[-2000:]}")
    return {
        "seconds": round(time.perf_counter() - start, 1),
        # Those of this process and the children it waited for; Spark's Java is no such child.
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(peak.mb(usage)),
        "jobs": seconds_by_job(report),
    }


def measure(loans: int, rejections: int, seed: int) -> Row:
    """Simulate one world in a folder of its own, run it twice, and remove it."""
    with work_folder() as folder:
        landing, root = folder / "landing", folder / "root"
        simulate(landing, loans, rejections, seed)
        options = ["--source", "files", "--no-stream", "--landing", str(landing)]
        options += ["--data-root", str(root)]
        first = run_demo(folder / "report.txt", *options)
        size = disk_mb(root)
        again = run_demo(folder / "report.txt", *options)
    return {
        "loans": loans,
        "rejections": rejections,
        **first,
        "disk_mb": round(size),
        "again_seconds": again["seconds"],
    }


def _tell(row: Row, tell: Callable[[str], None]) -> None:
    tell(
        f"{row['loans']:,} loans, {row['rejections']:,} rejections: {row['seconds']} s, peak"
        f" {row['peak_mb']:,} MB, disk {row['disk_mb']:,} MB; again {row['again_seconds']} s"
    )
    for job, seconds in row["jobs"].items():
        tell(f"  {job:<22} {seconds:8.1f} s")


@click.command()
@click.option(
    "--loans",
    multiple=True,
    default=(UPSTREAM_LOANS,),
    show_default=True,
    type=click.IntRange(1),
    help="Loans of a world; give it again for the slope from the smallest to the largest.",
)
@click.option(
    "--rejections",
    default=UPSTREAM_REJECTIONS,
    show_default=True,
    type=click.IntRange(0),
    help="Rejected applications of each world.",
)
@as_json_option
def world(loans: Sequence[int], rejections: int, as_json: bool) -> None:
    """Run everything over full-size files: seconds by job, peak memory and disk."""
    rows = []
    for count in sorted(set(loans)):
        rows.append(measure(count, rejections, Settings().seed))
        _tell(rows[-1], lambda text: click.echo(text, err=as_json))
    slopes = {f"{name}_per_million": slope(rows, name, 1) for name in ("seconds", "peak_mb")}
    if as_json:
        load = round(os.getloadavg()[0], 1)
        click.echo(json.dumps({"name": "world", "load_average": load, "worlds": rows, **slopes}))
    elif len(rows) > 1:
        click.echo(f"per million loans: {slopes}")
