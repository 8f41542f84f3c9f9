"""Files of simulated loans: one per snapshot month, streamed chunk by chunk in issue order.

Memory contains one chunk at a time, whatever the number of loans. A loan is drawn once and cut at
each snapshot month, so a file does not depend on which others are written with it.
"""

import dataclasses
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.simulator.loan_calendar import month_number
from financial_pipeline.simulator.loan_columns import (
    LoanChunk,
    chunk_count,
    draw_chunk,
    snapshot_rows,
)
from financial_pipeline.simulator.loan_draws import Part, generator
from financial_pipeline.simulator.loan_layouts import (
    UPSTREAM_QUIRKS,
    Layout,
    LoanFileWriter,
    Quirks,
    few_rows,
    with_odd_values,
)

LAST_SNAPSHOT: Final = date(2019, 3, 1)
WRITE_BUFFER: Final = 1 << 20


def write_loan_files(
    targets: Mapping[Path, date],
    *,
    loans: int,
    seed: int,
    layout: Layout = Layout.ACCEPTED,
    quirks: Quirks = UPSTREAM_QUIRKS,
) -> None:
    """Write for each path the file of all loans as its snapshot month shows them."""
    with ExitStack() as stack:
        writers = {}
        for path in targets:
            file = stack.enter_context(path.open("wb", buffering=WRITE_BUFFER))
            writers[path] = LoanFileWriter(file, layout, quirks)
        for number in range(chunk_count(loans)):
            chunk = _chunk(seed, loans, number, quirks)
            for path, snapshot in targets.items():
                rows = snapshot_rows(chunk, month_number(snapshot))
                writers[path].append(rows)
                if quirks.duplicates:
                    rng = generator(seed, Part.DUPLICATE, number)
                    writers[path].repeat(few_rows(rng, rows))
        for writer in writers.values():
            writer.finish()


def write_accepted_file(
    path: Path,
    *,
    loans: int,
    seed: int,
    snapshot: date = LAST_SNAPSHOT,
    quirks: Quirks = UPSTREAM_QUIRKS,
) -> None:
    """Write one 151-column file of `loans` simulated loans."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_loan_files({path: snapshot}, loans=loans, seed=seed, quirks=quirks)


def write_mangled_file(path: Path, *, loans: int, seed: int) -> None:
    """Write a loanstats file that a spreadsheet has spoilt: CRLF, `18-Dec` for `Dec-2018`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = LoanFileWriter(file, Layout.LOANSTATS, line_end="\r\n")
        for number in range(chunk_count(loans)):
            rows = snapshot_rows(draw_chunk(seed, loans, number), month_number(LAST_SNAPSHOT))
            writer.append(rows.with_columns(_mangled("issue_d"), _mangled("earliest_cr_line")))
        writer.finish()


def _chunk(seed: int, loans: int, number: int, quirks: Quirks) -> LoanChunk:
    chunk = draw_chunk(seed, loans, number)
    if not quirks.odd_values:
        return chunk
    fixed = with_odd_values(generator(seed, Part.QUIRK, number), chunk.fixed)
    return dataclasses.replace(chunk, fixed=fixed)


def _mangled(column: str) -> pl.Expr:
    """A year that could be a day becomes one: `Aug-2003` is read as 3 August, `Aug-1994` stays."""
    parts = pl.col(column).str.extract_groups(r"^(?<month>\w+)-\d\d(?<year>\d\d)$").struct
    day = parts["year"].cast(pl.Int64)
    as_day = pl.format("{}-{}", day, parts["month"])
    as_year = pl.format("{}-{}", parts["month"], parts["year"])
    return pl.when(day.is_between(1, 31)).then(as_day).otherwise(as_year).alias(column)
