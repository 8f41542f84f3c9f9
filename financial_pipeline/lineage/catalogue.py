"""Every column of every table: its type, its meaning and the columns it is computed from.

Meanings come from dbt's `.yml`, from the message schemas and from `schemas/columns/`; lineage from
`declared.py` and, for SQL, from `schemas/column_lineage.json`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from financial_pipeline.lineage.declarations import MadeOf, declared_inputs
from financial_pipeline.ml.features import FEATURES
from financial_pipeline.schemas import lending_club, stream
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline.schemas.operations import OPERATIONS
from financial_pipeline.schemas.restatements import LOAN_RESTATEMENTS, PRICE_RESTATEMENTS
from financial_pipeline.schemas.staging import ROW_ACCOUNTING, STAGING_TABLES
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.settings import PROJECT_ROOT
from financial_pipeline.streaming.logs import DATASETS

SCHEMAS: Final = Path(__file__).parents[1] / "schemas"
LINEAGE_FILE: Final = SCHEMAS / "column_lineage.json"
DBT_PROJECT: Final = PROJECT_ROOT / "dbt_project"


@dataclass(frozen=True)
class Column:
    """One column; `made_of` names the columns it comes from, each `layer/table.column`."""

    type: str
    description: str
    made_of: tuple[str, ...] = ()


Columns = dict[str, Column]
Tables = dict[str, Columns]


def _texts(layer: str) -> Mapping[str, Mapping[str, Any]]:
    text = (SCHEMAS / "columns" / f"{layer}.yml").read_text("utf-8")
    found: Mapping[str, Mapping[str, Any]] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


def _dbt() -> dict[str, Columns]:
    """Return the columns of models and seeds as their `.yml` has them: type and meaning."""
    found: dict[str, Columns] = {}
    for path in sorted([*DBT_PROJECT.glob("models/**/*.yml"), *DBT_PROJECT.glob("seeds/*.yml")]):
        content = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        for node in (*content.get("models", []), *content.get("seeds", [])):
            found[node["name"]] = {
                column["name"]: Column(
                    column.get("data_type", ""), " ".join(column["description"].split())
                )
                for column in node.get("columns", [])
            }
    return found


def _with(types: Mapping[str, object], *texts: Mapping[str, str]) -> Columns:
    """Make columns with the first meaning that one of the texts has."""
    return {
        name: Column(str(kind), next((text[name] for text in texts if name in text), ""))
        for name, kind in types.items()
    }


def _copy(columns: Columns, table: str) -> Columns:
    """Return the same columns, one step further downstream."""
    return {name: replace(c, made_of=(f"{table}.{name}",)) for name, c in columns.items()}


def _text_columns(names: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(names, "text")


def _sources(applications: Columns) -> Tables:
    """Return the drop folder and the topics, and the raw assets that copy them."""
    texts = _texts("landing")
    carried = {name: column.description for name, column in applications.items()}
    loans = _with(_text_columns(lending_club.LOAN_COLUMNS), texts["lending_club_loans"], carried)
    files = {name: _with(_text_columns(columns), columns) for name, columns in texts.items()}
    tables: Tables = {}
    for name, columns in (files | {"lending_club_loans": loans}).items():
        tables[f"landing/{name}"] = columns
        tables[f"raw/{name}"] = _copy(columns, f"landing/{name}")
    raw = {column.name for column in stream.RAW}
    for topic, fields in stream.TOPICS.items():
        from_raw = set() if topic in (stream.RAW_TOPIC, stream.MACRO_TOPIC) else raw
        tables[f"topics/{topic}"] = {
            field.name: Column(
                field.kind,
                field.description,
                (f"topics/{stream.RAW_TOPIC}.{field.name}",) if field.name in from_raw else (),
            )
            for field in fields
        }
    for topic, dataset in {**DATASETS, stream.MACRO_TOPIC: "macro_releases"}.items():
        tables[f"raw/{dataset}"] = _copy(tables[f"topics/{topic}"], f"topics/{topic}")
    _with_releases(tables["raw/fred_observations"])
    return tables


def _with_releases(observations: Columns) -> None:
    """Add the macro releases of the topic, which are archived as files of observations."""
    for name, column in observations.items():
        landed = "observation_date" if name == "date" else name
        ends = (*column.made_of, f"raw/macro_releases.{landed}")
        observations[name] = replace(column, made_of=ends)


def _staging(loans: Columns) -> Tables:
    texts = _texts("staging")
    upstream = {name: column.description for name, column in loans.items()}
    return {
        f"staging/{name}": _with(
            types,
            texts.get(name, {}),
            texts["provenance"],
            *([texts["lending_club_loans"], upstream] if "loan" in name else []),
        )
        for name, types in STAGING_TABLES.items()
    }


def _warehouse(documented: Mapping[str, Columns], made_of: Mapping[str, MadeOf]) -> Tables:
    """Return seeds, and models with all columns; a name means the same in every model."""
    meanings = {name: column for columns in documented.values() for name, column in columns.items()}
    seeds = [path.stem for path in sorted(DBT_PROJECT.glob("seeds/*.csv"))]
    tables: Tables = {f"warehouse/{name}": dict(documented[name]) for name in seeds}
    for table, columns in made_of.items():
        layer, name = table.split("/")
        if layer == "warehouse":
            known = documented.get(name, {})
            tables[table] = {c: known.get(c, Column("", "")) for c in columns}
            for c, column in tables[table].items():
                is_copy = any(end.endswith(f".{c}") for end in columns[c])
                if not column.description and not is_copy and c in meanings:
                    tables[table][c] = replace(meanings[c], type="")
    return tables


def _model_tables() -> Tables:
    texts = _texts("ml")
    tables = {}
    for name, table in MODEL_TABLES.items():
        types = {"training_cutoff": "Date", **table.columns}
        tables[f"ml/{name}"] = _with(types, texts.get(name, {}), texts["all"])
    features = {
        name: Column(
            "Float64" if feature.is_numeric else "String",
            f"Input of the model, from `{feature.column}`; unit: {feature.unit}.",
        )
        for name, feature in FEATURES.items()
    }
    outcome = _with({"default_d1": "Int8", "maturity_month": "Date"}, texts["training_set"])
    tables["ml/training_set"] |= {**features, **outcome}
    return tables


def _published(warehouse: Tables) -> Tables:
    texts, metrics, about_runs = _texts("exports"), _texts("metrics"), _texts("operations")
    manifest = texts["published_manifest"]
    return {
        **{f"exports/{n}": _copy(warehouse[f"warehouse/{n}"], f"warehouse/{n}") for n in MARTS},
        "exports/row_accounting": _with(ROW_ACCOUNTING, texts["row_accounting"]),
        **{
            table.key: _with(dict(table.columns), texts[table.name])
            for table in (PRICE_RESTATEMENTS, LOAN_RESTATEMENTS)
        },
        "exports/published_manifest": _with(_text_columns(manifest), manifest),
        **{
            f"metrics/{name}": _with({c: k.type for c, k in t.columns.items()}, metrics[name])
            for name, t in METRIC_TABLES.items()
        },
        **_model_tables(),
        **{t.key: _with(dict(t.columns), about_runs[name]) for name, t in OPERATIONS.items()},
    }


def _stream(topics: Tables) -> Tables:
    texts = _texts("stream")
    tables = {}
    for name, table in STREAM_TABLES.items():
        landed = f"raw/{DATASETS[table.topic]}" if table.topic else ""
        raw = topics.get(landed, {})
        fields = {column: raw[column].description for column in raw}
        columns = _with(dict(table.columns), texts.get(name, {}), fields, texts["all"])
        copied = {c: column for c, column in columns.items() if c in raw}
        tables[f"stream/{name}"] = columns | _copy(copied, landed)
    compared = "staging/market_parity"
    tables[compared] = tables["stream/parity"]
    tables["stream/parity"] = _copy(tables[compared], compared)
    return tables


def _pages() -> Tables:
    return {
        f"dashboard/{page}": {
            name: Column("figure", figure["text"], tuple(figure["from"]))
            for name, figure in figures.items()
        }
        for page, figures in _texts("dashboard").items()
    }


def _describe(tables: Tables, table: str, name: str) -> Column:
    """Return a column with the meaning and type of its source, if it is a copy without its own."""
    column = tables[table][name]
    if column.description:
        return column
    same = [end for end in column.made_of if end.split(".", 1)[1] == name]
    if not same:
        return column
    above = _describe(tables, same[0].split(".", 1)[0], name)
    return replace(column, type=column.type or above.type, description=above.description)


@cache
def catalogue() -> Tables:
    """Return the columns of each table (`layer/name`)."""
    made_of: dict[str, MadeOf] = json.loads(LINEAGE_FILE.read_text("utf-8"))
    for table, columns in declared_inputs().items():
        made_of[table] = {**made_of.get(table, {}), **columns}
    documented = _dbt()
    tables = _sources(documented["fct_loan_applications"])
    tables |= _staging(tables["raw/lending_club_loans"])
    tables |= (warehouse := _warehouse(documented, made_of))
    tables |= _published(warehouse) | _stream(tables) | _pages()
    for table, columns in made_of.items():
        for name, ends in columns.items():
            if ends:
                tables[table][name] = replace(tables[table][name], made_of=tuple(ends))
    return {
        table: {name: _describe(tables, table, name) for name in columns}
        for table, columns in tables.items()
    }
