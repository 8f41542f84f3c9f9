"""The `financial-pipeline` command: thin calls, one clear sentence where something is wrong."""

import json
import os
import sys
from dataclasses import asdict
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Literal

import click

from financial_pipeline.cli.options import DAY, analytics_option, data_root_option, world_options
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.settings import PROJECT_ROOT, Settings


def _paths() -> Paths:
    return Paths(Settings().data_root.resolve())


def _run(
    layers: Literal["all", "ingest", "transform"],
    *,
    analytics: bool = False,
    stream: bool | None = None,
) -> None:
    if analytics:
        from financial_pipeline.spark import session

        session.check_prerequisites(session.master())
    # Imported here: loading the definitions parses the dbt project where it changed.
    from financial_pipeline.definitions import defs
    from financial_pipeline.defs import runs

    settings, paths, report = Settings(), _paths(), partial(click.echo, file=sys.stdout)
    # Only the simulated world has trades, and brokers that somebody named are not ours to fill.
    is_ours = settings.source == "simulated" and not settings.kafka_brokers
    beside = None
    if stream is not None and is_ours:
        from financial_pipeline.streaming.simulated_stream import SimulatedStream

        beside = SimulatedStream(settings, paths, report, wanted=stream)
    runs.run_families(*(settings, paths, defs, report, layers), analytics=analytics, stream=beside)


class _Commands(click.Group):
    """All commands; the group `stream` is imported only when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted([*super().list_commands(context), "stream"])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name == "stream":
            command = import_module("financial_pipeline.cli.stream").stream
            return command if isinstance(command, click.Command) else None
        return super().get_command(context, name)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def commands() -> None:
    """Loans, bank prices and macro series: from raw files to tested, published tables."""


@commands.command()
@world_options
@analytics_option
@click.option(
    "--stream/--no-stream",
    default=True,
    show_default=True,
    help="Whether simulated trades go through Kafka and Flink, or through the brokerless replay.",
)
def demo(analytics: bool, stream: bool) -> None:
    """Run the river from the drop folder to the published tables and print the main figures."""
    _run("all", analytics=analytics, stream=stream)
    _show_figures(as_json=False)


@commands.command()
@world_options
def ingest() -> None:
    """Archive what landed in the drop folder; nothing published changes."""
    _run("ingest")


@commands.command()
@world_options
@analytics_option
def transform(analytics: bool) -> None:
    """Stage, build, check and publish what the archive holds."""
    _run("transform", analytics=analytics)


@commands.command()
@data_root_option
@click.option(
    "--dictionary",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the data dictionary as Markdown to this file, and the column lineage of SQL.",
)
def docs(dictionary: Path | None) -> None:
    """Generate the dbt documentation of the warehouse under its target folder."""
    from financial_pipeline.defs.warehouse import project

    if dictionary:
        from financial_pipeline.figures.data_dictionary import data_dictionary
        from financial_pipeline.lineage import catalogue

        catalogue.LINEAGE_FILE.write_text(project.lineage_of_sql(), "utf-8")
        dictionary.write_text(data_dictionary(), "utf-8")
        return

    click.echo(f"Open {project.generate_docs(_paths())} in a browser.")


@commands.command()
@world_options
@click.option("--port", default=3000, show_default=True, help="Port of the Dagster UI.")
@click.option("--dashboard-port", default=8501, show_default=True, help="Port of the dashboard.")
def dev(port: int, dashboard_port: int) -> None:
    """Start Dagster's web interface and the dashboard on loopback; both end together."""
    from financial_pipeline.dashboard import launch
    from financial_pipeline.definitions import defs
    from financial_pipeline.defs import runs, switches

    runs.prepare_home(_paths())
    os.environ["FINANCIAL_PIPELINE_DAGSTER_URL"] = launch.address(port)
    for sentence in switches.of_this_home(defs):
        click.echo(sentence)
    click.echo("The stream is not started here: `financial-pipeline stream up` starts it.")
    click.echo(f"Dagster: {launch.address(port)}  Dashboard: {launch.address(dashboard_port)}")
    dagster = [sys.executable, "-m", "dagster", "dev", "-h", launch.LOOPBACK, "-p", str(port)]
    servers = [dagster, launch.streamlit_command(dashboard_port)]
    sys.exit(launch.run_together(servers, PROJECT_ROOT))


@commands.command()
@data_root_option
@click.option("--port", default=8501, show_default=True, help="Port of the dashboard.")
def dashboard(port: int) -> None:
    """Open the dashboard over the published version, on loopback."""
    from financial_pipeline.dashboard import launch

    click.echo(f"Dashboard: {launch.address(port)}")
    launch.serve(port)


def _show_figures(as_json: bool) -> None:
    from financial_pipeline.figures import figures, figures_table

    content = figures.figures(_paths())
    if as_json:
        click.echo(json.dumps(content, indent=1))
    else:
        figures_table.show(content, _paths())


@commands.command()
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="For programs; the form is in the README.")
def figures(as_json: bool) -> None:
    """Print the main figures of the published version."""
    _show_figures(as_json)


@commands.command("as-of")
@data_root_option
@click.argument("series")
@click.argument("observation_date", type=DAY, metavar="OBSERVATION_DATE")
@click.argument("as_of_date", type=DAY, metavar="AS_OF_DATE")
@click.option("--json", "as_json", is_flag=True, help="For programs; the form is in the README.")
def as_of_command(
    series: str, observation_date: datetime, as_of_date: datetime, as_json: bool
) -> None:
    """Print one macro value as it was known on a day, with the days on which it stood."""
    from financial_pipeline.figures import as_of

    known = as_of.as_of(series.upper(), as_of_date.date(), observation_date.date(), _paths())
    click.echo(json.dumps(asdict(known), default=str) if as_json else as_of.sentence(known))


@commands.command()
@click.argument("column")
@click.option("--json", "as_json", is_flag=True, help="For programs; the form is in the README.")
def lineage(column: str, as_json: bool) -> None:
    """Print what a COLUMN (layer.table.column) is made of, up to the raw fields."""
    from financial_pipeline.lineage import chain

    key = chain.parse(column)
    click.echo(json.dumps(chain.as_object(key), indent=1) if as_json else chain.as_text(key))


@commands.command()
@data_root_option
@click.argument("query", required=False)
def sql(query: str | None) -> None:
    """Query the published tables with DuckDB SQL; without QUERY, a prompt."""
    from financial_pipeline.cli import sql_prompt

    sql_prompt.run(_paths(), query)


class _Benchmarks(click.Group):
    """The modules of `bench/`, each imported only when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        folder = Path(__file__).parents[1] / "bench"
        return sorted(path.stem for path in folder.glob("[!_]*.py"))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        command = getattr(import_module(f"financial_pipeline.bench.{name}"), name, None)
        return command if isinstance(command, click.Command) else None


@commands.group(cls=_Benchmarks)
def bench() -> None:
    """Measure against the bare library on the same work."""


def main() -> None:
    """Run the command; a fault that a person can mend is one sentence and exit code 1."""
    try:
        commands()
    except PipelineError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
