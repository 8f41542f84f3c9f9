"""Raw schedules run on New York time, on trading days, and only in a world without an end."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from financial_pipeline.defs.automation.schedules import raw_macro_releases, raw_market_daily

NEW_YORK = ZoneInfo("America/New_York")


At = Callable[..., dg.ScheduleEvaluationContext]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance of its own."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as own:
        yield own


@pytest.fixture
def at(instance: dg.DagsterInstance) -> At:
    """The tick that is due at a time in New York."""

    def context(*when: int) -> dg.ScheduleEvaluationContext:
        time = datetime(*when, tzinfo=NEW_YORK)  # type: ignore[misc,arg-type]
        return dg.build_schedule_context(instance, scheduled_execution_time=time)

    return context


@pytest.fixture(autouse=True)
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "live")


def test_prices_are_fetched_after_the_close_of_a_session(at: At) -> None:
    request = raw_market_daily(at(2019, 3, 28, 18, 30))
    assert isinstance(request, dg.RunRequest)
    assert raw_market_daily.job_name == raw_macro_releases.job_name == "update_job"
    assert raw_market_daily.execution_timezone == "America/New_York"


def test_holiday_is_skipped_with_its_reason(at: At) -> None:
    skipped = raw_market_daily(at(2019, 4, 19, 18, 30))
    assert isinstance(skipped, dg.SkipReason)
    assert "no trading day" in str(skipped.skip_message)


def test_a_tick_that_is_repeated_asks_for_the_same_run(at: At) -> None:
    keys = {raw_macro_releases(at(2019, 3, 28, hour)).run_key for hour in (9, 9, 18)}  # type: ignore[union-attr]
    assert len(keys) == 2


def test_simulated_world_has_no_next_day(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "simulated")
    assert isinstance(raw_market_daily(at(2019, 3, 28, 18, 30)), dg.SkipReason)


def test_drop_folder_has_its_sensor(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "files")
    skipped = raw_macro_releases(at(2019, 3, 28, 9))
    assert isinstance(skipped, dg.SkipReason)
    assert "drop_folder_sensor" in str(skipped.skip_message)
