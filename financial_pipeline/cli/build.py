"""The commands that archive, build and publish tables, and the one that says what they would do."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from financial_pipeline.cli import inputs
from financial_pipeline.cli.engines import Layers, build_tables
from financial_pipeline.cli.options import (
    analytics_option,
    data_root,
    data_root_option,
    world_options,
)
from financial_pipeline.cli.read import show_figures, show_headline
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

rebuild_option = click.option(
    "--rebuild", is_flag=True, help="Build everything, also what has not changed."
)


def _is_current(
    settings: Settings, paths: Paths, files: Sequence[Path], *, analytics: bool
) -> bool:
    """Return whether the last `demo` started from the same, with or without its stream."""
    from financial_pipeline.changes import unchanged

    if settings.source == "live" or not unchanged.has_record(paths):
        return False
    started = [
        {"layers": "all", "analytics": analytics, "stream": stream} for stream in (True, False)
    ]
    return any(
        unchanged.is_current(paths, unchanged.fingerprint(settings, paths, files, options))
        for options in started
    )


def _files(settings: Settings, paths: Paths, layers: Layers) -> list[Path]:
    """Return the files that a command reads: those of the drop folder, unless it starts later."""
    from financial_pipeline.raw import ingest

    return [] if layers == "transform" else ingest.candidates(settings, paths)


def _run(
    layers: Layers, *, analytics: bool = False, stream: bool | None = None, rebuild: bool = False
) -> str | None:
    """Run the pipeline; return the fault of its stream, if it had one."""
    settings, report = Settings(), partial(click.echo, file=sys.stdout)
    inputs.check(settings, paths := data_root(builds=True), reads_files=layers != "transform")
    options = {"layers": layers, "analytics": analytics, "stream": stream}
    from financial_pipeline.changes import file_hashes, unchanged

    # Only a fetch shows whether a live source has new data.
    may_be_current = settings.source != "live" and not rebuild and unchanged.has_record(paths)
    files = _files(settings, paths, layers)
    if may_be_current and unchanged.is_current(
        paths, unchanged.fingerprint(settings, paths, files, options)
    ):
        report("Nothing changed since the last run: files, settings and code are the same.")
        _say_what_is_missing(settings, paths, report)
        return None
    unchanged.forget(paths)
    report(f"Source: {settings.source}. Everything is written to {paths.data_root}")
    if layers != "transform":
        _check_sources(settings, paths)
    outcome = build_tables(settings, paths, report, layers, analytics, stream, rebuild)
    if layers == "ingest":
        return None
    if not outcome.has_built:
        report("Nothing to build: every table is up to date.")
    _say_what_is_missing(settings, paths, report)
    files = _files(settings, paths, layers)
    # A file that arrived meanwhile is for the next run, and so is a stream that failed.
    is_whole = outcome.stream_fault is None
    if is_whole and (layers == "transform" or file_hashes.are_known(paths, files)):
        unchanged.remember(paths, unchanged.fingerprint(settings, paths, files, options))
    return outcome.stream_fault


def _check_sources(settings: Settings, paths: Paths) -> None:
    """Raise PipelineError for unknown files or a missing key, before a JVM starts."""
    if settings.source == "live" and settings.fred_series and settings.fred_api_key is None:
        from financial_pipeline.sources.fred_api import missing_key

        raise missing_key()
    if settings.source == "files":
        from financial_pipeline import world
        from financial_pipeline.raw import ingest

        world.claim_data_root(settings, paths)
        ingest.landed_files(settings, paths)


def _say_what_is_missing(settings: Settings, paths: Paths, report: Callable[[str], None]) -> None:
    """Report remarks of staging, lines that no table contains, and sessions without prices."""
    from financial_pipeline.figures.attention import missing_sessions
    from financial_pipeline.staging import losses

    remarks = [] if settings.source == "simulated" else losses.remarks(paths)
    for sentence in [*remarks, *losses.lost_lines(paths), *missing_sessions(paths)]:
        report(sentence)


def _fail_if_incomplete() -> None:
    """Raise PipelineError, naming files and symbols that are in no table or not up to date."""
    from financial_pipeline.raw import ingest
    from financial_pipeline.raw.live_prices import unserved_symbols

    if left_out := [*ingest.left_out(data_root()), *unserved_symbols(data_root())]:
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
@rebuild_option
def demo(analytics: bool, stream: bool, rebuild: bool) -> None:
    """Run the pipeline from the drop folder to the published tables and print the main figures."""
    stream_fault = _run("all", analytics=analytics, stream=stream, rebuild=rebuild)
    show_figures(as_json=False)
    show_headline()
    _fail_if_incomplete()
    if stream_fault:
        raise PipelineError(stream_fault)


@click.command()
@world_options
def ingest() -> None:
    """Archive the files of the drop folder; published data is unchanged."""
    _run("ingest")
    _fail_if_incomplete()


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

    paths = data_root(builds=True)
    os.environ.update(world.variables(paths))
    action: withdrawals.Action = "restore" if restore else "withdraw"
    found = withdrawals.find(paths, archive.read_raw_files(paths), file, action)
    withdrawals.record(paths, found, action)
    click.echo(f"{action}: {found.landed.path} ({found.sha256[:12]}); rebuilding its tables")
    _run("transform", analytics=analytics)
    _fail_if_incomplete()


@click.command()
@world_options
@analytics_option
@rebuild_option
def transform(analytics: bool, rebuild: bool) -> None:
    """Stage, build, check and publish the archived files."""
    _run("transform", analytics=analytics, rebuild=rebuild)
    _fail_if_incomplete()


@click.command()
@world_options
@analytics_option
def plan(analytics: bool) -> None:
    """Print what `demo` would build, and why; nothing is built and nothing is fetched."""
    settings, paths = Settings(), data_root(builds=True)
    from financial_pipeline.raw import ingest

    if not (files := ingest.candidates(settings, paths)):
        click.echo("Everything: the drop folder has not been read yet.")
        return
    if _is_current(settings, paths, files, analytics=analytics):
        click.echo("Nothing would be built.")
        return
    # Imported here: a plan with nothing to do loads no engine.
    from financial_pipeline.definitions import defs
    from financial_pipeline.defs import home, preview

    home.prepare_home(paths)
    rows = list(preview.preview(settings, paths, defs(), analytics=analytics))
    for run, asset, reason in rows:
        click.echo(f"{asset:<42} {run.span:<26} {reason}")
    click.echo(f"{len(rows)} assets would be built." if rows else "Nothing would be built.")
