"""Brokers that ask for TLS and a password: who is refused, and where no secret stands."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError, Producer

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.connection import require_answer
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan, local_runtime
from financial_pipeline.schemas.stream import BARS_TOPIC, RAW_TOPIC
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.job_script import job_script
from financial_pipeline.streaming.local_stream import job_values
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.feed import Feed, bars_on, send

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def secured(
    runtime_plan: RuntimePlan, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalRuntime]:
    state = tmp_path_factory.mktemp("secured") / "state"
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


def test_the_job_runs_and_no_secret_is_written_where_others_read(secured: LocalRuntime) -> None:
    assert secured.security
    script = job_script(job_values(Settings(), secured))
    job_id = secured.submit(script)
    send(Feed(3_000, 1), secured.client, 0.0)
    assert eventually(lambda: len(bars_on(secured.client, BARS_TOPIC)[0]) > 0)
    plan = str(secured.rest.get(f"/jobs/{job_id}"))
    files = [*secured.flink.folder.glob("*.log"), *secured.plan.state.glob("kafka/*/broker.log")]
    logs = "".join(path.read_text("utf-8") for path in files)
    assert "KafkaConfig values" in logs
    for password in secured.security.passwords.values():
        assert password not in script
        assert password not in plan
        assert password not in logs
