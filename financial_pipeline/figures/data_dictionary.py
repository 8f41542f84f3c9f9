"""Writer of the data dictionary: Markdown from the contracts of dbt and the schemas.

Descriptions belong into the `.yml` of a model or into the schema modules, never in here.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from financial_pipeline.lineage.catalogue import Columns, catalogue
from financial_pipeline.schemas import lending_club
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline.schemas.staging import STAGING_TABLES
from financial_pipeline.settings import PROJECT_ROOT

MODELS: Final = PROJECT_ROOT / "dbt_project" / "models"
# Use of a loan column: only columns of the first kind may feed a model without a reason.
CLASSES: Final = {
    "known at application": lending_club.CLASS_O,
    "made by the platform at origination": lending_club.CLASS_P,
    "known only after origination": lending_club.CLASS_X,
    "identifier, text or constant": lending_club.CLASS_I,
}
INTRODUCTION: Final = """# Data dictionary

Written by `make dictionary` from the contracts; change those, not this file. Rates are fractions
and money is dollars unless a column says otherwise.
"""


def markdown_table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table in Markdown."""
    names = list(names)
    lines = [names, ["---"] * len(names), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _section(name: str, text: str, table: str) -> str:
    return f"### {name}\n\n{text}\n\n{table}\n"


def _models(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the models of a folder by name, as their `.yml` describes them."""
    files = sorted(folder.glob("*.yml"))
    parts = [yaml.safe_load(path.read_text("utf-8")) for path in files]
    return {model["name"]: model for part in parts for model in part.get("models", [])}


def _mart(name: str, model: Mapping[str, Any]) -> str:
    keys = ", ".join(f"`{key}`" for key in MARTS[name].keys)
    text = f"{' '.join(model['description'].split())} Key: {keys}."
    return _section(name, text, _columns(catalogue()[f"exports/{name}"]))


def _class_of(column: str) -> str:
    return next((name for name, columns in CLASSES.items() if column in columns), "")


def _columns(columns: Columns, use: bool = False) -> str:
    header = ("column", "type", "meaning", *(["use"] if use else []))
    rows = (
        (f"`{name}`", column.type, column.description, *([_class_of(name)] if use else []))
        for name, column in columns.items()
    )
    return markdown_table(header, rows)


def _staging_tables() -> list[str]:
    sources = yaml.safe_load((MODELS / "staging" / "sources.yml").read_text("utf-8"))["sources"]
    grains = {table["name"]: table["description"] for table in sources[0]["tables"]}
    return [
        _section(
            name,
            grains[name],
            _columns(catalogue()[f"staging/{name}"], use=name == "lending_club_loans"),
        )
        for name in STAGING_TABLES
    ]


def _published(layer: str, grains: Mapping[str, str]) -> list[str]:
    return [
        _section(name, grain, _columns(catalogue()[f"{layer}/{name}"]))
        for name, grain in sorted(grains.items())
    ]


def data_dictionary() -> str:
    """Return the dictionary: every published table with meanings, then the staging tables."""
    models = _models(MODELS / "marts")
    parts = [
        INTRODUCTION,
        "## Published marts\n",
        *(_mart(name, models[name]) for name in sorted(MARTS)),
        "## Metrics\n",
        *_published("metrics", {name: table.grain for name, table in METRIC_TABLES.items()}),
        "## Model\n",
        *_published("ml", {name: table.grain for name, table in MODEL_TABLES.items()}),
        "## Staging\n\nTyped Parquet, one file per partition; the types are those of Polars.\n",
        *_staging_tables(),
    ]
    return "\n".join(parts)
