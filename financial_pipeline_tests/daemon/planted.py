"""A code location with faults that tests plant, and the pipeline's own watching sensor.

A fault is on while a file of its name lies in the folder of `FAULTS_VARIABLE`. Every error text
holds the planted key, as that of a refused request would. Loading it takes a moment only.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb

from financial_pipeline.defs import operations
from financial_pipeline.defs.automation.watch import operations_sensor
from financial_pipeline.settings import Settings

FAULTS_VARIABLE = "PLANTED_FAULTS"
DAYS = dg.StaticPartitionsDefinition(["2019-03-25", "2019-03-26"])
SIXTEEN = dg.DailyPartitionsDefinition("2019-03-01", end_date="2019-03-17")
MINUTE, MINUTES = timedelta(minutes=1), "%Y-%m-%d-%H:%M"
# From yesterday on, so that a midnight during a test leaves the minutes before it in place.
EVERY_MINUTE = dg.TimeWindowPartitionsDefinition(
    start=f"{datetime.now(UTC).date() - timedelta(days=1)}-00:00",
    fmt=MINUTES,
    cron_schedule="* * * * *",
    end_offset=1,
)
POOL = "warehouse"
# A step holds the DuckDB file this long, so that runs side by side would meet.
HOLD_SECONDS = 0.5


def is_planted(fault: str) -> bool:
    return (Path(os.environ[FAULTS_VARIABLE]) / fault).exists()


def refused() -> str:
    """Fail like a client that puts its whole address into the error."""
    return f"403 for https://example.invalid/series?api_key={os.environ['FRED_API_KEY']}"


@dg.asset(partitions_def=DAYS)
def torn_days(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Tells the key in every way that a step has."""
    print(refused())
    print(refused(), file=sys.stderr)
    subprocess.run(["sh", "-c", f"echo '{refused()}'; echo '{refused()}' >&2"], check=True)
    context.log.warning(refused())
    if is_planted("run"):
        raise ConnectionError(refused())
    return dg.MaterializeResult(metadata={"address": refused()})


@dg.asset(check_specs=[dg.AssetCheckSpec("adds_up", asset="checked")])
def checked() -> dg.MaterializeResult:
    """An asset whose check fails while the fault is planted."""
    check = dg.AssetCheckResult(passed=not is_planted("check"), description=refused())
    return dg.MaterializeResult(check_results=[check])


@dg.asset(pool=POOL)
def sleeper(context: dg.AssetExecutionContext) -> None:
    """Holds the slot of its pool and writes down its process while the fault is planted."""
    marks = Path(os.environ[FAULTS_VARIABLE]) / f"pid-{context.run_id}"
    marks.write_text(str(os.getpid()), "utf-8")
    while is_planted("sleep"):
        time.sleep(0.2)


def warehouse_file(root: Path) -> Path:
    """The one file that both steps of a day open for writing."""
    return root / "planted.duckdb"


def _write_days(keys: Sequence[str], source: str) -> None:
    with duckdb.connect(str(warehouse_file(Settings().data_root))) as connection:
        connection.execute(
            "create table if not exists bars (day varchar, source varchar, value integer)"
        )
        for key in keys:
            connection.execute("delete from bars where day = ? and source = ?", [key, source])
            connection.execute("insert into bars values (?, ?, ?)", [key, source, int(key[-2:])])
        time.sleep(HOLD_SECONDS)


@dg.asset(pool=POOL, partitions_def=SIXTEEN, backfill_policy=dg.BackfillPolicy.single_run())
def bars(context: dg.AssetExecutionContext) -> None:
    """Replace days in the file, like dbt."""
    _write_days(context.partition_keys, "bars")


@dg.asset(
    pool=POOL, partitions_def=SIXTEEN, backfill_policy=dg.BackfillPolicy.single_run(), deps=[bars]
)
def exported_bars(context: dg.AssetExecutionContext) -> None:
    """Open the file again in a step of its own, like an export."""
    _write_days(context.partition_keys, "exported")


def counted_file(faults: Path) -> Path:
    """A line for each minute that was materialized, as often as it was."""
    return faults / "counted.txt"


@dg.asset(partitions_def=EVERY_MINUTE, backfill_policy=dg.BackfillPolicy.single_run())
def counted(context: dg.AssetExecutionContext) -> None:
    """The job that a schedule starts every minute."""
    with counted_file(Path(os.environ[FAULTS_VARIABLE])).open("a", encoding="utf-8") as lines:
        lines.writelines(f"{key}\n" for key in context.partition_keys)


@dg.sensor(
    name="broker_sensor",
    target="counted",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def broker_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Fails while the fault is planted, and logs the key."""
    context.log.warning(refused())
    if is_planted("tick"):
        raise ConnectionError(refused())
    return dg.SkipReason(refused())


IN_PROCESS = {"executor_def": dg.in_process_executor}
counted_job = dg.define_asset_job("counted_job", "counted", **IN_PROCESS)
JOBS = [
    dg.define_asset_job("torn_days_job", "torn_days", **IN_PROCESS),
    dg.define_asset_job("checked_job", "checked", **IN_PROCESS),
    # The default executor: a process per step.
    dg.define_asset_job("sleeper_job", "sleeper"),
    dg.define_asset_job("bars_job", dg.AssetSelection.assets("bars", "exported_bars")),
    counted_job,
]


def newest_taken(context: dg.ScheduleEvaluationContext) -> str | None:
    """Return the newest minute that a run of the schedule took."""
    took = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS]
    wanted = dg.RunsFilter(tags={"dagster/schedule_name": "every_minute"}, statuses=took)
    runs = context.instance.get_runs(wanted, limit=100)
    ends = [run.tags.get(operations.RANGE_END, run.tags.get(operations.PARTITION)) for run in runs]
    return max((end for end in ends if end), default=None)


@dg.schedule(name="every_minute", job=counted_job, cron_schedule="* * * * *")
def every_minute(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The minute of the tick and those that nobody asked for."""
    due = context.scheduled_execution_time
    taken = newest_taken(context)
    after = datetime.strptime(taken, MINUTES).replace(tzinfo=UTC) + MINUTE if taken else due
    first, last = f"{min(after, due):{MINUTES}}", f"{due:{MINUTES}}"
    key = f"every_minute {last}"
    if first == last:
        return dg.RunRequest(run_key=key, partition_key=last)
    tags = {operations.RANGE_START: first, operations.RANGE_END: last}
    return dg.RunRequest(run_key=key, tags=tags)


defs = dg.Definitions(
    assets=[torn_days, checked, sleeper, bars, exported_bars, counted],
    jobs=JOBS,
    schedules=[every_minute],
    sensors=[broker_sensor, operations_sensor],
)
