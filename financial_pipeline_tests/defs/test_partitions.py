"""In the simulated world every partition of a family can have data."""

from datetime import date

import pytest

from financial_pipeline.defs import partitions
from financial_pipeline.settings import Settings
from financial_pipeline.simulator.loan_calendar import (
    FIRST_ISSUE_MONTH,
    LAST_ISSUE_MONTH,
    month_number,
    month_start,
)
from financial_pipeline.simulator.prices import FIRST_SESSION
from financial_pipeline.simulator.world import DEFAULT_SNAPSHOTS

LAST_SNAPSHOT = date(2019, 3, 1)
FIRST_SNAPSHOT = month_start(month_number(LAST_SNAPSHOT) - DEFAULT_SNAPSHOTS + 1)
FIRST_ISSUE, LAST_ISSUE = month_start(FIRST_ISSUE_MONTH), month_start(LAST_ISSUE_MONTH)
SPANS = {
    "FILE_MONTHS": (FIRST_SNAPSHOT, LAST_SNAPSHOT),
    "ISSUE_MONTHS": (FIRST_ISSUE, LAST_ISSUE),
    "APPLICATION_MONTHS": (FIRST_ISSUE, LAST_ISSUE),
    "SNAPSHOT_MONTHS": (FIRST_ISSUE, LAST_SNAPSHOT),
    "VINTAGE_QUARTERS": (FIRST_ISSUE.replace(month=4), LAST_ISSUE.replace(month=10)),
}

pytestmark = pytest.mark.skipif(Settings().source != "simulated", reason="another world")


@pytest.mark.parametrize("name", sorted(SPANS))
def test_partitions_span_what_the_simulator_makes(name: str) -> None:
    keys = getattr(partitions, name).get_partition_keys()
    assert (keys[0], keys[-1]) == tuple(day.isoformat() for day in SPANS[name])


def test_sessions_start_with_the_simulated_prices() -> None:
    assert partitions.SESSIONS.get_partition_keys()[0] == FIRST_SESSION.isoformat()
