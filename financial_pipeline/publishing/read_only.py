"""Read-only DuckDB sessions: published files only, settings locked, and nothing but queries."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import duckdb

from financial_pipeline.errors import PipelineError

# A pivot is several statements: it collects the values of its columns first.
QUERIES: Final = frozenset({"SELECT", "EXPLAIN", "MULTI"})
# EXPLAIN ANALYZE runs what it explains, which may be a COPY.
RUNS: Final = re.compile(r"\banaly[sz]e\b", re.IGNORECASE)
# Statements within a WITH that change rows are of the type SELECT.
CHANGES: Final = re.compile(r"\(\s*(insert|update|delete|merge|copy|create|drop|alter)\b", re.I)
COMMENTS: Final = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
TEXTS: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
LOCKS: Final = (
    # Names of Python variables are no tables, for the cursors of the session too.
    "set global python_enable_replacements = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


def listed(paths: Iterable[Path]) -> str:
    """Return paths as a list of texts in SQL."""
    texts = (str(path).replace("'", "''") for path in paths)
    return "[" + ", ".join(f"'{text}'" for text in texts) + "]"


def lock(connection: duckdb.DuckDBPyConnection, folders: Iterable[Path]) -> None:
    """Restrict a session to the files of these folders, permanently."""
    connection.execute(f"set allowed_directories = {listed(folders)}")
    for setting in LOCKS:
        connection.execute(setting)


def queries(connection: duckdb.DuckDBPyConnection, text: str) -> list[duckdb.Statement]:
    """Return the statements of a text; raise PipelineError unless each of them only reads."""
    statements = connection.extract_statements(text)
    for statement in statements:
        kind = statement.type.name
        bare = TEXTS.sub("''", COMMENTS.sub(" ", statement.query))
        runs = kind == "EXPLAIN" and RUNS.search(bare)
        if kind not in QUERIES or runs or CHANGES.search(bare):
            what = "EXPLAIN ANALYZE" if runs else "a change" if kind in QUERIES else kind
            raise PipelineError(
                f"This session only reads published tables, so {what} is refused; write a SELECT,"
                " or keep the answer with -o FILE."
            )
    return statements
