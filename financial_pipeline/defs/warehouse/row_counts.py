"""Row counts of the models, added to their materializations.

dbt locks the warehouse file until it ends, so one connection counts all tables afterwards. Views
are not counted.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import dagster as dg
import duckdb


def row_counts(warehouse: Path) -> dict[str, int]:
    """Count the rows of every table, by its name; empty if there is no warehouse yet."""
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
    """Yield the events of one dbt call, each model's with `dagster/row_count`.

    `name_of` maps the name of an output to its table. If dbt fails, the events of the finished
    models come first, then the error.
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
