"""Column lineage from SQL: dbt's compiled models, and the recomputation of each metric.

Spark and DuckDB compute every metric twice and must agree, so the SQL of the second is the lineage
of both. `make dictionary` writes the result to `schemas/column_lineage.json`, so that readers need
no parser; a test compares the file with the SQL.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify

from financial_pipeline.crosscheck.recompute import statements
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.metrics import METRIC_TABLES

# Table -> column -> the columns it is computed from, each `layer/table.column`.
Lineage = dict[str, dict[str, list[str]]]
# Column -> the table columns it is computed from.
Ends = dict[str, list[tuple[str, str]]]
# Table -> its columns, in the form of sqlglot.
Schema = dict[str, dict[str, str]]

DIALECT: Final = "duckdb"
# How a dbt source reads staging: the folder is the table.
STAGING_FILES: Final = re.compile(r"read_parquet\('[^']*/staging/(\w+)/[^']*', filename = true\)")
# dbt reads a partition's date from its file name, which staging derived from this column.
FILE_NAME: Final = "filename"
NAMED_BY: Final = {
    "lending_club_loans": "issue_d",
    "lending_club_loan_snapshots": "snapshot_month",
    "lending_club_rejections": "application_date",
    "bank_prices": "session_date",
    "fred_observations": "observation_date",
    "market_bars": "session_date",
    "market_alerts": "session_date",
}


def _as_text(columns: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(columns, "varchar")


def join_by_key(query: exp.Expr, schema: Schema) -> exp.Expr:
    """Name columns by table, and make a joined column depend on its join key as well."""
    named = qualify(
        query,
        schema=dict(schema),
        dialect=DIALECT,
        identify=False,
        allow_partial_qualification=True,
        validate_qualify_columns=False,
    )
    for select in named.find_all(exp.Select):
        keys = {
            join.this.alias_or_name: [
                column
                for column in join.args["on"].find_all(exp.Column)
                if column.table != join.this.alias_or_name
            ]
            for join in select.args.get("joins") or []
            if join.args.get("on")
        }
        for projection in select.expressions:
            for column in list(projection.find_all(exp.Column)):
                if column.table in keys and column.parent_select is select:
                    both = [column.copy(), *(key.copy() for key in keys[column.table])]
                    column.replace(exp.func("looked_up", *both))
    return named


def _ends(node: Node) -> Iterator[tuple[str, str]]:
    """Yield table and column of every input of a column."""
    for step in node.walk():
        if not step.downstream and isinstance(step.expression, exp.Table):
            yield step.expression.name, step.name.split(".")[-1]


def _unpivoted(query: exp.Expr, name: str, schema: Schema) -> list[tuple[str, str]]:
    """Return the inputs of a CTE that is a bare `unpivot`; each may be in any of its columns."""
    for cte in query.find_all(exp.CTE):
        if cte.alias == name:
            table = next(cte.find_all(exp.Table)).name
            columns = {column.name for column in cte.find_all(exp.Column)}
            return sorted((table, column) for column in columns & schema[table].keys())
    return []


def columns_of(query: exp.Expr, schema: Schema) -> Ends:
    """Return the columns of a query, each with the table columns it is computed from."""
    options = {"allow_partial_qualification": True, "trim_selects": False, "copy": False}
    whole = query.copy()
    found: dict[str, Node] = lineage(None, query, schema, dialect=DIALECT, **options)
    made_of = {}
    for column, node in found.items():
        ends: set[tuple[str, str]] = set()
        for table, name in _ends(node):
            ends.update([(table, name)] if table in schema else _unpivoted(whole, table, schema))
        made_of[column] = sorted(ends)
    return made_of


def _in_order(nodes: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield models and seeds, each after its inputs."""
    needs = {key: node["depends_on"].get("nodes", []) for key, node in nodes.items()}
    yield from (nodes[key] for key in TopologicalSorter(needs).static_order() if key in nodes)


def _parse(code: str) -> exp.Expr:
    """Parse a compiled model, with table names of one word."""
    query = sqlglot.parse_one(STAGING_FILES.sub(r"\1", code), dialect=DIALECT)
    for table in query.find_all(exp.Table):
        table.set("db", None)
        table.set("catalog", None)
    return query


def dbt_lineage(manifest: Mapping[str, Any], project: Path, staging: Schema) -> Lineage:
    """Return the lineage of every dbt model of a compiled manifest, whose table names differ."""
    kinds = ("model", "seed")
    nodes = {key: n for key, n in manifest["nodes"].items() if n["resource_type"] in kinds}
    schema: Schema = {name: {**columns, FILE_NAME: "varchar"} for name, columns in staging.items()}
    found: Lineage = {}

    def full(table: str, column: str) -> str:
        layer = "staging" if table in staging else "warehouse"
        return f"{layer}/{table}.{NAMED_BY[table] if column == FILE_NAME else column}"

    for node in _in_order(nodes):
        name = node["name"]
        if node["resource_type"] == "seed":
            seed = pl.read_csv(project / node["original_file_path"], n_rows=0)
            schema[name] = _as_text(seed.columns)
        elif node["config"]["materialized"] != "ephemeral":
            query = join_by_key(_parse(node["compiled_code"]), schema)
            made_of = columns_of(query, schema)
            schema[name] = _as_text(made_of)
            found[f"warehouse/{name}"] = {
                column: [full(*end) for end in ends] for column, ends in made_of.items()
            }
    return found


def metric_lineage(marts: Schema) -> Lineage:
    """Return the lineage of every metric, from the SQL that recomputes it."""
    found: Lineage = {}
    for name, table in METRIC_TABLES.items():
        schema: Schema = dict(marts)
        steps: dict[str, Ends] = {}
        *before, last = (
            query for text in statements(name) for query in sqlglot.parse(text, dialect=DIALECT)
        )
        for statement in before:
            if isinstance(statement, exp.Create) and statement.kind in ("TABLE", "VIEW"):
                step = statement.find(exp.Table).name  # type: ignore[union-attr]
                made_of = columns_of(statement.expression, schema)
                steps[step] = {c: _resolve_steps(ends, steps) for c, ends in made_of.items()}
                schema[step] = _as_text(made_of)
        made_of = columns_of(last, schema)  # type: ignore[arg-type]
        found[f"metrics/{name}"] = {
            column: [f"exports/{t}.{c}" for t, c in _resolve_steps(made_of.get(column, []), steps)]
            for column in table.columns
        }
    return found


def _resolve_steps(
    ends: list[tuple[str, str]], steps: Mapping[str, Mapping[str, list[tuple[str, str]]]]
) -> list[tuple[str, str]]:
    """Replace the columns of earlier steps by the inputs of those columns."""
    found = {end for t, c in ends for end in (steps[t].get(c, []) if t in steps else [(t, c)])}
    return sorted(found)


def sql_lineage(manifest: Mapping[str, Any], project: Path, staging: Schema) -> Lineage:
    """Return the lineage of dbt models and metrics; `manifest` is dbt's, compiled."""
    # It warns of bare unpivots, which `_unpivoted` knows.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    models = dbt_lineage(manifest, project, staging)
    marts = {name: _as_text(models[f"warehouse/{name}"]) for name in MARTS}
    return models | metric_lineage(marts)


def as_text(found: Lineage) -> str:
    """Return the lineage as JSON, one column a line."""
    tables = []
    for table in sorted(found):
        lines = (f"  {json.dumps(c)}: {json.dumps(ends)}" for c, ends in found[table].items())
        tables.append(f" {json.dumps(table)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(tables) + "\n}\n"
