"""Checks of a command's inputs that cost nothing, before anything expensive is imported or started.

Only settings and the file system are read here.
"""

import os
import shutil
from typing import Final

import click

from financial_pipeline import world
from financial_pipeline.errors import NoDropFolder, PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

# The space that a small run needs; a run of all loans needs a few gigabytes.
FREE_BYTES: Final = 200 << 20
# DuckDB reads these characters of a path as a pattern, and logs cannot show the last ones.
PATTERNS: Final = "*?[]\n\r"


def check(settings: Settings, paths: Paths, reads_files: bool = True) -> None:
    """Raise PipelineError for a drop folder or a data root that no run can use.

    `reads_files` is false for a command that starts from archived files.
    """
    if reads_files:
        _check_landing(settings)
    _check_data_root(settings, paths)


def _check_landing(settings: Settings) -> None:
    folder = settings.landing
    if settings.source == "simulated":
        if folder is not None and _is_from_the_command_line("landing"):
            raise PipelineError(
                "--landing has no effect in the simulated world; add --source files (or live)."
            )
        return
    if folder is None:
        if settings.source == "files":
            raise NoDropFolder(None)
        return
    if not folder.is_dir():
        raise NoDropFolder(folder)
    if not os.access(folder, os.R_OK | os.X_OK):
        raise PipelineError(f"The drop folder {folder} cannot be read; change its permissions.")
    if settings.source == "files" and not any(path.is_file() for path in folder.rglob("*")):
        raise NoDropFolder(folder)


def _is_from_the_command_line(option: str) -> bool:
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source(option) if context else None
    return source is click.core.ParameterSource.COMMANDLINE


def _check_data_root(settings: Settings, paths: Paths) -> None:
    place = paths.data_root
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    if strange := sorted(set(str(place)) & set(PATTERNS)):
        raise PipelineError(
            f"The data root {str(place)!r} contains {' '.join(map(repr, strange))}, which SQL reads"
            " as a pattern; pass another one with --data-root."
        )
    if not existing.is_dir():
        raise PipelineError(f"The data root {place} is no folder: {existing} is a file.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PipelineError(
            f"The data root {place} cannot be written; pass another one with --data-root."
        )
    if (free := shutil.disk_usage(existing).free) < FREE_BYTES:
        raise PipelineError(
            f"Only {free >> 20:,} MiB are free on the disk of {place}, and a run needs at least"
            f" {FREE_BYTES >> 20:,}; free space, run `financial-pipeline prune`, or pass another"
            " --data-root."
        )
    if (place / "world.json").exists():
        world.claim_data_root(settings, paths)
