"""The hand-written world with every table that a page shows."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world, world_markets, world_model
from financial_pipeline_tests.dashboard.world import MONTHS, put


def credit(paths: Paths) -> None:
    """Default rates by grade with a mature and an immature year, and one vintage's curve."""
    cells = [
        {"issue_month": date(year, 1, 1), "grade": grade, "definition": name, "loans": 100}
        | {"term_months": 36, "defaults": 10, "originated_loans": 100, "active_loans": active}
        for year, active in ((2014, 0), (2018, 60))
        for grade in "AB"
        for name in ("D0", "D1", "D2")
    ]
    put(paths, "metrics/default_rates_by_grade", pl.DataFrame(cells), "2018-01-01")
    label = {"grade": "all", "term_months": 36, "loans": 200}
    curve = [
        label
        | {"vintage_quarter": date(year, 1, 1), "months_on_book": month}
        | {"cumulative_defaults": month * pace, "default_rate": month * pace / 200}
        | {"default_rate_low": month * pace / 250, "default_rate_high": month * pace / 150}
        for year, pace, months in ((2014, 1, 36), (2015, 2, 24))
        for month in range(1, months + 1)
    ]
    put(paths, "metrics/vintage_curves", pl.DataFrame(curve), "2014-01-01")


def flows(paths: Paths) -> None:
    """Roll rates of two months, and rejections: 30 applications a month, one in three issued."""
    pair = {"source": "test", "loans_from": 100, "balance_usd": 1.0, "balance_from_usd": 2.0}
    shares = {"probability_usd_weighted": 0.5, "basis": "observed snapshots"}
    moves = [("CURRENT", "CURRENT", 90), ("CURRENT", "GRACE", 10), ("D31_120", "BAD", 100)]
    rolls = [
        pair
        | shares
        | {"snapshot_month": month, "from_state": before, "to_state": after, "loans": count}
        | {"probability": count / 100, "probability_low": 0.05, "probability_high": 0.95}
        for month in MONTHS[:2]
        for before, after, count in moves
    ]
    put(paths, "metrics/rating_transitions", pl.DataFrame(rolls), "2014-02-01")
    refused = {"amount_requested_usd": 5000.0, "risk_score": 600.0, "dti": 20.0, "source": "test"}
    rows = [refused | {"application_month": month} for month in MONTHS for _ in range(200)]
    frame = pl.DataFrame(rows).with_row_index("rejection_key")
    put(paths, "exports/fct_loan_rejections", frame, "2015-12-01")


def write(folder: Path) -> Path:
    """Publish all of it below `folder`, observed now; returns the folder."""
    paths = world.publish(folder)
    credit(paths)
    flows(paths)
    world_markets.market(paths)
    world_markets.restated(paths)
    world_markets.macro(paths)
    world_model.model(paths)
    world.stream(paths, datetime.now(UTC))
    world.alerts(paths)
    world.operations(paths)
    publication.publish(paths, ["test"], world.SIMULATED)
    return folder
