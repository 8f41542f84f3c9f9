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
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dg.job
def raw() -> None:
    """What a schedule's runs are runs of."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance of its own, with the runs that a test adds."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as own:
        yield own


@pytest.fixture
def at(instance: dg.DagsterInstance) -> At:
    """The tick that is due at a time in New York."""

    def context(*when: int) -> dg.ScheduleEvaluationContext:
        time = datetime(*when, tzinfo=NEW_YORK)  # type: ignore[misc,arg-type]
        return dg.build_schedule_context(instance, scheduled_execution_time=time)

    return context


def ran(
    instance: dg.DagsterInstance,
    schedule: str,
    *keys: str,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
) -> None:
    """Add a run of a schedule over one partition, or over a first and a last one."""
    names = RANGE if len(keys) > 1 else ("dagster/partition",)
    tags = {"dagster/schedule_name": schedule, **dict(zip(names, keys, strict=True))}
    instance.create_run_for_job(raw, status=status, tags=tags)


def asked(result: object) -> tuple[str, ...]:
    """The partition, or the first and the last one, of a run that was asked for."""
    assert isinstance(result, dg.RunRequest)
    one = result.partition_key
    return (one,) if one else tuple(result.tags[name] for name in RANGE)


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "files")


def test_prices_follow_the_close_of_a_session(at: At) -> None:
    request = raw_market_daily(at(2019, 3, 28, 18, 30))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2019-03-28"
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


def test_first_tick_after_a_stop_takes_every_session_since_the_last(
    instance: dg.DagsterInstance,
    at: At,
) -> None:
    # Down from Tuesday to Thursday, over a weekend before.
    ran(instance, "raw_market_daily", "2019-03-22")
    ran(instance, "another_schedule", "2019-03-27")
    request = raw_market_daily(at(2019, 3, 28, 18, 30))
    assert asked(request) == ("2019-03-25", "2019-03-28")
    ran(instance, "raw_market_daily", "2019-03-25", "2019-03-28")
    assert asked(raw_market_daily(at(2019, 3, 29, 18, 30))) == ("2019-03-29",)


def test_tick_on_a_holiday_makes_up_the_sessions_before_it(
    instance: dg.DagsterInstance, at: At
) -> None:
    ran(instance, "raw_market_daily", "2019-04-16")
    request = raw_market_daily(at(2019, 4, 19, 18, 30))
    assert asked(request) == ("2019-04-17", "2019-04-18")
    ran(instance, "raw_market_daily", "2019-04-17", "2019-04-18")
    skipped = raw_market_daily(at(2019, 4, 19, 18, 30))
    assert isinstance(skipped, dg.SkipReason)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.NOT_STARTED])
def test_session_of_a_run_that_failed_or_never_began_is_asked_for_again(
    instance: dg.DagsterInstance, at: At, status: dg.DagsterRunStatus
) -> None:
    ran(instance, "raw_market_daily", "2019-03-26")
    ran(instance, "raw_market_daily", "2019-03-27", status=status)
    request = raw_market_daily(at(2019, 3, 28, 18, 30))
    assert asked(request) == ("2019-03-27", "2019-03-28")


def test_tick_that_is_repeated_after_its_run_began_asks_for_that_run(
    instance: dg.DagsterInstance,
    at: At,
) -> None:
    tick = (2019, 3, 28, 18, 30)
    first = raw_market_daily(at(*tick))
    ran(instance, "raw_market_daily", "2019-03-28", status=dg.DagsterRunStatus.STARTED)
    assert raw_market_daily(at(*tick)) == first


def test_releases_are_looked_for_from_the_month_of_the_last_look(
    instance: dg.DagsterInstance,
    at: At,
) -> None:
    ran(instance, "raw_macro_releases", "2019-02-01")
    request = raw_macro_releases(at(2019, 4, 1, 9))
    assert asked(request) == ("2019-02-01", "2019-04-01")
    ran(instance, "raw_macro_releases", "2019-02-01", "2019-04-01")
    assert asked(raw_macro_releases(at(2019, 4, 1, 18))) == ("2019-04-01",)
