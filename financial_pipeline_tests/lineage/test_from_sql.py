"""Column lineage is read out of SQL, and the kept file says what the SQL says."""

import pytest
import sqlglot

from financial_pipeline.lineage.catalogue import LINEAGE_FILE
from financial_pipeline.lineage.from_sql import Ends, columns_of, join_by_key

TABLES = {
    "loans": {"id": "", "status": "", "amount": "", "rate": ""},
    "statuses": {"status": "", "state": ""},
}


def lineage_of(sql: str) -> Ends:
    return columns_of(join_by_key(sqlglot.parse_one(sql, dialect="duckdb"), TABLES), TABLES)


def test_kept_lineage_is_what_the_compiled_sql_says() -> None:
    from financial_pipeline.defs.warehouse.project import lineage_of_sql

    # Where this fails: make dictionary
    assert LINEAGE_FILE.read_text("utf-8") == lineage_of_sql()


def test_an_expression_is_made_of_all_its_columns() -> None:
    found = lineage_of(
        "with l as (select amount * rate as x, id from loans) select x + 1 as y from l"
    )
    assert found == {"y": [("loans", "amount"), ("loans", "rate")]}


def test_what_is_looked_up_depends_on_its_key() -> None:
    found = lineage_of(
        "select l.id, s.state, upper(s.state) as upper_state from loans as l"
        " left join statuses as s on l.status = s.status"
    )
    both = [("loans", "status"), ("statuses", "state")]
    assert found == {"id": [("loans", "id")], "state": both, "upper_state": both}


@pytest.mark.parametrize(
    "sql",
    [
        "select * exclude (amount, rate, status) from loans",
        "select id from loans union all select id from loans",
        "select id from loans where amount > 0 qualify row_number() over (order by rate) = 1",
    ],
)
def test_filters_and_stars_add_nothing(sql: str) -> None:
    assert lineage_of(sql) == {"id": [("loans", "id")]}


def test_a_bare_unpivot_is_made_of_any_of_its_columns() -> None:
    found = lineage_of(
        "with u as (unpivot (select id, status, amount from loans) on id, status"
        " into name kind value member) select kind, sum(amount) as total from u group by all"
    )
    ends = [("loans", "amount"), ("loans", "id"), ("loans", "status")]
    assert found == {"kind": ends, "total": ends}
