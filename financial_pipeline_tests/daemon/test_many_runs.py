"""Many runs at once on one DuckDB file: the pool of the warehouse lets one step in at a time."""

from pathlib import Path

import duckdb
import pytest

from financial_pipeline_tests.daemon import runs
from financial_pipeline_tests.daemon.conftest import LOCATION, Faulty
from financial_pipeline_tests.daemon.planted import SIXTEEN, warehouse_file

ROWS = "select day, source, value from bars order by all"


def stored(file: Path) -> list[tuple[str, str, int]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(ROWS).fetchall()


@pytest.mark.full
def test_sixteen_runs_at_once_leave_the_rows_of_one_range_run_and_no_lock_error(
    faulty: Faulty,
) -> None:
    keys = SIXTEEN.get_partition_keys()
    ids = runs.launch(faulty.server, LOCATION, "bars_job", keys)
    ended = runs.statuses(faulty.server, ids)
    assert [*ended.values()] == ["SUCCESS"] * 16
    log = faulty.server.log.read_text("utf-8")
    assert "Could not set lock on file" not in log
    assert "Conflicting lock" not in log
    file = warehouse_file(faulty.server.root)
    by_day = stored(file)
    assert len(by_day) == 16 * 2
    [whole] = runs.launch(faulty.server, LOCATION, "bars_job", span=(keys[0], keys[-1]))
    assert runs.statuses(faulty.server, [whole]) == {whole: "SUCCESS"}
    assert stored(file) == by_day
