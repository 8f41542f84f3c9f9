"""A code location with faults that tests plant, beside the pipeline's own watching sensor.

A fault is on while a file of its name lies in the folder of `FAULTS_VARIABLE`. Every error text
holds the planted key, as that of a refused request would. Loading it takes a moment only.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from financial_pipeline.defs.automation.watch import operations_sensor

FAULTS_VARIABLE = "PLANTED_FAULTS"
DAYS = dg.StaticPartitionsDefinition(["2019-03-25", "2019-03-26"])
POOL = "warehouse"


def is_planted(fault: str) -> bool:
    return (Path(os.environ[FAULTS_VARIABLE]) / fault).exists()


def refused() -> str:
    """What a client says that puts its whole address into the error."""
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


@dg.asset
def counted() -> None:
    """What a schedule starts every minute."""


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
    counted_job,
]


@dg.schedule(name="every_minute", job=counted_job, cron_schedule="* * * * *")
def every_minute() -> dg.RunRequest:
    """A run for each tick; without a run key, so that a doubled tick is a doubled run."""
    return dg.RunRequest()


defs = dg.Definitions(
    assets=[torn_days, checked, sleeper, counted],
    jobs=JOBS,
    schedules=[every_minute],
    sensors=[broker_sensor, operations_sensor],
)
