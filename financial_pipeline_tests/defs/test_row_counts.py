"""Every table that dbt built is reported with its rows, also if dbt fails afterwards."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from financial_pipeline.defs.warehouse.assets import row_counts, with_row_counts


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.fct_loans as select unnest(range(7)) as id")
        connection.execute("create view marts.stg_loans as select * from marts.fct_loans")
    return file


def events(*, fails: bool = False) -> Iterator[object]:
    yield dg.Output(None, "marts__stg_loans", metadata={"unique_id": "view"})
    yield dg.Output(None, "marts__fct_loans", metadata={"unique_id": "table"})
    yield dg.AssetCheckResult(passed=True)
    if fails:
        raise dg.Failure("dbt failed")


def told(found: list[object]) -> list[tuple[str, object]]:
    outputs = [event for event in found if isinstance(event, dg.Output)]
    return [(o.output_name, o.metadata.get("dagster/row_count")) for o in outputs]


def table_of(output: str) -> str:
    return output.removeprefix("marts__")


def test_a_table_is_told_with_its_rows_and_a_view_without(warehouse: Path) -> None:
    found = list(with_row_counts(events(), table_of, warehouse))
    assert [type(event).__name__ for event in found] == ["Output", "Output", "AssetCheckResult"]
    rows = dg.MetadataValue.int(7)
    assert told(found) == [("marts__stg_loans", None), ("marts__fct_loans", rows)]
    assert isinstance(found[1], dg.Output)
    assert found[1].metadata["unique_id"] == dg.MetadataValue.text("table")


def test_a_failing_dbt_tells_what_it_built_and_fails(warehouse: Path) -> None:
    found: list[object] = []
    with pytest.raises(dg.Failure, match="dbt failed"):
        found.extend(with_row_counts(events(fails=True), table_of, warehouse))
    assert [name for name, _ in told(found)] == ["marts__stg_loans", "marts__fct_loans"]


def test_without_a_warehouse_nothing_is_counted(tmp_path: Path) -> None:
    assert row_counts(tmp_path / "absent.duckdb") == {}
