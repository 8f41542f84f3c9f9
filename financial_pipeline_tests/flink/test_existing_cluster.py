"""The job on a stock Flink cluster that somebody else started, with a Kafka that wants a login."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from financial_pipeline.files import replace_json
from financial_pipeline.local_cluster.flink_rest import FlinkRest
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan
from financial_pipeline.paths import Paths
from financial_pipeline_tests.command import CommandRun, run_command
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.minute_bars import published_minutes, write_bars

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

HEADER = "datetime,open,high,low,close,volume"


@dataclass(frozen=True)
class Foreign:
    """A cluster with none of our classes, and commands that know it by address."""

    runtime: LocalRuntime
    root: Path
    variables: dict[str, str]

    def run(self, *arguments: str, **variables: str) -> CommandRun:
        return run_command(self.root, "stream", *arguments, **(self.variables | variables))

    def produce(self, name: str, first: int, last: int) -> None:
        file = self.root / name
        write_bars(file, 9, range(first, last))
        done = self.run("produce", str(file), "--label", "start")
        assert done.exit_code == 0, done.errors

    def bars(self) -> list[int]:
        """Land what is there; the minutes of the published bars, each as often as it is there."""
        done = self.run("land")
        assert done.exit_code == 0, done.errors
        return published_minutes(self.root)


@pytest.fixture(scope="module")
def foreign(
    tmp_path_factory: pytest.TempPathFactory, runtime_plan: RuntimePlan
) -> Iterator[Foreign]:
    state, empty = tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("empty")
    root, secrets = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("secrets")
    runtime = LocalRuntime(replace(runtime_plan, state=state, secure=True, topics={}))
    # A stock cluster: neither the connector nor the function nor the guard is on its class path.
    runtime.flink = replace(runtime.flink, connector=empty, classes=empty)
    runtime.rest = FlinkRest(runtime.rest_url)
    known = runtime.connection
    variables = {
        "FINANCIAL_PIPELINE_KAFKA_BROKERS": known.bootstrap_servers,
        "FINANCIAL_PIPELINE_KAFKA_USER": str(known.user),
        "FINANCIAL_PIPELINE_KAFKA_PASSWORD": known.password,
        "FINANCIAL_PIPELINE_KAFKA_CA_FILE": str(known.ca_file),
        "FINANCIAL_PIPELINE_FLINK_URL": runtime.rest_url,
        "FINANCIAL_PIPELINE_FLINK_SECRETS": str(secrets),
    }
    try:
        runtime.start()
        found = Foreign(runtime, root, variables)
        done = found.run("access", str(secrets))
        assert done.exit_code == 0, done.errors
        yield found
    finally:
        runtime.end()


@pytest.fixture(scope="module")
def submitted(foreign: Foreign) -> CommandRun:
    return foreign.run("submit")


def test_the_job_runs_and_its_bars_are_published(foreign: Foreign, submitted: CommandRun) -> None:
    assert submitted.exit_code == 0, submitted.errors
    assert "its first checkpoint is complete" in submitted.output
    foreign.produce("JPM_1min.csv", 30, 40)
    assert eventually(lambda: foreign.bars() == list(range(30, 40)))


def test_a_second_job_is_refused(foreign: Foreign, submitted: CommandRun) -> None:
    done = foreign.run("submit")
    assert done.exit_code == 1
    assert "runs on" in done.errors
    assert "stream submit --stop" in done.errors


def test_after_a_stop_it_resumes_and_repeats_nothing(
    foreign: Foreign, submitted: CommandRun
) -> None:
    stopped = foreign.run("submit", "--stop")
    assert stopped.exit_code == 0, stopped.errors
    assert "Stopped with the savepoint file:" in stopped.output
    foreign.produce("JPM_2min.csv", 40, 50)
    resumed = foreign.run("submit")
    assert resumed.exit_code == 0, resumed.errors
    assert eventually(lambda: foreign.bars() == list(range(30, 50))), foreign.bars()
    [job] = foreign.runtime.running_jobs()
    restored = foreign.runtime.rest.get(f"/jobs/{job['jid']}/checkpoints")["latest"]["restored"]
    assert restored["is_savepoint"] is True


def test_a_lost_state_is_named_instead_of_reading_everything_again(foreign: Foreign) -> None:
    for job in foreign.runtime.running_jobs():
        foreign.runtime.rest.cancel(job["jid"])
    assert eventually(lambda: foreign.runtime.running_jobs() == [])
    record = Paths(foreign.root).stream_runtime / "submitted.json"
    replace_json(record, {"url": foreign.runtime.rest_url, "job_id": "0" * 32})
    done = foreign.run("submit")
    assert done.exit_code == 1
    assert "knows no checkpoint of the job before" in done.errors
    assert "--fresh" in done.errors


def test_a_login_that_flink_does_not_have_is_one_sentence(foreign: Foreign, tmp_path: Path) -> None:
    done = foreign.run("submit", "--fresh", FINANCIAL_PIPELINE_FLINK_SECRETS=str(tmp_path))
    assert done.exit_code == 1
    assert "has no checkpoint and is cancelled" in done.errors
    assert eventually(lambda: foreign.runtime.running_jobs() == [])
    assert foreign.variables["FINANCIAL_PIPELINE_KAFKA_PASSWORD"] not in done.errors
