"""Raw schedules run on New York time, on trading days, and only in a world that goes on."""

from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from financial_pipeline.defs.automation.schedules import raw_macro_releases, raw_market_daily

NEW_YORK = ZoneInfo("America/New_York")


def at(*when: int) -> dg.ScheduleEvaluationContext:
    time = datetime(*when, tzinfo=NEW_YORK)  # type: ignore[misc,arg-type]
    return dg.build_schedule_context(scheduled_execution_time=time)


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "files")


def test_prices_follow_the_close_of_a_session() -> None:
    request = raw_market_daily(at(2019, 3, 28, 18, 30))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2019-03-28"
    assert raw_market_daily.execution_timezone == "America/New_York"


def test_holiday_is_skipped_with_its_reason() -> None:
    skipped = raw_market_daily(at(2019, 4, 19, 18, 30))
    assert isinstance(skipped, dg.SkipReason)
    assert "no trading day" in str(skipped.skip_message)


def test_a_tick_that_is_repeated_asks_for_the_same_run() -> None:
    keys = {raw_macro_releases(at(2019, 3, 28, hour)).run_key for hour in (9, 9, 18)}  # type: ignore[union-attr]
    assert len(keys) == 2


def test_simulated_world_has_no_next_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "simulated")
    assert isinstance(raw_market_daily(at(2019, 3, 28, 18, 30)), dg.SkipReason)
