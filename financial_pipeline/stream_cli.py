"""The `financial-pipeline stream` commands: thin calls, each importing what it needs when run."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from financial_pipeline.cli_options import data_root_option
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

if TYPE_CHECKING:
    from financial_pipeline.streaming.local.status import Status


def _state() -> Path:
    return Paths(Settings().data_root.resolve()).stream_runtime


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
