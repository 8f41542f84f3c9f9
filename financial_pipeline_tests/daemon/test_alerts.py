"""Every kind of alert through a running daemon, and no secret in anything that it leaves behind."""

from datetime import timedelta
from pathlib import Path

import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline_tests.daemon import market_files, runs
from financial_pipeline_tests.daemon.conftest import LOCATION, SECRETS, WEBHOOK_TOKEN, Faulty, told
from financial_pipeline_tests.daemon.planted import DAYS
from financial_pipeline_tests.daemon.server import eventually

INCIDENTS = {
    "failed run: torn_days_job",
    "failed check: checked adds_up",
    "sensor error: broker_sensor",
    "overdue data: exports/fct_daily_prices",
}
# The watching sensor looks every 30 seconds.
SOON = 240.0


def publish_prices(root: Path, newest: str) -> None:
    """Publish a price table whose newest session is this one."""
    folder = f"exports/fct_daily_prices/{newest}"
    (root / folder).mkdir(parents=True)
    table = PublishedTable("exports", "fct_daily_prices", folder, 1, "abc", as_of=newest)
    publication.Publication(Paths(root), "test").register(table)
    publication.publish(Paths(root), ["test"], {})


def run_all(faulty: Faulty) -> set[str]:
    """A run of every day, and one of the checked asset: how they ended."""
    days = runs.launch(faulty.server, LOCATION, "torn_days_job", DAYS.get_partition_keys())
    ids = [*days, *runs.launch(faulty.server, LOCATION, "checked_job")]
    ended = runs.statuses(faulty.server, ids)
    assert ended[ids[-1]] == "SUCCESS"
    return {ended[id_] for id_ in days}


@pytest.fixture(scope="module")
def mended(faulty: Faulty) -> Faulty:
    """Every fault was on until its alert came, and off until it was over."""
    root, newest = faulty.server.root, market_files.trading_days()[-1]
    publish_prices(root, (newest - timedelta(days=30)).isoformat())
    faulty.plant("run", "check", "tick")
    assert run_all(faulty) == {"FAILURE"}
    eventually(lambda: len(faulty.notices) >= len(INCIDENTS), "every alert", SOON)
    faulty.mend("run", "check", "tick")
    publish_prices(root, newest.isoformat())
    assert run_all(faulty) == {"SUCCESS"}
    eventually(lambda: len(faulty.notices) >= 2 * len(INCIDENTS), "every recovery", SOON)
    return faulty


@pytest.mark.nightly
def test_every_kind_of_incident_is_one_alert_and_one_recovery(mended: Faulty) -> None:
    assert {notice["incident"] for notice in mended.notices} == INCIDENTS
    for incident in INCIDENTS:
        assert told(mended.notices, incident) == ["alert", "recovered"]
    [torn] = [
        n["text"] for n in mended.notices if "torn" in n["incident"] and n["state"] == "alert"
    ]
    assert "torn_days_job failed on 2019-03-2" in torn
    assert torn.endswith("ConnectionError: 403 for https://example.invalid/series?api_key=***")


@pytest.mark.nightly
def test_no_planted_secret_is_in_any_file_or_notice(mended: Faulty) -> None:
    files = [path for path in mended.server.root.rglob("*") if path.is_file()]
    contents = {path: path.read_bytes() for path in files}
    # What is searched holds the very places where the texts with the key were written.
    masked = [path for path, content in contents.items() if b"api_key=***" in content]
    suffixes = {path.suffix for path in masked}
    assert {".out", ".err", ".log"} <= suffixes
    assert any(path.parent.name == "runs" for path in masked)
    assert any("schedules" in path.name for path in masked)
    for secret in (*SECRETS.values(), WEBHOOK_TOKEN):
        assert [path for path, content in contents.items() if secret.encode() in content] == []
        assert secret not in str(mended.notices)
