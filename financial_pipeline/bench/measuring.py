"""Shared by benchmarks: a folder to work in, processes of their own, rounds, and the report."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import click

from financial_pipeline.bench.process_use import Peak, sample_peak
from financial_pipeline.errors import PipelineError
from financial_pipeline.settings import Settings

Answer = TypeVar("Answer")
ROUNDS: Final = 5
PAIR: Final = ("ours", "bare")
MILLION: Final = 1_000_000

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@contextmanager
def work_folder() -> Iterator[Path]:
    """Make a folder below the data root for the length of the block."""
    root = Settings().data_root.resolve() / "bench"
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root) as folder:
        yield Path(folder)


def tell(text: str) -> None:
    """Print progress, apart from the result."""
    click.echo(text, err=True)


def report(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result as one JSON object, or one figure a line."""
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name:>20}  {value}")


def run_in_own_process(
    work: Callable[..., Answer], *arguments: object, with_children: bool = False
) -> tuple[Answer, float]:
    """Call a function in a new process; return its answer and its peak of resident megabytes.

    `with_children` samples the memory of all that it starts too. Raises PipelineError if it fails.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(_with_peak, work, arguments, with_children).result()
        except Exception as error:
            raise PipelineError(f"The measured process failed: {error}") from error


def _with_peak(
    work: Callable[..., Answer], arguments: tuple[object, ...], with_children: bool
) -> tuple[Answer, float]:
    # Standard output is for the report of the benchmark alone.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with sample_peak(os.getpid()) if with_children else nullcontext(Peak()) as peak:
        answer = work(*arguments)
    return answer, peak.mb(getrusage(RUSAGE_SELF))


def ours_against_bare(
    measure: Callable[[str], tuple[float, float]], rounds: int
) -> dict[str, str | int | float]:
    """Measure "ours" and "bare" in alternation and drop the first pair.

    `measure` returns seconds and peak megabytes. Keys: ours_seconds, bare_seconds (medians), ratio,
    ours_peak_mb, bare_peak_mb (the largest).
    """
    seconds: dict[str, list[float]] = {which: [] for which in PAIR}
    peaks: dict[str, list[float]] = {which: [] for which in PAIR}
    for number in range(rounds + 1):
        for which in PAIR:
            taken, peak = measure(which)
            tell(f"round {number} {which}: {taken:.2f} s, {peak:,.0f} MB")
            if number:
                seconds[which].append(taken)
                peaks[which].append(peak)
    ours, bare = (median(seconds[which]) for which in PAIR)
    return {
        "ours_seconds": round(ours, 3),
        "bare_seconds": round(bare, 3),
        "ratio": round(ours / bare, 3),
        **{f"{which}_peak_mb": round(max(peaks[which]), 1) for which in PAIR},
    }


def slope(rows: Sequence[Mapping[str, Any]], field: str, digits: int) -> float | None:
    """Return the growth of a figure per million loans, from the fewest loans to the most.

    None where all rows are of as many loans.
    """
    small, large = min(rows, key=lambda row: row["loans"]), max(rows, key=lambda row: row["loans"])
    millions = (large["loans"] - small["loans"]) / MILLION
    return round((large[field] - small[field]) / millions, digits) if millions else None
