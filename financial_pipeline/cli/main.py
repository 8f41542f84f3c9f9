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


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="financial-pipeline", message="%(prog)s %(version)s")
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
