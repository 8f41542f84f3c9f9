"""The commands about disk space: `disk` and `prune`."""

from typing import Final

import click

from financial_pipeline.cli.options import data_root, data_root_option
from financial_pipeline.settings import Settings

MEGABYTE: Final = 1_000_000
days_option = click.option(
    "--days",
    type=click.IntRange(0),
    default=lambda: Settings().history_days,
    help="Keep the history of this many days (FINANCIAL_PIPELINE_HISTORY_DAYS, 30).",
)


def _row(name: str, count: int, size: int) -> str:
    return f"{name:<46} {count:>9,} {size / MEGABYTE:>10,.1f} MB"


@click.command()
@data_root_option
@days_option
def disk(days: int) -> None:
    """Print what uses space in the data root, and what `prune` would free."""
    from financial_pipeline.defs import home, leftovers
    from financial_pipeline.defs.housekeeping import Housekeeping

    paths = data_root()
    if not paths.data_root.is_dir():
        click.echo(f"Nothing uses space: the data root {paths.data_root} does not exist.")
        return
    for path in sorted(paths.data_root.iterdir()):
        files = sum(1 for each in path.rglob("*") if each.is_file()) if path.is_dir() else 1
        click.echo(_row(path.name, files, leftovers.size(path)))
    if not paths.dagster_home.is_dir():
        return
    with home.open_home(paths) as instance:
        found = Housekeeping(instance, paths, days).found()
    click.echo(f"\n`financial-pipeline prune --days {days}` would free:")
    for kind, space in found.items():
        click.echo(_row(kind, space.count, space.size))


@click.command()
@data_root_option
@days_option
def prune(days: int) -> None:
    """Remove superseded events, old logs and leftovers; published data is unchanged."""
    from financial_pipeline.defs import home, leftovers
    from financial_pipeline.defs.housekeeping import Housekeeping

    paths = data_root()
    if not paths.dagster_home.is_dir():
        click.echo("Nothing to prune: no run has used this data root.")
        return
    before = leftovers.size(paths.dagster_home)
    with home.open_home(paths) as instance:
        removed = Housekeeping(instance, paths, days).prune()
    for kind, space in removed.items():
        click.echo(_row(kind, space.count, space.size))
    after = leftovers.size(paths.dagster_home)
    click.echo(f"Dagster's home: {before / MEGABYTE:,.1f} MB before, {after / MEGABYTE:,.1f} after")
