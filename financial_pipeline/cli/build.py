"""The commands that archive, build and publish tables: `demo`, `ingest`, `transform`."""

import os
import sys
from functools import partial
from typing import Literal

import click

from financial_pipeline.cli.options import (
    analytics_option,
    data_root,
    data_root_option,
    world_options,
)
from financial_pipeline.cli.read import show_figures
from financial_pipeline.settings import Settings


def _run(
    layers: Literal["all", "ingest", "transform"],
    *,
    analytics: bool = False,
    stream: bool | None = None,
) -> None:
    if analytics:
        from financial_pipeline.spark import session

        session.check_prerequisites(session.master())
    # Imported here: loading the definitions parses the dbt project if it changed.
    from financial_pipeline.definitions import defs
    from financial_pipeline.defs import runs

    settings, paths, report = Settings(), data_root(), partial(click.echo, file=sys.stdout)
    trades = None
    # Only the simulated world has trades, and they never go to the brokers of another cluster.
    if stream is not None and settings.source == "simulated" and not settings.kafka_brokers:
        from financial_pipeline.streaming.simulated_stream import SimulatedStream

        trades = SimulatedStream(settings, paths, report, wanted=stream)
    runs.run_families(settings, paths, defs, report, layers, analytics=analytics, stream=trades)


# Exit code of a command that published, but without every file of the drop folder.
SOME_FILES_LEFT_OUT = 3


def _end() -> None:
    """Name the files that were left out, and exit with SOME_FILES_LEFT_OUT if there are any."""
    from financial_pipeline.raw import ingest

    if refusals := ingest.refusals(data_root()):
        for sentence in refusals:
            click.echo(f"Left out: {sentence}", err=True)
        sys.exit(SOME_FILES_LEFT_OUT)


@click.command()
@world_options
@analytics_option
@click.option(
    "--stream/--no-stream",
    default=True,
    show_default=True,
    help="Whether simulated trades go through Kafka and Flink, or through the brokerless replay.",
)
def demo(analytics: bool, stream: bool) -> None:
    """Run the pipeline from the drop folder to the published tables and print the main figures."""
    _run("all", analytics=analytics, stream=stream)
    show_figures(as_json=False)
    _end()


@click.command()
@world_options
def ingest() -> None:
    """Archive the files of the drop folder; published data is unchanged."""
    _run("ingest")
    _end()


@click.command()
@data_root_option
@analytics_option
@click.argument("file")
@click.option("--restore", is_flag=True, help="Use a withdrawn file again.")
def withdraw(analytics: bool, file: str, restore: bool) -> None:
    """Leave out an archived FILE (its name, path or hash) and rebuild the tables without it.

    The archive keeps the file, and a file that is still in the drop folder stays withdrawn.
    """
    from financial_pipeline import world
    from financial_pipeline.raw import archive, withdrawals

    paths = data_root()
    os.environ.update(world.variables(paths))
    action: withdrawals.Action = "restore" if restore else "withdraw"
    found = withdrawals.find(paths, archive.read_raw_files(paths), file, action)
    withdrawals.record(paths, found, action)
    click.echo(f"{action}: {found.landed.path} ({found.sha256[:12]}); rebuilding its tables")
    _run("transform", analytics=analytics)
    _end()


@click.command()
@world_options
@analytics_option
def transform(analytics: bool) -> None:
    """Stage, build, check and publish the archived files."""
    _run("transform", analytics=analytics)
    _end()
