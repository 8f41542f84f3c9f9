"""Readers on all pages of a real server while version after version is published."""

import re
import time
from collections.abc import Iterator

import polars as pl
import pytest

from financial_pipeline.bench.dashboard_client import Run, serve_dashboard
from financial_pipeline.bench.readers import Seen, crowd, watch_locks
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import whole, world

READERS = 5
VERSIONS = 25


def _publish(paths: Paths, loans: int) -> None:
    """A version whose number of loans says which one it is, in two tables."""
    summary = world.summary().with_columns(
        value=pl.when(pl.col("measure") == "loans").then(float(loans)).otherwise("value")
    )
    world.put(paths, "metrics/portfolio_summary", summary)
    world.put(paths, "exports/fct_loans", world.loans().head(loans))
    publication.publish(paths, ["test"], world.SIMULATED)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Seen, int, float]]:
    """Return their observations, the number of waits for a lock, and the longest publication."""
    root = whole.write(tmp_path_factory.mktemp("readers"))
    _publish(Paths(root), 100)
    with serve_dashboard(root) as (address, pid), watch_locks(root, pid) as watch:
        with crowd(address, READERS, keep_runs=True, query="figure=Loans+and+funded") as seen:
            while not {page for page, _ in seen.runs} >= {"portfolio", "live", "health"}:
                time.sleep(0.2)
            for number in range(VERSIONS):
                _publish(Paths(root), 101 + number)
                time.sleep(0.1)
        yield seen, watch.waits + watch.held_by_server, watch.samples


def test_no_reader_meets_an_error_or_a_lock(seen: tuple[Seen, int, float]) -> None:
    assert seen[0].errors == []
    assert seen[1] == 0
    assert seen[0].pages >= READERS


def test_every_page_shows_one_version(seen: tuple[Seen, int, float]) -> None:
    assert seen[0].mixed == []
    assert len(seen[0].versions) >= 2
    portfolio = [run for page, run in seen[0].runs if page == "portfolio"]
    counts = [(run.metrics["Loans"], _drilled(run)) for run in portfolio]
    assert counts
    assert [pair for pair in counts if pair[0] != pair[1]] == []


def _drilled(run: Run) -> str:
    """The number of loans by the rows themselves."""
    found = re.search(r"\*\*([\d,]+) loans?\*\*, funded", "\n".join(run.texts))
    return found[1] if found else "none"
