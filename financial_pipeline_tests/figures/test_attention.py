"""The sentence at the end of a run: what to look at, and on which page."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from financial_pipeline.figures import attention
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world


def test_lines_checks_and_prices_are_named_with_their_pages(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    world.operations(paths)
    rows = [
        {"symbol": symbol, "session_date": datetime(2019, 3, 18, tzinfo=UTC).date()}
        for symbol in ("WFC", "WFC", "JPM")
    ]
    world.put(paths, "exports/price_restatements", pl.DataFrame(rows), None)
    publication.publish(paths, ["test"], world.SIMULATED)
    assert attention.sentence(paths) == (
        "To look at in the dashboard: 2 quarantined lines (Health), 1 failing check"
        " (keys_are_present: Health), 3 restated prices (JPM, WFC: Market)."
    )


def test_a_check_that_passes_by_now_is_not_named(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    check = {"asset_key": "exports/fct_loans", "check_name": "x", "partition": None}
    checks = [
        check | {"passed": passed, "evaluated_at": datetime(2026, 1, day, tzinfo=UTC)}
        for day, passed in ((1, False), (2, True))
    ]
    world.put(paths, "operations/check_results", pl.DataFrame(checks, schema_overrides=world.TEXT))
    publication.publish(paths, ["test"], world.SIMULATED)
    assert attention.sentence(paths) == ""
