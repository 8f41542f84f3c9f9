"""A run that a schedule starts asks the live sources itself; one of a command has asked before."""

from pathlib import Path

import dagster as dg
import pytest

from financial_pipeline.defs.raw.assets import bank_prices, fred_observations
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline_tests.raw.upstream import Upstream
from financial_pipeline_tests.raw.world import environment, fill

SCHEDULED = {"dagster/schedule_name": "raw_market_daily"}


@pytest.fixture
def paths(
    tmp_path: Path, upstream: Upstream, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> Paths:
    """An empty data root of a live world, whose sources answer on loopback."""
    fill(upstream, shared_data)
    own = {"FINANCIAL_PIPELINE_SOURCE": "live", "FINANCIAL_PIPELINE_DATA_ROOT": str(tmp_path)}
    for name, value in {**environment(upstream), **own}.items():
        monkeypatch.setenv(name, value)
    return Paths(tmp_path)


def archived(paths: Paths) -> set[str]:
    return {file.landed.dataset for file in archive.read_raw_files(paths)}


def test_scheduled_runs_fetch_what_is_new_and_archive_it(paths: Paths) -> None:
    for asset, key in ((bank_prices, "2011-07-28"), (fred_observations, "2019-01-01")):
        resources = {"pipeline": Pipeline()}
        dg.materialize([asset], partition_key=key, resources=resources, tags=SCHEDULED)
    assert archived(paths) == {"bank_prices", "fred_observations"}


def test_run_of_a_command_asks_nobody(paths: Paths, upstream: Upstream) -> None:
    paths.live_landing.mkdir(parents=True)
    resources = {"pipeline": Pipeline()}
    dg.materialize([bank_prices], partition_key="2011-07-28", resources=resources)
    assert upstream.asked == []


def test_a_missing_key_fails_the_run_at_once(
    paths: Paths, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRED_API_KEY", "")
    with pytest.raises(dg.Failure, match="FRED_API_KEY") as caught:
        dg.materialize(
            [fred_observations],
            partition_key="2019-01-01",
            resources={"pipeline": Pipeline()},
            tags=SCHEDULED,
        )
    assert caught.value.allow_retries is False
    assert upstream.asked == []
