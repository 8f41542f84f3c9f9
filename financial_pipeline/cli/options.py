"""The options that commands share; their values reach other processes as variables."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import click

from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

Command = Callable[..., Any]
# Forms of an answer of `sql`.
Format = Literal["table", "csv", "json", "parquet", "markdown"]
SOURCES = click.Choice(["simulated", "files", "live"])
DAY = click.DateTime(["%Y-%m-%d"])


json_option = click.option(
    "--json", "as_json", is_flag=True, help="For programs; docs/commands.md describes the format."
)


def kept_versions(_: click.Context, __: click.Parameter, start: str) -> list[str]:
    """Return the kept versions that begin with the typed text, for completion by a shell."""
    from financial_pipeline.publishing import versions

    return [name for name in versions.names(data_root()) if name.startswith(start)]


version_option = click.option(
    "--version",
    metavar="VERSION",
    shell_complete=kept_versions,
    help="A kept version instead of the current one.",
)

format_option = click.option(
    "--format", "form", type=click.Choice(get_args(Format)), help="Default: a table."
)


def output_option(text: str, default: str | None = None) -> Callable[[Command], Command]:
    """Return `-o`, `--output`: the file that a command writes."""
    return click.option(
        "-o",
        "--output",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        default=default,
        show_default=True,
        help=text,
    )


class DataRoot(click.Path):
    """A folder, or an address `s3://bucket/folder`, which stays text."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return an address as it is."""
        is_address = isinstance(value, str) and value.startswith("s3://")
        return value if is_address else super().convert(value, param, ctx)


def data_root(*, builds: bool = False) -> Paths:
    """Return the folders of the configured data root.

    The working copy of an address in object storage is brought up to date first; `builds` also
    downloads the raw files that a build reads.
    """
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    if settings.object_storage or paths.object_storage_link.exists():
        from financial_pipeline.publishing import working_copy

        working_copy.prepare(paths, settings.object_storage, builds=builds)
    return paths


def given_data_root() -> str:
    """Return the data root as people pass it: the address of a working copy, else the folder."""
    settings = Settings()
    return settings.object_storage or str(settings.data_root.resolve())


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    # Dagster, dbt and Spark run in processes of their own, which read the same variables.
    if value is not None:
        name = f"FINANCIAL_PIPELINE_{str(parameter.name).upper()}"
        os.environ[name] = str(value.resolve() if isinstance(value, Path) else value)


data_root_option = click.option(
    "--data-root",
    type=DataRoot(path_type=Path, file_okay=False),
    callback=_remember,
    expose_value=False,
    help="Folder with everything a run writes (default: data/ in the checkout or this folder),"
    " or s3://bucket/folder.",
)

analytics_option = click.option(
    "--analytics/--no-analytics",
    default=True,
    show_default=True,
    help="Whether to compute also the Spark metrics and the default model.",
)


def _world_option(name: str, kind: Any, text: str) -> Callable[[Command], Command]:
    return click.option(
        f"--{name}", type=kind, callback=_remember, expose_value=False, is_eager=True, help=text
    )


def world_options(command: Command) -> Command:
    """Give a command `--source`, `--landing`, `--loans` and `--seed`."""
    folder = click.Path(path_type=Path, file_okay=False)
    for option in (
        _world_option("seed", int, "Seed of the simulated world."),
        _world_option("loans", click.IntRange(1, 10_000_000), "Number of simulated loans."),
        _world_option("landing", folder, "Drop folder of your files, for --source files and live."),
        _world_option("source", SOURCES, "Where data comes from (simulated)."),
    ):
        command = option(command)
    return data_root_option(command)
