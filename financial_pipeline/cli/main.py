"""The `financial-pipeline` command: all command groups, and one sentence for an expected error."""

import atexit
import os
import sys
import threading
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

import click
from click.shell_completion import get_completion_class

from financial_pipeline.cli import boundary, build, read, serve, space
from financial_pipeline.cli.drill import drill
from financial_pipeline.cli.engines import OWN_PROCESS

PROGRAM: Final = "financial-pipeline"
# Click answers the shell if this variable is set.
VARIABLE: Final = "_FINANCIAL_PIPELINE_COMPLETE"


class _Benchmarks(click.Group):
    """The modules of `bench/`, each imported only if it is used."""

    def list_commands(self, context: click.Context) -> list[str]:
        folder = Path(__file__).parents[1] / "bench"
        return sorted(path.stem for path in folder.glob("[!_]*.py"))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        command = getattr(import_module(f"financial_pipeline.bench.{name}"), name, None)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Benchmarks)
def bench() -> None:
    """Measure against the bare library on the same work."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes a SHELL complete commands, options and kept versions on Tab.

    \b
    bash: eval "$(financial-pipeline completion bash)"   # in ~/.bashrc
    zsh:  eval "$(financial-pipeline completion zsh)"    # in ~/.zshrc
    fish: financial-pipeline completion fish | source    # in config.fish
    """
    complete = get_completion_class(shell)
    assert complete, "click knows all three"
    click.echo(complete(context.find_root().command, {}, PROGRAM, VARIABLE).source())


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
    try:
        status: object = boundary.run(partial(commands, obj=OWN_PROCESS))
    except SystemExit as end:
        status = end.code
    _leave(status)


def _leave(status: object) -> NoReturn:
    """End the process as `sys.exit` does, but leave its memory to the system.

    To free half a million objects of a run one by one takes more than a second.
    """
    if not (status is None or isinstance(status, int)):
        sys.exit(str(status))
    # The interpreter's own order: threads end, then the registered functions run.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status or 0)
