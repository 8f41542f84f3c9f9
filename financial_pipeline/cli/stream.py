"""The `financial-pipeline stream` commands; each imports its modules when it runs."""

import json
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from financial_pipeline import world
from financial_pipeline.cli.options import data_root, data_root_option
from financial_pipeline.cli.stream_produce import brokers, produce
from financial_pipeline.cli.stream_submit import access, submit
from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.stream import BARS_TOPIC, MACRO_TOPIC, RAW_TOPIC
from financial_pipeline.settings import Settings

if TYPE_CHECKING:
    from financial_pipeline.local_cluster.status import Status
    from financial_pipeline.streaming.landing import Landing
    from financial_pipeline.streaming.macro_landing import MacroLanded

# Between two passes of `land --follow`, and how often it looks for new bars meanwhile.
PASS_SECONDS, LOOK_SECONDS = 1.0, 0.1


def _state() -> Path:
    return data_root().stream_runtime


@click.group()
def stream() -> None:
    """Market bars through a local Kafka and Flink, and macro releases through Kafka."""


for command in (produce, submit, access):
    stream.add_command(command)


@stream.command()
@data_root_option
def up() -> None:
    """Start Kafka, Flink and the job in the background and wait until they are healthy."""
    from financial_pipeline.local_cluster import control
    from financial_pipeline.streaming.local_stream import SUPERVISOR

    started = time.monotonic()
    status = control.up(_state(), SUPERVISOR)
    click.echo(f"Healthy after {time.monotonic() - started:.0f} s.")
    _show(status)


@stream.command()
@data_root_option
def down() -> None:
    """Stop the job with a savepoint, then Flink and Kafka; the next `up` resumes from it."""
    from financial_pipeline.local_cluster import control

    click.echo(control.down(_state()))


@stream.command()
@data_root_option
def reset() -> None:
    """Set aside all data of a stream that is down: topics, checkpoints, landed messages, ledger.

    The next `up`, `produce` and `land` start over. Published tables stay until then.
    """
    from financial_pipeline.local_cluster import control

    root = data_root()
    aside = control.reset(_state(), [root.landed_streams, root.replay_log])
    click.echo(f"Moved to {aside}; delete it if nothing in it is needed." if aside else "No data.")


@stream.command()
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="The supervisor's whole status.")
def status(as_json: bool) -> None:
    """Show processes, checkpoints and watermark; exit code 1 unless healthy."""
    from financial_pipeline.local_cluster.status import is_running, read_status

    found = read_status(_state())
    if not found or not is_running(_state()):
        raise PipelineError(
            "No stream is running: start it with `financial-pipeline stream up`. The command"
            " `financial-pipeline stream down` removes the rest of a killed one."
        )
    if as_json:
        click.echo(json.dumps(found.__dict__, indent=1))
    else:
        _show(found)
    if found.phase != "healthy":
        raise PipelineError(f"The stream is {found.phase}.")


@stream.command()
@data_root_option
@click.option("--topic", default=RAW_TOPIC, show_default=True)
@click.option("--follow", is_flag=True, help="Wait for more at the end, until interrupted.")
@click.option("--max", "most", type=click.IntRange(min=1), help="Stop after so many messages.")
def consume(topic: str, follow: bool, most: int | None) -> None:
    """Print the messages of a topic, a line each: partition:offset, record time, key, value."""
    from financial_pipeline.streaming.reading import line, messages

    for message in islice(messages(topic, brokers().confluent(), follow=follow), most):
        click.echo(line(message))


@stream.command()
@data_root_option
@click.option("--follow", is_flag=True, help="Repeat every second (30 in object storage).")
@click.option("--skip-lost", is_flag=True, help="First step over messages that the broker deleted.")
def land(follow: bool, skip_lost: bool) -> None:
    """Land waiting messages in the published stream tables, then compare them with a batch."""
    from financial_pipeline.streaming import micro_batch
    from financial_pipeline.streaming.logs import current_landing

    landing, shown = current_landing(data_root()), world.describe(Settings())
    if skip_lost:
        lost = landing.skip_lost(micro_batch.TOPICS, "skip-lost")
        click.echo(f"{lost:,} lost messages skipped")
    while True:
        done = micro_batch.land_waiting(landing, shown)
        for topic, count in sorted(done.messages.items()):
            click.echo(f"{topic}: {count:,} messages landed")
        if done.macro.messages:
            click.echo(_macro_sentence(done.macro))
        if not follow:
            if not (done.messages or done.macro.messages):
                click.echo(f"No message is waiting in the log of the engine {landing.log.engine}.")
            break
        _wait_for_bars(landing)
    if done.days:
        compared = micro_batch.compare_after_all(landing, done.days, shown)
        for sentence in micro_batch.sentences(compared):
            click.echo(sentence)


@stream.command()
@data_root_option
def check() -> None:
    """Check that another process lands waiting messages; exit code 1 if none does in 45 seconds."""
    from financial_pipeline.streaming.logs import current_landing
    from financial_pipeline.streaming.micro_batch import check_follower

    check_follower(current_landing(data_root()))


def _wait_for_bars(landing: "Landing") -> None:
    """Wait for a second, or until a window that has closed brought bars.

    In object storage, where a pass takes ten requests, wait as long as readers do before they look
    again.
    """
    if landing.paths.object_storage_link.exists():
        from financial_pipeline.publishing.working_copy import REFRESH_SECONDS

        time.sleep(REFRESH_SECONDS)
        return
    deadline = time.monotonic() + PASS_SECONDS
    while time.monotonic() < deadline and not landing.waiting((BARS_TOPIC,)):
        time.sleep(LOOK_SECONDS)


def _macro_sentence(landed: "MacroLanded") -> str:
    sentence = (
        f"{MACRO_TOPIC}: {landed.messages:,} messages landed, {landed.releases:,} new releases in"
        f" {landed.files} files of the archive"
    )
    broken = f"; {landed.unreadable} are no releases and are kept unchanged"
    return sentence + (broken if landed.unreadable else "")


def _show(status: "Status") -> None:
    click.echo(f"Kafka  {status.bootstrap_servers}")
    click.echo(f"Flink  {status.rest_url}")
    for process in status.processes:
        click.echo(f"  {process['name']}: pid {process['pid']}, {process['restarts']} restarts")
    now = time.time()
    for job in status.jobs:
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
