"""The JSON Schema of the messages, from the lists of columns.

`python -m financial_pipeline_tests.schemas.message_schema` writes it next to those lists.
"""

import json
from pathlib import Path
from typing import Any

from financial_pipeline.schemas import stream
from financial_pipeline.schemas.stream import Column, Kind

FILE = Path(stream.__file__).with_name("stream.schema.json")
DECIMAL: dict[str, Any] = {"type": ["string", "number"], "pattern": "^-?[0-9]+(\\.[0-9]+)?$"}
TYPES: dict[Kind, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "price": DECIMAL,
    "amount": DECIMAL,
    "real": {"type": "number"},
    "text": {"type": "string"},
    "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
}


def _property(column: Column) -> dict[str, Any]:
    form = dict(TYPES[column.kind])
    if column.nullable:
        kinds = form["type"] if isinstance(form["type"], list) else [form["type"]]
        form["type"] = [*kinds, "null"]
    return {**form, "description": column.description}


def _message(topic: str) -> dict[str, Any]:
    columns = stream.TOPICS[topic]
    message: dict[str, Any] = {
        "type": "object",
        "properties": {column.name: _property(column) for column in columns},
        "required": [column.name for column in columns if not column.nullable],
    }
    if topic not in stream.HEARTBEAT_COLUMNS:
        return message
    heartbeat = {
        "type": "object",
        "properties": {"symbol": {"const": stream.HEARTBEAT_SYMBOL}},
        "required": list(stream.HEARTBEAT_COLUMNS[topic]),
    }
    return {"anyOf": [message, heartbeat]}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of all topics, each under `$defs` by its name."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Stream messages, version {stream.SCHEMA_VERSION}",
        "$defs": {topic: _message(topic) for topic in stream.TOPICS},
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(json_schema(), indent=1) + "\n", "utf-8")
