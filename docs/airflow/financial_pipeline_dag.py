"""DAGs for Airflow 3 that launch financial-pipeline in Dagster and wait for it.

Copy this file and `dagster_client.py` into the folder of your DAGs. Dagster keeps partitions,
checks and lineage; Airflow decides when, and what runs before and after.
"""

from datetime import timedelta

from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException
from dagster_client import DagsterClient, DagsterFailure

POLL = timedelta(seconds=30)
LONGEST = timedelta(hours=6)
RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=1)}


def task_key() -> str:
    """Return the name of the running task, equal in each of its tries."""
    ti = get_current_context()["ti"]
    return f"{ti.dag_id}/{ti.run_id}/{ti.task_id}"


@task
def launch_job(job: str) -> str:
    """Launch a job, or find the run that an earlier try launched."""
    return DagsterClient().launch_job(job, task_key())


@task
def launch_backfill(job: str, first: str, last: str) -> str:
    """Launch a backfill, or find the one that an earlier try launched."""
    return DagsterClient().launch_backfill(job, first, last, task_key())


# Rescheduled between two looks, a waiting task takes no slot of a worker.
@task.sensor(poke_interval=POLL.total_seconds(), timeout=LONGEST, mode="reschedule")
def wait_for_run(launched: str) -> bool:
    """Wait for the end of a run; another look at a failed run would find the same."""
    try:
        return DagsterClient().run_is_finished(launched)
    except DagsterFailure as error:
        raise AirflowFailException(str(error)) from error


@task.sensor(poke_interval=POLL.total_seconds(), timeout=LONGEST, mode="reschedule")
def wait_for_backfill(launched: str) -> bool:
    """Wait for the end of a backfill."""
    try:
        return DagsterClient().backfill_is_finished(launched)
    except DagsterFailure as error:
        raise AirflowFailException(str(error)) from error


JOB = {"job": Param("update_job", type="string")}


# One run at a time: a second update would wait for the locks of the first.
@dag(
    schedule="30 22 * * 1-5",
    catchup=False,
    params=JOB,
    max_active_runs=1,
    default_args=RETRIES,
)
def financial_pipeline_update() -> None:
    """Build what changed after each session; `job` names another job, such as its checks."""
    wait_for_run(launch_job("{{ params.job }}"))


PARTITIONS = {
    "job": Param("prices_job", type="string"),
    "first": Param("2019-03-01", type="string"),
    "last": Param("2019-03-29", type="string"),
}


@dag(schedule=None, params=PARTITIONS, max_active_runs=1, default_args=RETRIES)
def financial_pipeline_backfill() -> None:
    """Backfill the assets of a job over a range of its partitions, both ends included."""
    names = ("{{ params.job }}", "{{ params.first }}", "{{ params.last }}")
    wait_for_backfill(launch_backfill(*names))


financial_pipeline_update()
financial_pipeline_backfill()
