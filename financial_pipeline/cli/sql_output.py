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
# Types that CSV, JSON or Parquet lack or cannot represent exactly.
NOWHERE: Final = ("INTERVAL", "BIT", "BIGNUM", "UHUGEINT", "UNION", "TIME WITH TIME ZONE")
# Nested types; the names of lists end with a bracket.
NESTED: Final = ("STRUCT", "MAP")
# Width of a table that is not written to a terminal, in characters.
WIDE: Final = 200


@dataclass(frozen=True)
class Output:
    """The target and the format of answers; files have every row."""

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
    """Write one answer to the terminal or to a file."""
    if wanted.file is None and wanted.form == "table":
        _show(relation)
    elif wanted.file is None:
        sys.stdout.write(_encode(relation, wanted.form).decode())
    else:
        content = _encode(relation, wanted.form)
        try:
            with replacing(wanted.file.resolve()) as temporary:
                temporary.write_bytes(content)
        except FileNotFoundError as error:
            raise PipelineError(f"{wanted.file} cannot be written ({error.strerror}).") from None


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


def _encode(relation: duckdb.DuckDBPyRelation, form: Format) -> bytes:
    try:
        return _bytes(_writable(relation, form).pl(), form, relation)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise PipelineError(
            f"The answer cannot be written as {form}; cast its unusual columns to varchar: {error}"
        ) from None


def _bytes(frame: pl.DataFrame, form: Format, relation: duckdb.DuckDBPyRelation) -> bytes:
    buffer = io.BytesIO()
    if form == "csv":
        buffer.write(csv(frame).encode())
    elif form == "json":
        _numbers(frame).write_json(buffer)
        buffer.write(b"\n")
    elif form == "parquet":
        frame.write_parquet(buffer)
    elif form == "markdown":
        buffer.write((_markdown(frame) + "\n").encode())
    else:
        buffer.write((str(relation) + "\n").encode())
    return buffer.getvalue()


def _writable(relation: duckdb.DuckDBPyRelation, form: Format) -> duckdb.DuckDBPyRelation:
    """Return the relation with columns of types that a form has not as DuckDB's text of them."""
    is_text = [_is_text(str(kind), form) for kind in relation.types]
    if not any(is_text):
        return relation
    columns = []
    for number, (name, cast) in enumerate(zip(relation.columns, is_text, strict=True), start=1):
        quoted = name.replace('"', '""')
        columns.append(f'#{number}{"::varchar" if cast else ""} as "{quoted}"')
    return relation.project(", ".join(columns))


def _is_text(kind: str, form: Format) -> bool:
    if kind.startswith(NOWHERE):
        return True
    if kind == "BLOB":
        return form != "parquet"
    return form in ("csv", "markdown") and (kind.startswith(NESTED) or kind.endswith("]"))


def _numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Return decimals as JSON's numbers: whole ones, which sums of integers are, as integers."""
    whole = [
        name
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.Decimal) and not kind.scale
    ]
    return frame.with_columns(
        pl.col(pl.Decimal).exclude(whole).cast(pl.Float64), pl.col(whole).cast(pl.Int128)
    )


def _markdown(frame: pl.DataFrame) -> str:
    lines = [frame.columns, ["---"] * frame.width, *frame.iter_rows()]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
