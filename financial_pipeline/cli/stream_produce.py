"""`financial-pipeline stream produce`: sends bars, trades or macro releases to a topic."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from financial_pipeline.cli.options import data_root, data_root_option
from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.stream import MACRO_TOPIC, RAW_TOPIC
from financial_pipeline.settings import Settings

if TYPE_CHECKING:
    from financial_pipeline.local_cluster.connection import Connection
    from financial_pipeline.schemas.macro_release import MacroRelease
    from financial_pipeline.schemas.market_event import MarketEvent
    from financial_pipeline.streaming.clients import ClientName

Label = Literal["start", "end"]


def brokers() -> "Connection":
    """Return the brokers of the settings, or those of `stream up`."""
    from financial_pipeline.local_cluster.connection import connection

    return connection(Settings(), data_root())


@click.command()
@data_root_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--simulated", is_flag=True, help="Trades of the simulated world instead of files.")
@click.option("--live", is_flag=True, help="Poll minute bars of the settings' symbols from Yahoo.")
@click.option("--macro", is_flag=True, help="Macro releases with their vintages, not market data.")
@click.option(
    "--sessions",
    type=click.IntRange(1, 5000),
    default=3,
    show_default=True,
    help="Newest ones to simulate.",
)
@click.option(
    "--every",
    type=click.FloatRange(min=1),
    default=30,
    show_default=True,
    help="Seconds between two polls of --live.",
)
@click.option("--label", type=click.Choice(["start", "end"]), help="What times name (detected).")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="Event s per s (all).")
@click.option(
    "--client",
    type=click.Choice(["kafka-python", "confluent-kafka"]),
    default="confluent-kafka",
    show_default=True,
)
@click.option("--topic", help=f"[default: {RAW_TOPIC}, or {MACRO_TOPIC} with --macro]")
def produce(
    files: tuple[Path, ...],
    simulated: bool,
    live: bool,
    macro: bool,
    sessions: int,
    every: float,
    label: Label | None,
    speed: float | None,
    client: "ClientName",
    topic: str | None,
) -> None:
    """Send bars of FILES (JPM_1min.csv: datetime,open,high,low,close,volume), or of an option.

    Name all files of a period together: messages behind the topic's time are late. Messages that
    the topic already contains are skipped, so repeat a command that was stopped.
    """
    if sum((simulated, live, macro, bool(files))) != 1:
        raise PipelineError(
            "Name bar files, or give --simulated, --live or --macro: one of the four."
        )
    if live:
        click.echo(_send_live(every, client, topic or RAW_TOPIC))
        return
    if macro:
        click.echo(_send_macro(client, topic or MACRO_TOPIC))
        return
    events = _simulated_trades(sessions) if simulated else _bars(files, label)
    click.echo(_send_events(events, speed, client, topic or RAW_TOPIC))


def _send_events(
    events: "Iterable[MarketEvent]", speed: float | None, client: "ClientName", topic: str
) -> str:
    from financial_pipeline.streaming import producing
    from financial_pipeline.streaming.clients import open_sink
    from financial_pipeline.streaming.reading import read_held

    known, seconds = brokers(), Settings().stream_bar_seconds
    there = read_held(topic, known.confluent())
    sink = open_sink(client, topic, known)
    producer = producing.produce(events, sink, there, seconds, speed=speed)
    return (
        f"Sent {producer.sent} messages to {topic}, {producer.late} of them late; "
        f"{producer.skipped} were there already."
    )


def _send_live(every: float, client: "ClientName", topic: str) -> str:
    """Poll until the session is over or somebody interrupts; return a report of the sent bars."""
    from financial_pipeline.streaming import minute_polling
    from financial_pipeline.streaming.clients import open_sink
    from financial_pipeline.streaming.producing import Producer
    from financial_pipeline.streaming.reading import read_held

    settings = Settings()
    minute_polling.require_open(minute_polling.utc_now())
    known = brokers()
    there = read_held(topic, known.confluent())
    producer = Producer(open_sink(client, topic, known), held=there)
    polling = minute_polling.MinutePolling(
        producer,
        minute_polling.minute_source(settings, data_root()),
        settings.symbols,
        every,
        tell=lambda sentence: click.echo(sentence, err=True),
    )
    end = "The session is over"
    try:
        polling.run()
    except KeyboardInterrupt:
        producer.sink.flush()
        end = "Stopped"
    return f"{end}: sent {producer.sent} bars to {topic}, {producer.late} of them late."


def _send_macro(client: "ClientName", topic: str) -> str:
    from financial_pipeline.streaming import macro
    from financial_pipeline.streaming.clients import open_sink

    known = brokers()
    releases = _releases()
    there = macro.read_held(topic, known.confluent())
    sent, skipped = macro.send(open_sink(client, topic, known), releases, there)
    return f"Sent {sent} macro releases to {topic}; {skipped} were there already."


def _releases() -> "Iterable[MacroRelease]":
    """Return the releases of the data root's world: simulated ones, or all of FRED."""
    from financial_pipeline.raw.live_releases import fred_releases, simulated_releases

    settings = Settings()
    if settings.source == "live":
        return fred_releases(settings, data_root())
    if settings.source == "simulated":
        return simulated_releases(data_root())
    raise PipelineError(
        "Macro releases come from the simulated world or from FRED: set FINANCIAL_PIPELINE_SOURCE "
        "to simulated or live."
    )


def _bars(files: tuple[Path, ...], label: Label | None) -> "Iterable[MarketEvent]":
    from financial_pipeline.sources.bar_files import bar_events
    from financial_pipeline.streaming.producing import merge_bars

    return merge_bars([bar_events(path, label or "auto") for path in files])


def _simulated_trades(sessions: int) -> "Iterable[MarketEvent]":
    from financial_pipeline.simulator.ticks import newest_trades

    return newest_trades(data_root().simulated_prices, sessions, Settings().seed)
