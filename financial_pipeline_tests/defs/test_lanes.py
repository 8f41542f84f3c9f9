"""The second lane keeps its order, waits for what it reads, and stops where anything fails."""

import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

import pytest

from financial_pipeline.defs.lanes import FORK, Runs, SecondLane, run_lanes
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.errors import PipelineError

SECONDS = 20
TABLES = ("loans_job", "prices_job", "macro_job")
PLANNED = [FamilyRun(job) for job in (*TABLES, "vintages_job", "model_job", "market_metrics_job")]
Told = tuple[Connection, Callable[[str], None]]


@pytest.fixture
def told() -> Told:
    """Where both processes tell what they began, in the order in which they did."""
    reader, writer = FORK.Pipe(duplex=False)
    return reader, writer.send


def read(reader: Connection) -> list[str]:
    jobs = []
    while reader.poll():
        jobs.append(reader.recv())
    return jobs


def telling(tell: Callable[[str], None]) -> Callable[[Runs], None]:
    def work(runs: Runs) -> None:
        for run in runs():
            tell(run.job)

    return work


def test_a_lane_keeps_its_order_and_waits_for_the_jobs_it_reads(told: Told) -> None:
    reader, tell = told
    run_lanes(PLANNED, lambda run: tell(run.job), SecondLane(telling(tell)))
    jobs = read(reader)
    place = {job: number for number, job in enumerate(jobs)}
    assert [job for job in jobs if job in TABLES] == list(TABLES)
    assert place["vintages_job"] < place["model_job"] < place["market_metrics_job"]
    for run in PLANNED:
        assert all(place[job] < place[run.job] for job in run.after)
    assert len(jobs) == len(PLANNED)


def test_lanes_run_at_the_same_time() -> None:
    here, there = FORK.Event(), FORK.Event()

    def meet(mine: Event, other: Event) -> None:
        mine.set()
        assert other.wait(SECONDS)

    def work(runs: Runs) -> None:
        for run in runs():
            if run.job == "model_job":
                meet(there, here)

    def execute(run: FamilyRun) -> None:
        if run.job == "prices_job":
            meet(here, there)

    run_lanes(PLANNED, execute, SecondLane(work))


def test_what_a_run_reads_and_is_not_planned_is_not_waited_for(told: Told) -> None:
    reader, tell = told
    run_lanes([FamilyRun("model_job")], lambda run: tell("here"), SecondLane(telling(tell)))
    assert read(reader) == ["model_job"]


def test_after_a_failure_here_no_further_run_starts(told: Told) -> None:
    reader, tell = told

    def execute(run: FamilyRun) -> None:
        tell(run.job)
        raise PipelineError("the loans are broken")

    with pytest.raises(PipelineError, match="the loans are broken"):
        run_lanes(PLANNED, execute, SecondLane(telling(tell)))
    assert read(reader) == ["loans_job"]


def test_a_failure_in_the_second_lane_is_raised_here() -> None:
    def work(runs: Runs) -> None:
        for run in runs():
            raise PipelineError(f"{run.job} is broken")

    with pytest.raises(PipelineError, match="vintages_job is broken"):
        run_lanes(PLANNED, lambda run: None, SecondLane(work))


def test_a_second_lane_that_fails_before_its_plan_tells_why() -> None:
    def work(runs: Runs) -> None:
        raise ValueError("no definitions")

    second = SecondLane(work)
    second._process.join()
    with pytest.raises(PipelineError, match="ValueError: no definitions"):
        run_lanes(PLANNED, lambda run: None, second)


def test_a_killed_second_lane_is_one_sentence() -> None:
    def work(runs: Runs) -> None:
        next(runs())
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(PipelineError, match="ended with -9 before its work was done"):
        run_lanes(PLANNED, lambda run: None, SecondLane(work))


def test_without_a_second_lane_everything_runs_here_in_order() -> None:
    jobs: list[str] = []
    run_lanes(PLANNED, lambda run: jobs.append(run.job), None)
    assert jobs == [run.job for run in PLANNED]
