"""Drills on the output of a run: damaged files, tampered models, secrets, and SQL that escapes."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import duckdb
import polars as pl

from financial_pipeline.changes import state
from financial_pipeline.cli import boundary
from financial_pipeline.drills.drill import Drill, refusal, summarize_cases
from financial_pipeline.errors import PipelineError
from financial_pipeline.figures.csv_export import csv
from financial_pipeline.ml.artifact import read_contents, save_artifact
from financial_pipeline.ml.scorecard import Scorecard
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import read_only, views
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.publication import Publication, publish
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.raw import archive, withdrawals
from financial_pipeline.schemas.contract import Table
from financial_pipeline.streaming.ledger import Ledger

HALF: Final = b'{"a": 1, "b"'
SECRET: Final = "planted-secret-of-a-drill"
ESCAPES: Final = (
    "select * from read_text('{place}')",
    "from '{place}'",
    "copy (select 1) to '{place}'",
    "attach '{place}'",
    "install httpfs",
    "set enable_external_access = true",
    "drop view exports_a",
    "explain analyze copy (select 1) to '{place}'",
)


def publish_numbers(paths: Paths, run: str, **numbers: int) -> None:
    """Publish one table per name, whose only row is its number."""
    publication = Publication(paths, run)
    for name, number in numbers.items():
        table = Table[Any]("exports", f"exports_{name}", "", ("n",), order=None)
        frame = pl.DataFrame({"n": [number]}, {"n": pl.Int64})
        publication.register(write_table(paths, table, frame))
    publish(paths, [run], {"source": "files"})


def read_numbers(paths: Paths) -> dict[str, int | None]:
    """Return the number of each published table; None if it is damaged."""
    manifest = read_manifest(paths)
    found: dict[str, int | None] = {}
    with views.connect(paths, manifest) as connection:
        for table in manifest.tables.values():
            try:
                (row,) = views.rows(connection, f"select n from {table.name}")
                found[table.name[-1]] = row["n"]
            except PipelineError:
                found[table.name[-1]] = None
    return found


def damaged_parquet(folder: Path) -> str:
    """Cut the file of a published table, read all, and publish again."""
    paths = Paths(folder)
    publish_numbers(paths, "first", a=1, b=2)
    (file,) = parquet_files(paths, read_manifest(paths).table("exports/exports_a"))
    os.truncate(file, 20)
    seen = read_numbers(paths)
    publish_numbers(paths, "second", a=3)
    return f"readers: {seen}; after the next run: {read_numbers(paths)}"


def damaged_manifest(folder: Path) -> str:
    """Cut the manifest, and put other folders and SQL into it."""
    paths = Paths(folder)
    publish_numbers(paths, "first", a=1)
    good = paths.manifest.read_text("utf-8")
    contents = {
        "empty": "",
        "cut": good[: len(good) // 2],
        "a list": "[]",
        "unknown field": good.replace('"rows"', '"lines"'),
        "another folder": good.replace('"folder": "exports/', '"folder": "../exports/'),
        "SQL in a name": good.replace('"exports_a"', '"a; copy (select 1) to x"'),
        "deep": "[" * 100_000,
    }
    found = {}
    for name, content in contents.items():
        paths.manifest.write_text(content, "utf-8")
        found[name] = refusal(lambda: read_manifest(paths))
    return summarize_cases(found, "refused")


def damaged_records(folder: Path) -> str:
    """Cut the ledgers of the archive and of the stream."""
    paths = Paths(folder)
    paths.raw.mkdir()
    (paths.raw / "manifest.jsonl").write_bytes(HALF)
    (paths.raw / "withdrawals.jsonl").write_bytes(b"{}\n" + HALF)
    (folder / "ledger.sqlite").write_bytes(HALF * 1000)
    readers: dict[str, Callable[[], object]] = {
        "archive": lambda: archive.read_raw_files(paths),
        "withdrawals": lambda: withdrawals.ledger(paths),
        "stream ledger": lambda: Ledger(folder / "ledger.sqlite", "drill"),
    }
    return summarize_cases({name: refusal(read) for name, read in readers.items()}, "refused")


def damaged_change_state(folder: Path) -> str:
    """Truncate the record of the inputs of tables."""
    paths = Paths(folder)
    found = {}
    for content in (b"", HALF, b"[]", b'{"a/b": {}}', b"\xff"):
        state.remember(paths, {"a/b": state.Built("code", "settings", None)})
        (folder / "built.json").write_bytes(content)
        found[repr(content)] = "rebuilt" if state.read(paths) == {} else "skipped"
    return summarize_cases(found, "rebuilt")


def damaged_databases(folder: Path) -> str:
    """Open a warehouse and a history of runs that are no databases."""
    place = folder / "file"
    place.write_bytes(HALF * 1000)
    found = []
    for connect in (duckdb.connect, sqlite3.connect):
        try:
            connect(str(place)).execute("create table t (n integer)")
        except (duckdb.Error, sqlite3.Error) as error:
            found.append(boundary.sentence(error))
    return ", ".join("advice" if "; remove" in f or "remove that" in f else f for f in found)


def tampered_model(folder: Path) -> str:
    """Change one byte of each file of a model artifact."""
    artifact = save_artifact(folder, {}, Scorecard(600.0, ()), {"seed": 1})
    found = {}
    for path in sorted((folder / artifact).iterdir()):
        good = path.read_bytes()
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        found[path.name] = refusal(lambda: read_contents(folder, artifact))
        path.write_bytes(good)
    return summarize_cases(found, "refused")


def planted_secret(folder: Path) -> str:
    """Raise an unknown fault whose text contains a secret."""
    planted = {
        "FINANCIAL_PIPELINE_KAFKA_PASSWORD": SECRET,
        "FINANCIAL_PIPELINE_DATA_ROOT": str(folder),
    }
    with patch.dict(os.environ, planted):
        sentence = boundary.sentence(KeyError(f"login with {SECRET} failed"))
    texts = [sentence, *(path.read_text("utf-8") for path in folder.rglob("*.txt"))]
    rights = {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*.txt")}
    return f"{sum(SECRET in text for text in texts)} of {len(texts)} texts have it, {rights}"


def escapes(folder: Path) -> str:
    """Try to leave the published tables with SQL."""
    paths = Paths(folder / "root")
    publish_numbers(paths, "first", a=1)
    (folder / "secret.csv").write_text("n\n1\n")
    found = {}
    with views.connect(paths, read_manifest(paths)) as connection:
        for text in ESCAPES:
            query = text.format(place=folder / "secret.csv")
            try:
                for statement in read_only.queries(connection, query):
                    connection.execute(statement.query)
                found[text] = "done"
            except (PipelineError, duckdb.Error):
                found[text] = "refused"
    return summarize_cases(found, "refused")


def formulas(_folder: Path) -> str:
    """Export text that a spreadsheet runs."""
    texts = ["=1+1", "@SUM(1)", "+cmd|x", "-2+3", "\t=1"]
    lines = csv(pl.DataFrame({"text": texts})).splitlines()[1:]
    return summarize_cases({text: line[:1] for text, line in zip(texts, lines, strict=True)}, "'")


DRILLS: Final = (
    Drill(
        damaged_parquet,
        "a published file",
        "readers: {'a': None, 'b': 2}; after the next run: {'a': 3, 'b': 2}",
    ),
    Drill(damaged_manifest, "the published manifest", "refused: 7 of 7"),
    Drill(damaged_records, "ledgers of the archive and the stream", "refused: 3 of 3"),
    Drill(damaged_change_state, "the record of what was built", "rebuilt: 5 of 5"),
    Drill(damaged_databases, "the warehouse and the history of runs", "advice, advice"),
    Drill(tampered_model, "one byte of each file of a model", "refused: 3 of 3"),
    Drill(
        planted_secret,
        "a fault whose text contains a secret",
        "0 of 2 texts have it, {'0o600'}",
    ),
    Drill(escapes, "the bounds of `sql`", f"refused: {len(ESCAPES)} of {len(ESCAPES)}"),
    Drill(formulas, "a spreadsheet that opens an export", "': 5 of 5"),
)
