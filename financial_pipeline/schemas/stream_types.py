"""The kinds of a message's columns, and what each is called in Flink and JSON Schema."""

from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["integer", "price", "amount", "real", "text", "date"]
FLINK_TYPES: Final[dict[Kind, str]] = {
    "integer": "bigint",
    "price": "decimal(18, 4)",
    "amount": "decimal(38, 4)",
    "real": "double",
    "text": "string",
    "date": "date",
}
_DECIMAL: Final[dict[str, Any]] = {
    "type": ["string", "number"],
    "pattern": "^-?[0-9]+(\\.[0-9]+)?$",
}
JSON_TYPES: Final[dict[Kind, dict[str, Any]]] = {
    "integer": {"type": "integer"},
    "price": _DECIMAL,
    "amount": _DECIMAL,
    "real": {"type": "number"},
    "text": {"type": "string"},
    "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
}


@dataclass(frozen=True)
class Column:
    """One field of a message: its JSON name, kind, whether it may be null, and what it says."""

    name: str
    kind: Kind
    description: str
    nullable: bool = False


def json_property(column: Column) -> dict[str, Any]:
    """The column as a property of a JSON Schema."""
    form = dict(JSON_TYPES[column.kind])
    if column.nullable:
        kinds = form["type"] if isinstance(form["type"], list) else [form["type"]]
        form["type"] = [*kinds, "null"]
    return {**form, "description": column.description}
