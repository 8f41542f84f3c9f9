"""Answers of `sql`: a table on the terminal, or CSV, JSON, Parquet and Markdown."""

import io
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from financial_pipeline.cli.options import Format
from financial_pipeline.errors import PipelineError
from financial_pipeline.figures.csv_export import csv
from financial_pipeline.files import replacing

SUFFIXES: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".json": "json",
    ".parquet": "parquet",
    ".md": "markdown",
}
# Rows that the terminal shows of one answer.
MAX_ROWS: Final = 10_000
# Columns of the answer to EXPLAIN.
PLAN: Final = ["explain_key", "explain_value"]
# Width of a table that goes to no terminal, in characters.
WIDE: Final = 200


@dataclass(frozen=True)
class Output:
    """Where answers go, and in which form; files have every row."""

    form: Format = "table"
    file: Path | None = None


def output(form: Format | None, file: Path | None) -> Output:
    """Choose the form: the given one, else that of the file's name, else a table."""
    if form is None and file is not None:
        form = SUFFIXES.get(file.suffix.lower())
        if form is None:
            raise PipelineError(
                f"The name {file} ends with no known format ({', '.join(SUFFIXES)}); give --format."
            )
    if form == "parquet" and file is None:
        raise PipelineError("Parquet is no text; name a file with -o FILE.")
    if file is not None and not file.resolve().parent.is_dir():
        raise PipelineError(f"The folder of {file} does not exist; create it first.")
    return Output(form or "table", file)


def write(relation: duckdb.DuckDBPyRelation, wanted: Output) -> None:
    """Write one answer where it is wanted."""
    if wanted.file is None and wanted.form == "table":
        _show(relation)
    elif wanted.file is None:
        sys.stdout.write(_encoded(relation, wanted.form).decode())
    else:
        with replacing(wanted.file.resolve()) as temporary:
            temporary.write_bytes(_encoded(relation, wanted.form))


def _show(relation: duckdb.DuckDBPyRelation) -> None:
    if relation.columns == PLAN:
        print("\n".join(plan for _, plan in relation.fetchall()))
        return
    count = int(relation.aggregate("count(*)").fetchall()[0][0])
    width = shutil.get_terminal_size((WIDE, 0)).columns if sys.stdout.isatty() else WIDE
    shown = relation.limit(MAX_ROWS) if count > MAX_ROWS else relation
    shown.show(max_width=width, max_rows=MAX_ROWS + 1)
    if count > MAX_ROWS:
        print(f"The first {MAX_ROWS:,} of {count:,} rows; -o FILE writes all of them.")


def _encoded(relation: duckdb.DuckDBPyRelation, form: Format) -> bytes:
    frame = relation.pl()
    buffer = io.BytesIO()
    if form == "csv":
        buffer.write(_csv(frame).encode())
    elif form == "json":
        frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64)).write_json(buffer)
        buffer.write(b"\n")
    elif form == "parquet":
        frame.write_parquet(buffer)
    elif form == "markdown":
        buffer.write((_markdown(frame) + "\n").encode())
    else:
        buffer.write((str(relation) + "\n").encode())
    return buffer.getvalue()


def _csv(frame: pl.DataFrame) -> str:
    nested = [column for column in frame if column.dtype.is_nested()]
    texts = [
        pl.Series(
            column.name,
            [None if cell is None else str(cell) for cell in column.to_list()],
            pl.String,
        )
        for column in nested
    ]
    return csv(frame.with_columns(texts))


def _markdown(frame: pl.DataFrame) -> str:
    lines = [frame.columns, ["---"] * frame.width, *frame.iter_rows()]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
