"""The boundary of all commands: a known fault is one sentence, an unknown one also leaves a report.

A report is a file of `reports/` under the data root that only its owner can read. It contains the
traceback, versions and settings, without secrets.
"""

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from pydantic import ValidationError
from pydantic_settings import SettingsError

from financial_pipeline.errors import PipelineError
from financial_pipeline.redaction import SECRET_NAMES, redact
from financial_pipeline.settings import PROJECT_ROOT, Settings

# The exit code that shells use for an interrupted program.
INTERRUPTED: Final = 130
# The error that Dagster raises for Ctrl-C within a step; its import takes a second.
INTERRUPTION: Final = "DagsterExecutionInterruptedError"
PREFIX: Final = "FINANCIAL_PIPELINE_"
# Characters of a long text that a sentence quotes, half from each end; the report has all of it.
QUOTED: Final = 600
KEPT_REPORTS: Final = 20
FULL: Final = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_SPACE: Final = ("No space left on device", "database or disk is full", "disk I/O error")
DAMAGED_WAREHOUSE: Final = ("not a valid DuckDB database file", "Corrupt database file")
DAMAGED_HISTORY: Final = ("file is not a database", "database disk image is malformed")
NAME: Final = "financial-pipeline"
VERSIONS: Final = ("dagster", "dbt-core", "duckdb", "polars", "pyspark")


def run(command: Callable[[], object]) -> int:
    """Run a command and return its exit code; every fault is one line of standard error."""
    _warn_of_open_secrets(Path(".env"))
    try:
        command()
    except KeyboardInterrupt:
        _tell("Stopped.")
        return INTERRUPTED
    except SystemExit:
        raise
    # A panic in Polars is not an Exception.
    except BaseException as error:
        # Click writes to standard error when it is interrupted, and the reader may be gone.
        if isinstance(error, BrokenPipeError) and isinstance(error.__context__, KeyboardInterrupt):
            return INTERRUPTED
        if any(type(each).__name__ == INTERRUPTION for each in _causes(error)):
            _tell("Stopped.")
            return INTERRUPTED
        _tell(f"Error: {sentence(error)}")
        return 1
    return 0


def _tell(text: str) -> None:
    """Write a line to standard error, if anybody still reads it."""
    with suppress(BrokenPipeError):
        click.echo(text, err=True)


def sentence(error: BaseException) -> str:
    """Return one line about a fault, without secrets: what is wrong, where, and what to do."""
    return redact(_sentence(error))


def _sentence(error: BaseException) -> str:
    for each in _causes(error):
        if damaged := _describe_damage(str(each)):
            return damaged
        if isinstance(each, PipelineError):
            text = str(each)
            is_one_line = len(text.splitlines()) <= 1
            return text if is_one_line else f"{_line(text)} (in full: {report(error)})"
        if known := _describe_known(each):
            return known
    return (
        f"The program has a fault ({type(error).__name__}: {_line(str(error))}); readers keep the"
        f" last published version. Please report it with the file {report(error)}, which has no"
        " secrets."
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__


def _line(text: str) -> str:
    words = " ".join(text.split())
    half = QUOTED // 2
    return words if len(words) <= QUOTED else f"{words[:half]} ... {words[-half:]}"


def _describe_known(error: BaseException) -> str | None:
    if isinstance(error, ValidationError):
        faults = "; ".join(f"{_variable(one['loc'])}: {one['msg']}" for one in error.errors())
        return f"A setting is wrong, correct it in the environment or in .env: {faults}."
    if isinstance(error, SettingsError):
        return f"A setting cannot be read, correct it in the environment or in .env: {error}."
    number = error.errno if isinstance(error, OSError) else None
    place = getattr(error, "filename", None) or "the data root"
    if number in FULL or any(text in str(error) for text in NO_SPACE):
        return (
            f"The disk of {place} is full; free space and repeat the command. Readers keep the last"
            " published version."
        )
    if number in FORBIDDEN:
        return f"{place} cannot be read or written ({os.strerror(number or 0)}); change its rights."
    return None


def _describe_damage(text: str) -> str | None:
    """Return the advice for a fault in a damaged file that a run can rebuild."""
    if any(mark in text for mark in DAMAGED_WAREHOUSE):
        place = _data_root() / "warehouse" / "warehouse.duckdb"
        return f"The warehouse {place} is damaged; remove it, and the next run builds it again."
    if any(mark in text for mark in DAMAGED_HISTORY):
        place = _data_root() / "dagster_home"
        return (
            f"The history of runs in {place} is damaged; remove that folder, which contains no"
            " published data, and repeat the command."
        )
    return None


def _variable(place: tuple[int | str, ...]) -> str:
    name = str(place[0]) if place else "settings"
    return name if name.isupper() else f"{PREFIX}{name.upper()}"


def report(error: BaseException) -> Path:
    """Write the report of a fault and return its path, in the temporary folder if need be."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    content = redact(_content(error)).encode("utf-8", errors="backslashreplace")
    for folder in (_data_root() / "reports", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        for old in sorted(folder.glob("*.txt"))[:-KEPT_REPORTS] if folder.name == "reports" else ():
            old.unlink(missing_ok=True)
        return folder / name
    return Path("(no folder can be written)")


def _data_root() -> Path:
    try:
        return Settings().data_root.resolve()
    except (ValueError, OSError):
        return Path(tempfile.gettempdir())


def own_version() -> str:
    """Return the version of this program; the container's image has no installed distribution."""
    import tomllib
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(NAME)
    except PackageNotFoundError:
        project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        return str(project["version"])


def _content(error: BaseException) -> str:
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"time: {datetime.now(UTC).isoformat()}", f"command: {' '.join(sys.argv)}"]
    lines += [f"python: {sys.version}", f"system: {platform.platform()}"]
    lines.append(f"{NAME}: {own_version()}")
    for name in VERSIONS:
        try:
            lines.append(f"{name}: {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name}: not installed")
    try:
        lines += [f"{key} = {value}" for key, value in Settings().model_dump(mode="json").items()]
    except ValueError as wrong:
        lines.append(f"settings: {wrong}")
    return "\n".join(lines) + "\n\n" + "".join(traceback.format_exception(error))


def _warn_of_open_secrets(file: Path) -> None:
    """Print a warning if other users can read a file that contains secrets."""
    try:
        is_open = bool(file.stat().st_mode & 0o077)
        names = [line.split("=")[0].strip() for line in file.read_text("utf-8").splitlines()]
    except (OSError, ValueError):
        return
    if is_open and any(SECRET_NAMES.search(name) for name in names if not name.startswith("#")):
        click.echo(
            f"Warning: other users can read the secrets in {file}: chmod 600 {file}", err=True
        )
