"""Archived delimited files as typed fragments, faults and counts, kept by content.

The private store `staging/.typed/<dataset>/<sha256>/` lets a file that did not change be read
once, and lets a snapshot and its issue months share the same fragments.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import financial_pipeline
from financial_pipeline.files import cached_json, locked
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH, QUARANTINE
from financial_pipeline.settings import Settings
from financial_pipeline.sources.compression import decompressed
from financial_pipeline.sources.row_filter import Finding
from financial_pipeline.staging.dialect import Dialect
from financial_pipeline.staging.reading import ReadJob, read, refused_findings

# A change in any module of these packages makes earlier typed rows obsolete.
CODE = ("schemas", "sources", "transforms", "staging", "spark")
FAULT_COLUMNS = ("line_number", "physical_lines", "reason", "original_text")

DialectOf = Callable[[RawFile, Path, Settings], Dialect]


@dataclass(frozen=True)
class TypedFile:
    """The content of one file: counts of rows and physical lines, and the place of its rows."""

    # Inputs of the result in addition to the file itself.
    version: str
    folder: str
    rows: int
    staged_lines: int
    # Physical lines of each kind of note.
    notes: dict[str, int]
    file_physical_lines: int
    totals: dict[str, float]
    # Months of each fragment, by its name.
    months: dict[str, list[str]]
    # Lines spanned by rows that span more than one, by their first line.
    spans: dict[str, int]

    @property
    def fragments(self) -> list[Path]:
        """The Parquet fragments, in order of writing."""
        return [Path(self.folder) / name for name in self.months]

    @property
    def records(self) -> int:
        """The records of the file, header and notes included: a quoted line end ends none."""
        return self.file_physical_lines - sum(lines - 1 for lines in self.spans.values())

    def faults(self) -> pl.DataFrame:
        """Refused rows: line_number, physical_lines, reason, original_text."""
        return pl.read_parquet(Path(self.folder) / "faults.parquet")


@cache
def code_version() -> str:
    """Return a hash of the modules by which files are read, typed and judged."""
    # A later edition of the calendar knows more closed days.
    editions = f"{pl.__version__} {version('exchange-calendars')}"
    digest = hashlib.sha256(editions.encode())
    package = Path(str(financial_pipeline.__file__)).parent
    for path in sorted(path for name in CODE for path in (package / name).glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def store_folder(paths: Paths, dataset: str) -> Path:
    """Return the folder in which the files of a dataset are kept as they were read."""
    return paths.staging(".typed") / dataset


def store_lock(paths: Paths, dataset: str) -> AbstractContextManager[None]:
    """Lock the store of a dataset: two commands or runs may want the same file."""
    return locked(paths.staging(".typed") / f"{dataset}.lock")


@contextmanager
def new_entry(place: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `place`, and replaces one that is there; after an error it
    is gone.
    """
    work = place.with_suffix(".tmp")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
        shutil.rmtree(place, ignore_errors=True)
        work.rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def typed_file(paths: Paths, file: RawFile, settings: Settings, dialect_of: DialectOf) -> TypedFile:
    """Type a file, or return the stored result if neither file, code nor settings changed.

    Raises PipelineError for an unreadable file and RefusedFile for a hopeless one.
    """
    with store_lock(paths, file.landed.dataset):
        return _typed_file(paths, file, settings, dialect_of)


def _typed_file(
    paths: Paths, file: RawFile, settings: Settings, dialect_of: DialectOf
) -> TypedFile:
    place = store_folder(paths, file.landed.dataset) / file.sha256
    depends = (code_version(), settings.first_issue_month, settings.first_application_month)
    engine = settings.loan_staging_engine
    version = " ".join(map(str, (*depends, engine, file.source, file.landed.snapshot_date)))
    if (known := cached_json(place / "typed.json")) is not None:
        stored = TypedFile(**known)
        if (stored.version, stored.folder) == (version, str(place)):
            return stored
    with new_entry(place) as work:
        with decompressed(file.archived_path, work) as plain:
            job = ReadJob(file, plain, dialect_of(file, plain, settings), work, settings)
            typed = _type(job, version, place)
        (work / "typed.json").write_text(json.dumps(asdict(typed)), "utf-8")
    return typed


def _type(job: ReadJob, version: str, place: Path) -> TypedFile:
    """Write fragments and faults into the job's folder, which becomes `place`."""
    reading = read(job)
    months = {job.folder / name: months for name, months in reading.months.items()}
    fragments = [*months]
    lines = pl.concat([pl.Series(dtype=pl.Int64()), *reading.repeated]).alias("line_number")
    repeated = lines.to_frame().with_columns(reason=pl.lit("duplicate")).sort("line_number")
    rows = pl.concat([repeated, job.dialect.settle(months)])
    late = refused_findings(job.plain, job.dialect, rows, reading.spans)
    found = [*reading.findings, *late]
    _fault_rows(found).write_parquet(job.folder / "faults.parquet")
    notes = Counter({BEFORE_FIRST_MONTH: reading.early_lines} if reading.early_lines else {})
    for item in found:
        if item.is_note:
            notes[item.reason] += item.physical_lines
    count = pl.scan_parquet(fragments).select(pl.len()).collect().item() if fragments else 0
    return TypedFile(
        version=version,
        folder=str(place),
        rows=count,
        staged_lines=reading.staged_lines - sum(item.physical_lines for item in late),
        notes=dict(notes),
        file_physical_lines=reading.file_physical_lines,
        totals=job.dialect.totals(found, fragments),
        months=reading.months,
        spans={str(line): lines for line, lines in reading.spans.items()},
    )


def _fault_rows(found: Sequence[Finding]) -> pl.DataFrame:
    rows = [
        (item.line_number, item.physical_lines, item.reason, item.text)
        for item in found
        if not item.is_note
    ]
    schema = {name: QUARANTINE[name] for name in FAULT_COLUMNS}
    return pl.DataFrame(rows, schema=schema, orient="row")


def late_faults(
    file: RawFile, rows: pl.DataFrame, typed: TypedFile, settings: Settings, dialect_of: DialectOf
) -> pl.DataFrame:
    """Rows (line_number, reason) that fell after typing, with their text, as `faults` has them."""
    if rows.is_empty():
        return _fault_rows([])
    spans = {int(line): lines for line, lines in typed.spans.items()}
    with (
        TemporaryDirectory(dir=typed.folder) as work,
        decompressed(file.archived_path, Path(work)) as plain,
    ):
        return _fault_rows(refused_findings(plain, dialect_of(file, plain, settings), rows, spans))


def forget_others(paths: Paths, dataset: str, hashes: Collection[str]) -> None:
    """Remove the stored form of all other files of a dataset."""
    with store_lock(paths, dataset):
        for folder in store_folder(paths, dataset).glob("*"):
            if folder.name not in hashes:
                shutil.rmtree(folder)
