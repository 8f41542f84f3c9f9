"""Many runs at once on one DuckDB file: the pool of the warehouse lets one step in at a time."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from financial_pipeline_tests.daemon import runs
from financial_pipeline_tests.daemon.conftest import LOCATION, Faulty
from financial_pipeline_tests.daemon.planted import SIXTEEN, warehouse_file

ROWS = "select day, source, value from bars order by all"
# What DuckDB says where another process holds the file.
LOCKED = ("Could not set lock on file", "Conflicting lock")
COMPUTE_LOGS = {".out", ".err"}


def stored(file: Path) -> list[tuple[str, str, int]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(ROWS).fetchall()


def events(home: Path) -> Iterator[str]:
    """Every event of every run, as it is stored."""
    for file in sorted(home.glob("history/runs/*.db")):
        with closing(sqlite3.connect(file)) as connection:
            tables = {name for (name,) in connection.execute("select name from sqlite_master")}
            if "event_logs" in tables:
                yield from (text for (text,) in connection.execute("select event from event_logs"))


def told(faulty: Faulty) -> list[str]:
    """All that the server, its runs and their steps said."""
    home = faulty.server.home
    logs = [file for file in home.rglob("*") if file.suffix in COMPUTE_LOGS]
    assert len(logs) >= 2 * 16
    return [*events(home), *(file.read_text("utf-8") for file in [faulty.server.log, *logs])]


@pytest.mark.nightly
def test_sixteen_runs_at_once_leave_the_rows_of_one_range_run_and_no_lock_error(
    faulty: Faulty,
) -> None:
    keys = SIXTEEN.get_partition_keys()
    ids = runs.launch(faulty.server, LOCATION, "bars_job", keys)
    ended = runs.statuses(faulty.server, ids)
    assert [text for text in told(faulty) if any(words in text for words in LOCKED)] == []
    assert [*ended.values()] == ["SUCCESS"] * 16
    file = warehouse_file(faulty.server.root)
    by_day = stored(file)
    assert by_day == [
        (key, source, int(key[-2:])) for key in keys for source in ("bars", "exported")
    ]
    [whole] = runs.launch(faulty.server, LOCATION, "bars_job", span=(keys[0], keys[-1]))
    assert runs.statuses(faulty.server, [whole]) == {whole: "SUCCESS"}
    assert stored(file) == by_day
