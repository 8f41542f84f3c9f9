"""Read one plain delimited file into typed month fragments: fast if it is clean, else filtered.

The fast way lets Polars parse the file and splits the stream by month. Its result counts only if
the bytes confirm it: as many lines as records, and as many commas as whole rows need. Otherwise
the file is read again, record by record, and only whole rows reach the types.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH
from financial_pipeline.settings import Settings
from financial_pipeline.sources.physical_lines import count_bytes, split, texts_of
from financial_pipeline.sources.row_filter import Finding, classify, filter_rows
from financial_pipeline.staging.accounting import refuse_dirty_file
from financial_pipeline.staging.dialect import FAULT_SCHEMA, Dialect
from financial_pipeline.staging.month_fragments import MonthFragments

# Rows of a batch: below this the overhead of 155 columns costs more than their content.
BATCH_ROWS = 25_000
# More note lines than any upstream file has; a larger excess of unusable rows is no footer.
MOST_NOTES = 10_000


class DoubtfulError(Exception):
    """The bytes of the file contradict the rows that were read the fast way."""


@dataclass(frozen=True)
class ReadJob:
    """One file to read: its plain text and the folder of its fragments."""

    file: RawFile
    plain: Path
    dialect: Dialect
    folder: Path
    settings: Settings


@dataclass
class Reading:
    """The result of reading one file; line counts are physical lines."""

    months: dict[str, list[str]]
    findings: list[Finding]
    staged_lines: int
    early_lines: int
    file_physical_lines: int
    # Lines spanned by the records that span more than one, by their first line.
    spans: dict[int, int]
    # First lines of the rows that repeat another one of their fragment.
    repeated: list[pl.Series]


@dataclass
class _Stream:
    """The counts of the typed batches so far."""

    rows: int = 0
    commas: int = 0
    early: list[pl.Series] = field(default_factory=list)
    refused: list[pl.DataFrame] = field(default_factory=list)
    months: dict[str, list[str]] = field(default_factory=dict)
    repeated: list[pl.Series] = field(default_factory=list)


def refused_findings(
    plain: Path, dialect: Dialect, rows: pl.DataFrame, spans: Mapping[int, int]
) -> list[Finding]:
    """Refused rows (line_number, reason) with their text; notes are detected from that text."""
    starts = rows["line_number"].to_list()
    lines = texts_of(plain, [n for start in starts for n in _lines(start, spans)])
    found = []
    for start, reason in rows.select("line_number", "reason").iter_rows():
        text = "\n".join(lines[number] for number in _lines(start, spans))
        verdict = classify(split(text), dialect.columns, dialect.note_kind)
        is_note, found_reason = verdict or (False, reason)
        found.append(Finding(start, spans.get(start, 1), is_note, found_reason, text))
    return found


def _lines(start: int, spans: Mapping[int, int]) -> range:
    return range(start, start + spans.get(start, 1))


def _line_count(starts: Iterable[int], spans: Mapping[int, int]) -> int:
    return sum(spans.get(start, 1) for start in starts)


def _preamble(job: ReadJob) -> list[Finding]:
    header, dialect = job.dialect.header_line, job.dialect
    texts = texts_of(job.plain, range(1, header + 1))
    kinds = {
        number: dialect.note_kind(split(text) or [], dialect.columns) or "note"
        for number, text in texts.items()
    }
    kinds[header] = "header"
    return [Finding(number, 1, True, kinds[number], texts[number]) for number in sorted(texts)]


def _split_by_month(job: ReadJob, typed: pl.LazyFrame, line_numbers: np.ndarray | None) -> _Stream:
    """Write the sound rows to fragments, and keep account of the others."""
    stream, dialect, file = _Stream(), job.dialect, job.file
    fragments = MonthFragments(job.folder, dialect.month, dialect.is_repeated)
    for batch in typed.collect_batches(
        chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming"
    ):
        line = batch["row"].cast(pl.Int64) + dialect.header_line + 1
        if line_numbers is not None:
            line = pl.Series(line_numbers[batch["row"].to_numpy()])
        rows = batch.with_columns(
            line_number=line,
            snapshot_month=pl.lit(file.landed.snapshot_date),
            source=pl.lit(file.source),
            is_synthetic=pl.lit(file.is_synthetic),
            file_sha256=pl.lit(file.sha256),
        )
        reason = pl.col("reason")
        is_refused = (reason != BEFORE_FIRST_MONTH).fill_null(False)
        is_clean = batch["reason"].null_count() == batch.height
        sound = rows if is_clean else rows.filter(~is_refused)
        stream.rows += batch.height
        stream.commas += _commas(sound, dialect.text_columns)
        stream.early.append(sound["line_number"].filter(sound["reason"].is_not_null()))
        stream.refused.append(rows.select("line_number", "reason").filter(is_refused))
        kept = sound if is_clean else sound.filter(reason.is_null())
        fragments.add(dialect.finish(kept).select(dialect.contract.keys()))
    fragments.close()
    stream.months, stream.repeated = fragments.months, fragments.repeated
    return stream


def _commas(rows: pl.DataFrame, columns: Sequence[str]) -> int:
    counts = rows.select(pl.col(columns).str.count_matches(",", literal=True).sum())
    return int(counts.sum_horizontal().sum())


def _refused_rows(job: ReadJob, stream: _Stream) -> pl.DataFrame:
    if not stream.refused:
        return pl.DataFrame(schema=FAULT_SCHEMA)
    rows = pl.concat(stream.refused)
    if rows.height > MOST_NOTES:
        sound, reasons = stream.rows - rows.height, rows["reason"]
        try:
            least = Counter(reasons.head(rows.height - MOST_NOTES))
            refuse_dirty_file(job.file, least, sound, job.settings)
        except RefusedFile:
            # The message states the actual count, not a minimum.
            refuse_dirty_file(job.file, Counter(reasons), sound, job.settings)
    return rows


@contextmanager
def _scratch(job: ReadJob) -> Iterator[Path]:
    with TemporaryDirectory(dir=job.folder, prefix=".scratch-") as folder:
        yield Path(folder)


def _read_fast(job: ReadJob) -> Reading:
    dialect = job.dialect
    with _scratch(job) as scratch:
        stream = _split_by_month(job, dialect.fast(job.plain, scratch), None)
    refused, counts = _refused_rows(job, stream), count_bytes(job.plain)
    if counts.physical_lines != dialect.header_line + stream.rows:
        raise DoubtfulError
    found = _preamble(job) + refused_findings(job.plain, dialect, refused, {})
    sound = stream.rows - refused.height
    commas = stream.commas + sum(item.text.count(",") for item in found)
    if counts.commas != commas + sound * (len(dialect.columns) - 1):
        raise DoubtfulError
    if stream.months and not dialect.is_confirmed([job.folder / name for name in stream.months]):
        raise DoubtfulError
    early = sum(len(lines) for lines in stream.early)
    staged, lines = sound - early, counts.physical_lines
    return Reading(stream.months, found, staged, early, lines, {}, stream.repeated)


def _read_filtered(job: ReadJob) -> Reading:
    clean, dialect = job.folder / "clean.csv", job.dialect
    filtered = filter_rows(
        job.plain, dialect.columns, dialect.header_line, dialect.note_kind, clean
    )
    starts, lengths = np.asarray(filtered.line_numbers), np.asarray(filtered.spans)
    spans = {int(starts[at]): int(lengths[at]) for at in np.flatnonzero(lengths > 1)}
    stream = _Stream()
    if len(starts):
        with _scratch(job) as scratch:
            stream = _split_by_month(job, dialect.careful(clean, scratch), starts)
    clean.unlink()
    if stream.rows != len(starts):
        raise RefusedFile(
            job.file.sha256,
            f"{job.file.landed.path} was read as {stream.rows} rows, but has {len(starts)} records"
            "; its quoting is ambiguous: export it again with standard double quotes.",
        )
    refused = _refused_rows(job, stream)
    early = sum(_line_count(lines, spans) for lines in stream.early)
    return Reading(
        months=stream.months,
        findings=_preamble(job)
        + filtered.findings
        + refused_findings(job.plain, dialect, refused, spans),
        staged_lines=int(lengths.sum()) - early - _line_count(refused["line_number"], spans),
        early_lines=early,
        file_physical_lines=count_bytes(job.plain).physical_lines,
        spans=spans,
        repeated=stream.repeated,
    )


def read(job: ReadJob) -> Reading:
    """Type the rows of a plain file into fragments.

    Raises RefusedFile if far too many rows break a rule, and for ambiguous quoting.
    """
    try:
        return _read_fast(job)
    except (pl.exceptions.PolarsError, DoubtfulError):
        for leftover in job.folder.glob("[0-9]*.parquet"):
            leftover.unlink()
        return _read_filtered(job)
