"""The job on a stock Flink cluster that somebody else started, with a Kafka that wants a login."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_pipeline.files import replace_json
from financial_pipeline.local_cluster.runtime import RuntimePlan
from financial_pipeline.paths import Paths
from financial_pipeline_tests.command import CommandRun
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.foreign import Foreign, foreign_cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def foreign(
    tmp_path_factory: pytest.TempPathFactory, runtime_plan: RuntimePlan
) -> Iterator[Foreign]:
    with foreign_cluster(runtime_plan, tmp_path_factory.mktemp("foreign")) as found:
        yield found


@pytest.fixture(scope="module")
def submitted(foreign: Foreign) -> CommandRun:
    return foreign.run("submit")


def test_the_job_runs_and_its_bars_are_published(foreign: Foreign, submitted: CommandRun) -> None:
    assert submitted.exit_code == 0, submitted.errors
    assert "its first checkpoint is complete" in submitted.output
    foreign.produce("JPM_1min.csv", 30, 40)
    assert eventually(lambda: foreign.bars() == list(range(30, 40)))


def test_a_running_job_is_left_alone(foreign: Foreign, submitted: CommandRun) -> None:
    done = foreign.run("submit")
    assert done.exit_code == 0, done.errors
    assert done.output.endswith(f"runs on {foreign.runtime.rest_url} already.\n")
    refused = foreign.run("submit", "--fresh")
    assert refused.exit_code == 1
    assert "stream submit --stop" in refused.errors
    assert len(foreign.runtime.running_jobs()) == 1


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
