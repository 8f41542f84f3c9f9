"""Writer of the generated pages of `docs/`: data dictionary, configuration and module map."""

import ast
import re
import types
import typing
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from financial_pipeline.figures.data_dictionary import data_dictionary, markdown_table
from financial_pipeline.settings import PACKAGE_ROOT, PROJECT_ROOT, Settings

# Each setting is explained in the line before it; `test_settings.py` compares the defaults.
EXAMPLE: Final = PROJECT_ROOT / ".env.example"
SECTION: Final = re.compile(r"# --- (.+) ---")
ENTRY: Final = re.compile(r"#([A-Z_]+)=(.*)")
TYPE_NAMES: Final = {
    bool: "true or false",
    int: "integer",
    float: "number",
    str: "text",
    date: "date",
    Path: "path",
    SecretStr: "secret",
}
CONFIGURATION: Final = """# Configuration

Written by `make dictionary` from `Settings` and `.env.example`; change those, not this file.

Set a value in the environment, or in `.env` in the folder where the command starts. Options of a
command win over both. An empty value means the default. A wrong value ends the command with one
sentence that names the setting. Lists have commas between their values, or are JSON.
"""
OTHER_VARIABLES: Final = {
    "SPARK_MASTER": "Spark that computes the metrics; default `local[2]`. See [Spark](spark.md).",
    "SPARK_DRIVER_MEMORY": "Memory of a local Spark; default: it follows the machine.",
    "SPARK_LOCAL_DIRS": "Spark's temporary files; default: `cache/spark` in the data root.",
    "SPARK_LOCAL_IP": "Address on which a local Spark listens; default: loopback.",
    "JAVA_HOME": "Java 17 or 21 for Spark, Kafka and Flink; default: `java` on the path.",
    "DAGSTER_HOME": "Dagster's home. Commands set it to `dagster_home` in the data root.",
    "DAGSTER_EVENT_BATCH_SIZE": "Events that Dagster stores in one transaction.",
    "XDG_CACHE_HOME": "Cache of jars and working copies; default: `.cache` in your home.",
    "STREAMLIT_SERVER_ALLOWED_HOSTS": "Names of the dashboard behind a proxy of your own.",
}
MODULE_MAP: Final = """# Module map

Written by `make dictionary` from the docstrings; change those, not this file.
[Architecture](architecture.md) explains what belongs where.
"""


def generated_pages() -> dict[str, str]:
    """Return the text of each generated page by its file name."""
    return {
        "data_dictionary.md": data_dictionary(),
        "configuration.md": configuration(),
        "modules.md": module_map(),
    }


def configuration() -> str:
    """Return the settings by section, with name, type, default and meaning.

    Raises KeyError for a setting that `.env.example` does not explain.
    """
    fields = {variable(name): field for name, field in Settings.model_fields.items()}
    parts = [CONFIGURATION]
    for section, entries in _sections(EXAMPLE.read_text("utf-8")):
        rows = [
            (f"`{name}`", type_name(fields.pop(name)), f"`{default}`" if default else "", meaning)
            for name, default, meaning in entries
        ]
        header = ("variable", "type", "default", "meaning")
        parts.append(f"## {section}\n\n{markdown_table(header, rows)}\n")
    if fields:
        raise KeyError(f"{EXAMPLE.name} does not explain {', '.join(fields)}.")
    others = [(f"`{name}`", meaning) for name, meaning in OTHER_VARIABLES.items()]
    parts.append(f"## Other variables\n\n{markdown_table(('variable', 'meaning'), others)}\n")
    return "\n".join(parts)


def variable(setting: str) -> str:
    """Return the name of a setting in the environment; of several, the one that others use too."""
    alias = Settings.model_fields[setting].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"FINANCIAL_PIPELINE_{setting.upper()}"


def _sections(text: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield each section with its entries: variable, default and meaning."""
    starts = [*SECTION.finditer(text)]
    for start, end in zip(starts, [*[s.start() for s in starts[1:]], len(text)], strict=True):
        entries, comment = [], ""
        for line in text[start.end() : end].splitlines():
            if entry := ENTRY.fullmatch(line):
                entries.append((entry[1], entry[2], comment))
            comment = line.removeprefix("# ")
        yield start[1], entries


def type_name(field: FieldInfo) -> str:
    """Return the type of a setting in words, with its bounds: `integer, at least 1`."""
    bounds = {type(item).__name__: item for item in field.metadata}
    least, most = bounds.get("Ge"), bounds.get("Le")
    words = _words(field.annotation)
    if least and most:
        return f"{words}, {least.ge:,} to {most.le:,}" if least.ge < 1024 else f"{words}, a port"
    return f"{words}, at least {least.ge:,}" if least else words


def _words(annotation: Any) -> str:
    arguments = [item for item in get_args(annotation) if item is not types.NoneType]
    match get_origin(annotation):
        case typing.Literal:
            return " or ".join(f"`{item}`" for item in arguments)
        case types.UnionType | typing.Union:
            return _words(arguments[0])
        case typing.Annotated:
            return _words(arguments[0])
        case origin if origin is tuple:
            return "list"
    return TYPE_NAMES[annotation]


def module_map() -> str:
    """Return every module of the package with the first line of its docstring, by folder."""
    folders: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(PACKAGE_ROOT.rglob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
        if path.name != "__init__.py" and text:
            folder = path.parent.relative_to(PACKAGE_ROOT.parent).as_posix()
            folders.setdefault(folder, []).append((f"`{path.name}`", text.splitlines()[0]))
    tables = (
        f"## {folder}\n\n{markdown_table(('module', 'contents'), rows)}\n"
        for folder, rows in sorted(folders.items())
    )
    return "\n".join([MODULE_MAP, *tables])
