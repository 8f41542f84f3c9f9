"""What benchmarks share: a folder to work in, processes of their own, rounds, and the report."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from financial_pipeline.bench.process_use import MEGABYTE, PEAK_UNIT_BYTES, sampled_peak
from financial_pipeline.errors import PipelineError
from financial_pipeline.settings import Settings

ROUNDS: Final = 5
PAIR: Final = ("ours", "bare")

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


def in_own_process(
    module: str,
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    with_children: bool = False,
) -> tuple[str, float]:
    """Run a module as a process of its own; return its output and peak resident megabytes.

    `with_children` samples the memory of all that it starts too. Raises PipelineError if it fails.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process,
        sampled_peak(process.pid) if with_children else nullcontext() as peak,
    ):
        output = process.stdout.read() if process.stdout else ""
        # Unlike getrusage(RUSAGE_CHILDREN), this tells one child from the others.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise PipelineError(f"The measured process `{' '.join(command)}` failed; see above.")
    own_peak = usage.ru_maxrss * PEAK_UNIT_BYTES / MEGABYTE
    return output, peak.mb(usage) if peak else own_peak


def ours_against_bare(
    measure: Callable[[str], tuple[str, float]], rounds: int
) -> dict[str, str | int | float]:
    """Measure "ours" and "bare" in alternation and drop the first pair.

    `measure` returns printed seconds and peak megabytes. Keys: ours_seconds, bare_seconds
    (medians), ratio, ours_peak_mb, bare_peak_mb (the largest).
    """
    seconds: dict[str, list[float]] = {which: [] for which in PAIR}
    peaks: dict[str, list[float]] = {which: [] for which in PAIR}
    for number in range(rounds + 1):
        for which in PAIR:
            output, peak = measure(which)
            tell(f"round {number} {which}: {float(output):.2f} s, {peak:,.0f} MB")
            if number:
                seconds[which].append(float(output))
                peaks[which].append(peak)
    ours, bare = (median(seconds[which]) for which in PAIR)
    return {
        "ours_seconds": round(ours, 3),
        "bare_seconds": round(bare, 3),
        "ratio": round(ours / bare, 3),
        **{f"{which}_peak_mb": round(max(peaks[which]), 1) for which in PAIR},
    }
