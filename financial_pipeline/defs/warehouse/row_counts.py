"""How many rows each model has, told with its materialization.

dbt holds the warehouse file until it ends, so all are counted then, in one connection. A view has
no rows of its own and is not counted.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import dagster as dg
import duckdb


def row_counts(warehouse: Path) -> dict[str, int]:
    """Rows of every table by its name; empty where nothing was built yet."""
    if not warehouse.exists():
        return {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        places = "select schema_name, table_name from duckdb_tables()"
        tables = [
            (str(schema), str(name)) for schema, name in connection.execute(places).fetchall()
        ]
        counts = [f"select '{name}', count(*) from {schema}.{name}" for schema, name in tables]
        rows = connection.execute(" union all ".join(counts)).fetchall() if counts else []
    return {str(name): int(count) for name, count in rows}


def with_row_counts(
    events: Iterable[object], name_of: Callable[[str], str], warehouse: Path
) -> Iterator[object]:
    """The events of one dbt call, each model's with `dagster/row_count`.

    `name_of` turns the name of an output into that of its table. A failing dbt raises as it would
    have done, behind the events of what it did build.
    """
    kept: list[object] = []
    failure: Exception | None = None
    try:
        kept.extend(events)
    except Exception as error:
        failure = error
    counts = row_counts(warehouse) if any(isinstance(event, dg.Output) for event in kept) else {}
    for event in kept:
        rows = counts.get(name_of(event.output_name)) if isinstance(event, dg.Output) else None
        if isinstance(event, dg.Output) and rows is not None:
            yield event.with_metadata({**event.metadata, "dagster/row_count": rows})
        else:
            yield event
    if failure:
        raise failure
