"""Seconds of each page of the dashboard over many scored loans, and of a change of a widget.

The version that the data root publishes is taken, with its loans and scores drawn up to the number
asked for, and served by the real server. A widget is Decide's slider, or a box of the filter of the
Portfolio page, set to a choice that no answer is kept for. Times run from a reader's message to the
server's word that the page is complete: queries, charts and transport, but not the browser's
drawing.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import click
import numpy as np

from financial_pipeline.bench.dashboard_client import DashboardReader, Run, serve_dashboard
from financial_pipeline.bench.large_world import enlarge
from financial_pipeline.bench.measuring import as_json_option, report, tell, work_folder
from financial_pipeline.bench.process_use import processor_seconds
from financial_pipeline.dashboard.pages import PAGES
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

LOANS: Final = 1_300_000
ROUNDS: Final = 20
MOVES: Final = 40
# Limits for a warm page and a move of the slider: 95th percentile, seconds.
PAGE_LIMIT: Final = 1.0
SLIDER_LIMIT: Final = 0.150
FILTER_LIMIT: Final = 0.300
FILTER: Final = ("state", "purpose", "grade", "fico")
SLIDER: Final = "threshold"
SLIDER_STEP: Final = 0.005
Figures = dict[str, float]


@dataclass
class Times:
    """Seconds of runs of one kind, and the processor seconds that the server used for each."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def figures(self) -> Figures:
        """Median, 95th percentile and maximum; processor seconds as their mean."""
        middle, high = np.percentile(self.wall, [50, 95])
        named = {"p50": middle, "p95": high, "max": max(self.wall)}
        if self.processor:
            named["processor_mean"] = float(np.mean(self.processor))
        return {name: round(float(value), 4) for name, value in named.items()}


def _add_times(times: Times, pid: int, act: Callable[[], Run]) -> Run:
    before = processor_seconds(pid)
    run = act()
    after = processor_seconds(pid)
    if run.exceptions or not run.succeeded:
        raise PipelineError(f"A page failed while it was measured: {run.exceptions}.")
    times.wall.append(run.seconds)
    if before is not None and after is not None:
        times.processor.append(after - before)
    return run


def _measure(
    address: str, pid: int, rounds: int, moves: int
) -> tuple[dict[str, Figures], Figures, Figures]:
    cold = {page: Times() for page in PAGES}
    reader = DashboardReader(address)
    # The first run of a session shows the first page.
    cold[next(iter(PAGES))].wall.append(reader.first.seconds)
    warm = {page: Times() for page in PAGES}
    for number in range(rounds + 1):
        for page in PAGES:
            times = warm if number else cold
            _add_times(times[page], pid, lambda page=page: reader.open(page))  # type: ignore[misc]
        tell(f"round {number} of {rounds}")
    reader.open("decide")
    slider = Times()
    for number in range(moves):
        value = round(0.05 + SLIDER_STEP * number, 3)
        _add_times(slider, pid, lambda value=value: reader.move(SLIDER, value))  # type: ignore[misc]
    reader.open("portfolio")
    filtered = Times()
    for key, choice in _changes(reader)[:moves]:
        _add_times(filtered, pid, lambda key=key, choice=choice: reader.move(key, choice))  # type: ignore[misc]
        # One box at a time: together they would leave few loans to draw.
        reader.move(key, reader.choices[key][0])
    reader.close()
    pages = {page: {"first": round(cold[page].wall[0], 4)} | warm[page].figures() for page in PAGES}
    return pages, slider.figures(), filtered.figures()


def _changes(reader: DashboardReader) -> list[tuple[str, str]]:
    """Return every choice of every box of the filter, the boxes in turn; each first one is none."""
    boxes = [[(key, choice) for choice in reader.choices.get(key, [])[1:]] for key in FILTER]
    return [change for turn in zip_longest(*boxes) for change in turn if change]


def run(
    loans: int,
    *,
    seed: int,
    rounds: int = ROUNDS,
    moves: int = MOVES,
) -> dict[str, Any]:
    """Measure all pages in turn after one round that fills the caches.

    Keys: name, loans, rounds, moves, pages (each first, p50, p95, max, processor_mean), slider and
    filter (likewise), page_limit, slider_limit, filter_limit, within_limits, load (of the machine,
    over one minute). Seconds. Raises PipelineError if the data root publishes nothing.
    """
    source = Paths(Settings().data_root.resolve())
    with work_folder() as folder:
        tell(f"drawing {loans:,} loans")
        enlarge(source, folder / "root", loans, seed)
        with serve_dashboard(folder / "root", folder / "log") as (address, pid):
            pages, slider, filtered = _measure(address, pid, rounds, moves)
    slowest = max(page["p95"] for page in pages.values())
    return {
        "name": "dashboard",
        "loans": loans,
        "rounds": rounds,
        "moves": moves,
        "pages": pages,
        "slider": slider,
        "filter": filtered,
        "page_limit": PAGE_LIMIT,
        "slider_limit": SLIDER_LIMIT,
        "filter_limit": FILTER_LIMIT,
        "within_limits": slowest <= PAGE_LIMIT
        and slider["p95"] <= SLIDER_LIMIT
        and filtered["p95"] <= FILTER_LIMIT,
        "load": round(os.getloadavg()[0], 1),
    }


def _lines(name: str, figures: Mapping[str, float], names: Sequence[str]) -> str:
    return f"{name:>10}" + "".join(f"{figures.get(one, float('nan')):>16.3f}" for one in names)


@click.command()
@click.option("--loans", default=LOANS, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=ROUNDS, show_default=True, type=click.IntRange(1))
@as_json_option
def dashboard(loans: int, rounds: int, as_json: bool) -> None:
    """Open every page over this many scored loans, move the slider, change the filter: seconds."""
    result = run(loans, seed=Settings().seed, rounds=rounds)
    if as_json:
        report(result, as_json)
        return
    names = ("first", "p50", "p95", "max", "processor_mean")
    click.echo(f"{'page':>10}" + "".join(f"{name:>16}" for name in names))
    for page, figures in result["pages"].items():
        click.echo(_lines(page, figures, names))
    for widget in ("slider", "filter"):
        click.echo(_lines(widget, result[widget], names))
    click.echo(
        f"{loans:,} scored loans, seconds; limits {PAGE_LIMIT}, {SLIDER_LIMIT} and {FILTER_LIMIT}"
        " at p95:"
        f" {'kept' if result['within_limits'] else 'NOT kept'}; load {result['load']}"
    )
