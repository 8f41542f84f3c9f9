"""The `financial-pipeline stream` commands: thin calls, each importing what it needs when run."""

import json
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from financial_pipeline.cli_options import data_root_option
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import RAW_TOPIC
from financial_pipeline.settings import Settings

if TYPE_CHECKING:
    from financial_pipeline.schemas.market_event import MarketEvent
    from financial_pipeline.streaming.connection import Connection
    from financial_pipeline.streaming.local.status import Status

# Between two passes of a landing that goes on.
PASS_SECONDS = 1.0


def _paths() -> Paths:
    return Paths(Settings().data_root.resolve())


def _state() -> Path:
    return _paths().stream_runtime


@click.group()
def stream() -> None:
    """Market bars through a local Kafka and Flink."""


@stream.command()
@data_root_option
def up() -> None:
    """Start Kafka, Flink and the job in the background and wait until they are healthy."""
    from financial_pipeline.streaming.local import control

    started = time.monotonic()
    status = control.up(_state())
    click.echo(f"Healthy after {time.monotonic() - started:.0f} s.")
    _show(status)


@stream.command()
@data_root_option
def down() -> None:
    """Stop the job with a savepoint, then Flink and Kafka; the next `up` goes on from there."""
    from financial_pipeline.streaming.local import control

    click.echo(control.down(_state()))


@stream.command()
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="The supervisor's whole status.")
def status(as_json: bool) -> None:
    """Show processes, checkpoints and watermark; exit code 1 unless healthy."""
    from financial_pipeline.streaming.local.status import is_running, read_status

    told = read_status(_state())
    if not told or not is_running(_state()):
        raise PipelineError(
            "No stream is running: start it with `financial-pipeline stream up`; what a killed one "
            "left behind is cleaned by `financial-pipeline stream down`."
        )
    if as_json:
        click.echo(json.dumps(told.__dict__, indent=1))
    else:
        _show(told)
    if told.phase != "healthy":
        raise PipelineError(f"The stream is {told.phase}.")


@stream.command()
@data_root_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--simulated", is_flag=True, help="Trades of the simulated world instead of files.")
@click.option(
    "--sessions",
    type=click.IntRange(1, 5000),
    default=3,
    show_default=True,
    help="Newest ones to simulate.",
)
@click.option("--label", type=click.Choice(["start", "end"]), help="What times name (detected).")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="Event s per s (all).")
@click.option(
    "--client",
    type=click.Choice(["kafka-python", "confluent-kafka"]),
    default="confluent-kafka",
    show_default=True,
)
@click.option("--topic", default=RAW_TOPIC, show_default=True)
def produce(
    files: tuple[Path, ...],
    simulated: bool,
    sessions: int,
    label: Literal["start", "end"] | None,
    speed: float | None,
    client: Literal["kafka-python", "confluent-kafka"],
    topic: str,
) -> None:
    """Send bars of FILES (JPM_1min.csv: datetime,open,high,low,close,volume), or simulated trades.

    Name all files of a period together: what comes behind the topic's time is late. What the topic
    holds already is not sent again, so a command that was stopped is simply given again.
    """
    from financial_pipeline.streaming.clients import open_sink
    from financial_pipeline.streaming.producing import Producer
    from financial_pipeline.streaming.reading import held

    if simulated == bool(files):
        raise PipelineError("Name bar files, or give --simulated: one of the two.")
    events = _simulated(sessions) if simulated else _bars(files, label)
    brokers = _brokers()
    there = held(topic, brokers.confluent())
    producer = Producer(open_sink(client, topic, brokers), speed, there)
    producer.run(events)
    producer.close_windows(Settings().stream_bar_seconds)
    click.echo(
        f"Sent {producer.sent} messages to {topic}, {producer.late} of them late; "
        f"{producer.skipped} were there already."
    )


def _brokers() -> "Connection":
    from financial_pipeline.streaming.connection import connection

    return connection(Settings(), _paths())


def _bars(
    files: tuple[Path, ...], label: Literal["start", "end"] | None
) -> "Iterable[MarketEvent]":
    from financial_pipeline.sources.bar_files import bar_events
    from financial_pipeline.streaming.producing import merged

    return merged([bar_events(path, label or "auto") for path in files])


def _simulated(sessions: int) -> "Iterable[MarketEvent]":
    from financial_pipeline.simulator.price_paths import BANKS
    from financial_pipeline.simulator.ticks import last_sessions, ticks

    prices = _paths().simulated_landing / "prices"
    return ticks(prices, last_sessions(prices, sessions), BANKS, Settings().seed)


@stream.command()
@data_root_option
@click.option("--topic", default=RAW_TOPIC, show_default=True)
@click.option("--follow", is_flag=True, help="Wait for more at the end, until interrupted.")
@click.option("--max", "most", type=click.IntRange(min=1), help="Stop after so many messages.")
def consume(topic: str, follow: bool, most: int | None) -> None:
    """Print what is on a topic, a line each: partition:offset, record time, key, value."""
    from financial_pipeline.streaming.reading import line, messages

    for message in islice(messages(topic, _brokers().confluent(), follow=follow), most):
        click.echo(line(message))


@stream.command()
@data_root_option
@click.option("--follow", is_flag=True, help="Go on until interrupted, a pass a second.")
def land(follow: bool) -> None:
    """Land what waits on the topics into the published stream tables; then compare with a batch."""
    from financial_pipeline import ingest
    from financial_pipeline.stream_landing import micro_batch
    from financial_pipeline.stream_landing.logs import current_landing

    landing, world = current_landing(_paths()), ingest.world(Settings())
    while True:
        done = micro_batch.land_waiting(landing, world)
        for topic, count in sorted(done.messages.items()):
            click.echo(f"{topic}: {count:,} messages landed")
        if not follow:
            break
        time.sleep(PASS_SECONDS)
    if done.days:
        for sentence in micro_batch.sentences(micro_batch.compare_days(landing, done.days, world)):
            click.echo(sentence)


def _show(told: "Status") -> None:
    click.echo(f"Kafka  {told.bootstrap_servers}")
    click.echo(f"Flink  {told.rest_url}")
    for process in told.processes:
        click.echo(f"  {process['name']}: pid {process['pid']}, {process['restarts']} restarts")
    now = time.time()
    for job in told.jobs:
        at, mark = job["checkpoint_at"], job["watermark_ms"]
        checkpoint = (
            f"checkpoint {job['checkpoint']} {now - at:.0f} s ago" if at else "no checkpoint"
        )
        moved = job["watermark_moved_at"]
        watermark = (
            f"watermark {time.strftime('%F %T', time.gmtime(mark / 1000))}Z, moved "
            f"{now - moved:.0f} s ago"
            if mark
            else "no watermark yet"
        )
        click.echo(f"  job {job['name']}: {job['state']}, {checkpoint}, {watermark}")
