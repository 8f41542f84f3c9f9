"""The data dictionary as Markdown, written from the contracts themselves: dbt's and the schemas.

Descriptions belong into the `.yml` beside a model or into the schema modules, never in here.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml

from financial_pipeline.schemas import lending_club, staging
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.settings import PROJECT_ROOT

MODELS: Final = PROJECT_ROOT / "dbt_project" / "models"
STAGING_TABLES: Final[dict[str, dict[str, pl.DataType]]] = {
    "lending_club_loans": staging.LENDING_CLUB_LOANS,
    "lending_club_loan_snapshots": staging.LENDING_CLUB_LOAN_SNAPSHOTS,
    "lending_club_rejections": staging.LENDING_CLUB_REJECTIONS,
    "bank_prices": staging.BANK_PRICES,
    "fred_observations": staging.FRED_OBSERVATIONS,
    "market_bars": staging.MARKET_BARS,
    "market_alerts": staging.MARKET_ALERTS,
}
# What a loan column may be used for: only the first kind may feed a model without question.
CLASSES: Final = {
    "known at application": lending_club.CLASS_O,
    "made by the platform at origination": lending_club.CLASS_P,
    "known only after origination": lending_club.CLASS_X,
    "identifier, text or constant": lending_club.CLASS_I,
}
INTRODUCTION: Final = """# Data dictionary

Written by `financial-pipeline docs --dictionary docs/data_dictionary.md` from the contracts; change
those, not this file. Rates are fractions and money is dollars unless a column says otherwise.
"""


def _table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(names)
    lines = [names, ["---"] * len(names), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _section(name: str, text: str, table: str) -> str:
    return f"### {name}\n\n{text}\n\n{table}\n"


def _models(folder: Path) -> dict[str, Mapping[str, Any]]:
    """The models of a folder by name, as their `.yml` describes them."""
    files = sorted(folder.glob("*.yml"))
    parts = [yaml.safe_load(path.read_text("utf-8")) for path in files]
    return {model["name"]: model for part in parts for model in part.get("models", [])}


def _mart(name: str, model: Mapping[str, Any]) -> str:
    keys = ", ".join(f"`{key}`" for key in MARTS[name].keys)
    rows = (
        (f"`{column['name']}`", column["data_type"], " ".join(column["description"].split()))
        for column in model["columns"]
    )
    text = f"{' '.join(model['description'].split())} Key: {keys}."
    return _section(name, text, _table(("column", "type", "meaning"), rows))


def _class_of(column: str) -> str:
    return next((name for name, columns in CLASSES.items() if column in columns), "")


def _staging_tables() -> list[str]:
    sources = yaml.safe_load((MODELS / "staging" / "sources.yml").read_text("utf-8"))["sources"]
    grains = {table["name"]: table["description"] for table in sources[0]["tables"]}
    sections = []
    for name, schema in STAGING_TABLES.items():
        classified = name == "lending_club_loans"
        header = ("column", "type", "use") if classified else ("column", "type")
        rows = (
            (f"`{column}`", kind, *([_class_of(column)] if classified else []))
            for column, kind in schema.items()
        )
        sections.append(_section(name, grains[name], _table(header, rows)))
    return sections


def data_dictionary() -> str:
    """The whole dictionary: published marts with meanings, then staging tables with types."""
    models = _models(MODELS / "marts")
    parts = [
        INTRODUCTION,
        "## Published marts\n",
        *(_mart(name, models[name]) for name in sorted(MARTS)),
        "## Staging\n\nTyped Parquet, one file per partition; the types are those of Polars.\n",
        *_staging_tables(),
    ]
    return "\n".join(parts)
