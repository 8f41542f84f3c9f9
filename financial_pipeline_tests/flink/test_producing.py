"""Bar files through a real broker: both clients, both readers, twice without doubles."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer

from financial_pipeline.cli.stream import stream
from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.topics import create_topics
from financial_pipeline.schemas.stream import HEARTBEAT_SYMBOL
from financial_pipeline.settings import Settings
from financial_pipeline.simulator.price_paths import BANKS
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.sources.bar_files import bar_events
from financial_pipeline.streaming.clients import ClientName
from financial_pipeline.streaming.messages import decode, partition_of
from financial_pipeline.streaming.reading import messages

ROWS = "".join(f"2019-02-11 09:{minute}:00,28,29,27,28.5,{minute}\n" for minute in range(30, 60))
PARTITIONS = 3
CLIENTS: tuple[ClientName, ...] = ("kafka-python", "confluent-kafka")


@pytest.fixture
def topic(runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> str:
    """A topic of its own on the broker that the settings of the commands name."""
    name = f"bars_{uuid4().hex[:8]}"
    create_topics(runtime.client, {name: PARTITIONS}, 1)
    monkeypatch.setenv("FINANCIAL_PIPELINE_KAFKA_BROKERS", runtime.bootstrap_servers)
    return name


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{symbol}_1min.csv" for symbol in ("BAC", "JPM")]
    for path in paths:
        path.write_text(f"datetime,open,high,low,close,volume\n{ROWS}", "utf-8")
    return paths


def run(*arguments: object) -> Result:
    return CliRunner().invoke(stream, [str(each) for each in arguments], catch_exceptions=False)


def read_by_kafka_python(topic: str, servers: str) -> list[tuple[int, bytes, bytes]]:
    with KafkaConsumer(
        topic,
        bootstrap_servers=servers.split(","),
        auto_offset_reset="earliest",
        consumer_timeout_ms=5_000,
    ) as consumer:
        return [(record.partition, record.key, record.value) for record in consumer]


@pytest.mark.parametrize("client", CLIENTS)
def test_bars_come_back_whichever_client_writes_and_reads(
    client: ClientName, runtime: LocalRuntime, topic: str, files: list[Path]
) -> None:
    told = run("produce", *files, "--client", client, "--topic", topic)
    assert told.output == f"Sent 60 messages to {topic}, 0 of them late; 0 were there already.\n"
    by_confluent = sorted(
        (message.partition(), message.key(), message.value())
        for message in messages(topic, runtime.client)
    )
    assert sorted(read_by_kafka_python(topic, runtime.bootstrap_servers)) == by_confluent
    values = [decode(value or b"") for _, _, value in by_confluent]
    bars = {(v["symbol"], v["sequence"], v["volume"]) for v in values if "volume" in v}
    events = [event for path in files for event in bar_events(path)]
    assert bars == {(event.symbol, event.sequence, event.volume) for event in events}
    beats = {part for part, key, _ in by_confluent if key == HEARTBEAT_SYMBOL.encode()}
    assert beats == set(range(PARTITIONS))
    keyed = {(part, key) for part, key, _ in by_confluent if key in {b"BAC", b"JPM"}}
    assert keyed == {(partition_of(key, PARTITIONS), key) for key in (b"BAC", b"JPM")}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_command_given_again_sends_only_what_is_missing(
    client: ClientName, topic: str, files: list[Path]
) -> None:
    text = files[0].read_text("utf-8")
    files[0].write_text("\n".join(text.splitlines()[:11]) + "\n", "utf-8")
    run("produce", files[0], "--topic", topic)
    files[0].write_text(text, "utf-8")
    told = run("produce", files[0], "--client", client, "--topic", topic)
    assert told.output == f"Sent 20 messages to {topic}, 0 of them late; 10 were there already.\n"
    lines = run("consume", "--topic", topic).output.splitlines()
    assert sum(" BAC " in line for line in lines) == 30
    assert len(run("consume", "--topic", topic, "--max", 3).output.splitlines()) == 3


def test_simulated_trades_of_the_newest_sessions_are_produced(
    topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    arguments = ("produce", "--simulated", "--sessions", 1, "--topic", topic)
    with pytest.raises(PipelineError, match=r"No simulated prices in .*: run"):
        run(*arguments)
    write_prices(tmp_path / "landing" / "simulated" / "prices", Settings().seed)
    assert run(*arguments).output.endswith("; 0 were there already.\n")
    lines = [line.split(" ", 3) for line in run("consume", "--topic", topic).output.splitlines()]
    trades = [json.loads(value) for _, _, key, value in lines if key != HEARTBEAT_SYMBOL]
    assert {trade["symbol"] for trade in trades} == set(BANKS)
    assert len({trade["session_date"] for trade in trades}) == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_a_topic_that_is_absent_and_no_source_are_told_in_a_sentence(
    client: ClientName, topic: str, files: list[Path]
) -> None:
    with pytest.raises(PipelineError, match="The broker has no topic absent"):
        run("produce", *files, "--client", client, "--topic", "absent")
    with pytest.raises(PipelineError, match="Name bar files, or give --simulated"):
        run("produce", "--topic", topic)
