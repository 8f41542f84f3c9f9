"""Brokers that ask for TLS and a password: who is refused, and where no secret stands."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.connection import require_answer
from financial_pipeline.local_cluster.flink_rest import FlinkRest
from financial_pipeline.local_cluster.processes import command_line
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan, local_runtime
from financial_pipeline.schemas.stream import BARS_TOPIC, RAW_TOPIC
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.job_script import job_script
from financial_pipeline.streaming.local_stream import job_values
from financial_pipeline_tests.conftest import ODD_NAME
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.feed import Feed, bars_on, send

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def secured(
    runtime_plan: RuntimePlan, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalRuntime]:
    state = tmp_path_factory.mktemp("secured") / ODD_NAME
    with local_runtime(replace(runtime_plan, state=state, secure=True)) as running:
        yield running


def test_an_anonymous_client_is_refused_in_one_sentence(secured: LocalRuntime) -> None:
    with pytest.raises(PipelineError, match="does not answer a client without a user"):
        require_answer({"bootstrap.servers": secured.bootstrap_servers})


def test_a_wrong_password_is_refused_in_one_sentence(secured: LocalRuntime) -> None:
    wrong = replace(secured.connection, password="guessed")
    with pytest.raises(PipelineError, match="refused user pipeline: authentication failed"):
        require_answer(wrong.confluent())


def test_an_untrusted_certificate_is_refused_in_one_sentence(secured: LocalRuntime) -> None:
    stranger = replace(secured.connection, ca_file=None)
    with pytest.raises(PipelineError, match="certificate that is not trusted"):
        require_answer(stranger.confluent())


def test_a_known_user_without_rights_may_not_write(secured: LocalRuntime) -> None:
    assert secured.security
    password = secured.security.passwords["stranger"]
    client = replace(secured.connection, user="stranger", password=password)
    require_answer(client.confluent())
    errors: list[KafkaError | None] = []
    producer = Producer(client.confluent() | {"log_level": 0, "message.timeout.ms": 20_000})
    producer.produce(RAW_TOPIC, b"{}", on_delivery=lambda error, _message: errors.append(error))
    producer.flush(30)
    assert errors
    assert errors[0]
    assert errors[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def said_by_flink(rest: FlinkRest, job_id: str) -> str:
    """Flink's pages about its configuration, a job and its workers."""
    paths = ["/jobmanager/config", "/jobmanager/environment", "/jobmanager/logs"]
    paths += [f"/jobs/{job_id}{part}" for part in ("", "/config", "/plan", "/exceptions")]
    workers = rest.get("/taskmanagers")["taskmanagers"]
    paths += [f"/taskmanagers/{worker['id']}" for worker in workers]
    return "".join(str(rest.get(path)) for path in paths)


def test_the_job_runs_and_no_secret_is_written_where_others_read(secured: LocalRuntime) -> None:
    assert secured.security
    script = job_script(job_values(Settings(), secured))
    job_id = secured.submit(script)
    send(Feed(3_000, 1), secured.client, 0.0)
    assert eventually(lambda: len(bars_on(secured.client, BARS_TOPIC)[0]) > 0)
    state = secured.plan.state
    logs = "".join(
        path.read_text("utf-8")
        for pattern in ("flink/*.log", "flink/*.txt", "kafka/*/*.log", "kafka/*/*.txt")
        for path in state.glob(pattern)
    )
    assert "KafkaConfig values" in logs
    assert "financial-pipeline.rest-token-file" in logs
    commands = "".join(command_line(one.pid) for one in secured.processes.values() if one.pid)
    assert commands.count(str(state)) > len(secured.processes)
    texts = (script, logs, commands, said_by_flink(secured.rest, job_id))
    secrets = [*secured.security.passwords.values(), secured.security.store_password]
    for secret in (*secrets, secured.rest.token):
        assert [secret in text for text in texts] == [False] * len(texts)


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder, except those that go away meanwhile."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            found[path] = path.read_bytes()
    return found


def test_files_with_secrets_are_for_their_owner_only(secured: LocalRuntime) -> None:
    assert secured.security
    secrets = [*secured.security.passwords.values(), secured.security.store_password]
    secrets.append(secured.rest.token)
    found = [
        path
        for path, content in contents(secured.plan.state).items()
        if any(secret.encode() in content for secret in secrets)
    ]
    names = {path.name for path in found}
    assert names == {"passwords", "server.properties", "access.properties", "rest-token"}
    assert [path for path in found if path.stat().st_mode & 0o077] == []
