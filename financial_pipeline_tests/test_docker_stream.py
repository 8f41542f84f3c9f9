"""The stream of the compose file: from nothing to a bar on a page, each service killed in turn."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from financial_pipeline.bench.dashboard_client import DashboardReader
from financial_pipeline.local_cluster.java import find_flink
from financial_pipeline.local_cluster.ports import LOOPBACK, free_ports
from financial_pipeline_tests.daemon.server import eventually
from financial_pipeline_tests.docker_stream import ORDER, PORTS, SECONDS, Stream

COMPARED = "select session_date, passed from stream.parity"


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    free = free_ports(len(PORTS))
    ports = {known: str(next(free)) for known in PORTS}
    (tmp_path / "tmp").mkdir()
    places = {
        "/opt/flink/": f"{find_flink()}/",
        "/var/lib/kafka/data": str(tmp_path / "kafka"),
        "file:///data/": f"file://{tmp_path}/",
        "=/tmp": f"={tmp_path / 'tmp'}",
        "/tmp/log": str(tmp_path / "tmp"),
        "://:": f"://{LOOPBACK}:",
        "0.0.0.0": LOOPBACK,
        "address=jobmanager": f"address={LOOPBACK}",
        "host=taskmanager": f"host={LOOPBACK}",
        "taskmanager:": f"{LOOPBACK}:",
        "//jobmanager:": f"//{LOOPBACK}:",
        "kafka:": f"{LOOPBACK}:",
    }
    stream = Stream(tmp_path, places, ports)
    stream.format_kafka()
    try:
        for name in ORDER:
            stream.start(name)
        yield stream
    finally:
        for name in list(stream.running):
            stream.kill(name)


def _shown(stream: Stream) -> int:
    """Return the bars on the card of the page Live."""
    reader = DashboardReader(f"http://{LOOPBACK}:{stream.ports['8501']}")
    try:
        return int(reader.open("live").metrics.get("Bars", "0").replace(",", ""))
    finally:
        reader.close()


def _restart(stream: Stream, name: str, while_down: Callable[[], None] = lambda: None) -> None:
    stream.kill(name)
    while_down()
    stream.start(name)


def _restart_all(stream: Stream) -> None:
    """Do what `docker compose down` and `up` do."""
    for name in reversed(ORDER):
        stream.kill(name)
    for name in ORDER:
        stream.start(name)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_nothing_is_lost_if_each_service_of_the_stream_is_killed_in_turn(stream: Stream) -> None:
    stream.produce(5)
    stream.wait_for_bars()
    eventually(lambda: _shown(stream) >= 4, "bars in the dashboard", SECONDS)
    for name in ("dashboard", "land", "taskmanager", "submit"):
        _restart(stream, name, lambda: stream.produce(4))
        stream.wait_for_bars()
    stream.produce(4)
    _restart(stream, "kafka")
    stream.revive("land")
    stream.wait_for_bars()
    # The new JobManager does not know the job: the service `submit` resumes it.
    _restart(stream, "jobmanager", lambda: stream.produce(4))
    stream.wait_for_resumptions(1)
    stream.produce(4)
    _restart_all(stream)
    stream.wait_for_resumptions(2)
    stream.produce(4)
    stream.wait_for_bars()
    eventually(lambda: _shown(stream) == len(stream.published()), "all bars", SECONDS)
    # A follower compares nothing with the batch; the command does, and does not end the follower.
    stream.run("stream", "land")
    [_, day] = stream.run("sql", "--format", "csv", COMPARED).split()
    assert day == "2019-03-19,true"
    assert stream.is_healthy("land")
