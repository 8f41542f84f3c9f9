"""The `financial-pipeline` command: all command groups, and one sentence for an expected error."""

import sys
from importlib import import_module

import click

from financial_pipeline.cli import boundary, build, read, serve, space
from financial_pipeline.cli.bench import bench
from financial_pipeline.cli.completion import completion
from financial_pipeline.cli.drill import drill


class _Commands(click.Group):
    """All commands; the group `stream` is imported only if it is used."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted([*super().list_commands(context), "stream"])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name == "stream":
            command = import_module("financial_pipeline.cli.stream").stream
            return command if isinstance(command, click.Command) else None
        return super().get_command(context, name)


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        click.echo(f"financial-pipeline {boundary.own_version()}")
        context.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Loans, bank prices and macro series: from raw files to tested, published tables.

    `completion` makes the Tab key of a shell complete commands and options.
    """


for command in (
    build.demo,
    build.ingest,
    build.plan,
    build.transform,
    build.withdraw,
    read.as_of_command,
    read.diff,
    read.docs,
    read.figures,
    read.lineage,
    read.report,
    read.sql,
    serve.dashboard,
    serve.dev,
    space.disk,
    space.prune,
    bench,
    completion,
    drill,
):
    commands.add_command(command)


def main() -> None:
    """Run the command; every error is one sentence and exit code 1."""
    sys.exit(boundary.run(commands))
