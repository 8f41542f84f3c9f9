"""The commands that archive, build and publish tables: `demo`, `ingest`, `transform`."""

import sys
from functools import partial
from typing import Literal

import click

from financial_pipeline.cli.options import analytics_option, data_root, world_options
from financial_pipeline.cli.read import show_figures
from financial_pipeline.errors import PipelineError
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
    from financial_pipeline.figures.missing_sessions import missing_sessions
    from financial_pipeline.staging import losses

    settings, paths, report = Settings(), data_root(), partial(click.echo, file=sys.stdout)
    trades = None
    # Only the simulated world has trades, and they never go to the brokers of another cluster.
    if stream is not None and settings.source == "simulated" and not settings.kafka_brokers:
        from financial_pipeline.streaming.simulated_stream import SimulatedStream

        trades = SimulatedStream(settings, paths, report, wanted=stream)
    runs.run_families(settings, paths, defs, report, layers, analytics=analytics, stream=trades)
    if layers != "ingest":
        for sentence in [*losses.lost_lines(paths), *missing_sessions(paths)]:
            report(sentence)


def _fail_if_incomplete() -> None:
    """Raise PipelineError, naming files and symbols that are in no table or not up to date."""
    from financial_pipeline.raw.ingest import refusals
    from financial_pipeline.raw.live_prices import unserved_symbols

    if left_out := [*refusals(data_root()), *unserved_symbols(data_root())]:
        raise PipelineError(
            f"The others were read, but {len(left_out):,} files or symbols were left out: "
            + " ".join(left_out)
        )


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
    _fail_if_incomplete()


@click.command()
@world_options
def ingest() -> None:
    """Archive the files of the drop folder; published data is unchanged."""
    _run("ingest")
    _fail_if_incomplete()


@click.command()
@world_options
@analytics_option
def transform(analytics: bool) -> None:
    """Stage, build, check and publish the archived files."""
    _run("transform", analytics=analytics)
    _fail_if_incomplete()
