"""Published rows that come from files of the simulator, also in a world of own files."""

from typing import Any, Final

import duckdb

from financial_pipeline.publishing.manifest import Manifest
from financial_pipeline.publishing.views import rows_if_published

# The tables whose rows name their source; all others are computed from them.
FACTS: Final = (
    "fct_loans",
    "fct_loan_rejections",
    "fct_daily_prices",
    "fct_macro_observations",
    "fct_market_bars",
)
COUNTS: Final = """
select
    '{name}' as table_name,
    count(*)::bigint as rows,
    count(*) filter (source = 'simulated')::bigint as synthetic_rows
from marts.{name}
"""


def key(name: str) -> str:
    """Return the manifest's key of a table of FACTS."""
    return f"exports/{name}"


def query(name: str) -> str:
    """Return the query that counts the rows of a table of FACTS, and the synthetic ones."""
    return COUNTS.format(name=name)


def synthetic_rows(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest
) -> list[dict[str, Any]]:
    """Return `table_name`, `rows` and `synthetic_rows` of each table with synthetic rows."""
    found = []
    for name in FACTS:
        found += rows_if_published(connection, manifest, {key(name)}, query(name))
    return [row for row in found if row["synthetic_rows"]]


def sentence(counts: list[dict[str, Any]]) -> str:
    """Name the tables with synthetic rows, and how many of their rows are synthetic."""
    named = (
        f"{row['table_name']} ({row['synthetic_rows']:,} of {row['rows']:,} rows)" for row in counts
    )
    return f"Contains simulated data: {', '.join(named)}."
