"""A metric table computed a second time, by DuckDB, from the same Parquet files.

The SQL in this folder states each metric on its own terms; nothing of it runs on Spark.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.publishing.duckdb_session import in_memory
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.schemas.contract import MetricTable

# Steps that a table needs before its own query, each a file in this folder.
STEPS: Final[dict[str, tuple[str, ...]]] = {
    "portfolio_summary": ("portfolio_ratios", "portfolio_losses", "portfolio_activity"),
    "rolling_volatility": ("bank_returns",),
    "sharpe_ratios": ("bank_returns",),
    "market_risk": ("bank_returns",),
    "return_correlations": ("bank_returns",),
    "macro_correlations": ("bank_returns", "credit_months", "macro_months"),
}
# Marts that may be absent, and the empty table used instead.
OPTIONAL_INPUTS: Final = {
    "fct_loan_rejections": "select null::date as application_month where false"
}
# DuckDB writes these instead of Spark's names for the same types.
DUCKDB_TYPES: Final = {"string": "varchar", "int": "integer"}


def input_files(publication: Publication, names: Sequence[str]) -> dict[str, list[Path]]:
    """Return the Parquet files of marts by name, without optional ones that were never built."""
    known = publication.known()
    there = [name for name in names if f"exports/{name}" in known or name not in OPTIONAL_INPUTS]
    return {name: publication.files(f"exports/{name}") for name in there}


def recompute(
    table: MetricTable,
    inputs: Mapping[str, Sequence[Path]],
    first: date,
    last: date,
    *,
    default_lag_months: int,
) -> pl.DataFrame:
    """The table's rows for the partitions `first` to `last`, in contract order and type.

    `inputs` maps mart names to their Parquet files. Only `drawn` columns are left out.
    """
    with in_memory() as connection:
        connection.execute("set variable first_partition = ?::date", [first])
        connection.execute("set variable last_partition = ?::date", [last])
        connection.execute("set variable default_lag_months = ?::int", [default_lag_months])
        for name, files in inputs.items():
            relation = connection.read_parquet([str(path) for path in files])
            relation.create_view(name)
        for name in OPTIONAL_INPUTS.keys() - inputs.keys():
            connection.execute(f"create view {name} as {OPTIONAL_INPUTS[name]}")
        *steps, query = statements(table.name)
        for step in steps:
            connection.execute(step)
        columns = ", ".join(
            f"cast({name} as {DUCKDB_TYPES.get(column.type, column.type)}) as {name}"
            for name, column in table.columns.items()
            if column.role != "drawn"
        )
        rows: pl.DataFrame = connection.sql(f"select {columns} from ({query})").pl()
        return rows


def statements(name: str) -> list[str]:
    """The SQL of a metric table: the steps before it, and last the query of its rows."""
    steps = ("shared_views", *STEPS.get(name, ()), name)
    return [Path(__file__).with_name(f"{step}.sql").read_text("utf-8") for step in steps]
