"""The chain of columns from a figure back to the fields of files, for people and programs."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.lineage.catalogue import Column, catalogue

# Layers at which a chain ends: copies of outside data.
ENDS: Final = frozenset({"raw", "topics"})
INDENT: Final = "  "


def parse(text: str) -> str:
    """Return the column of `metrics.portfolio_summary.value`, also written with a slash.

    Raise PipelineError with the nearest names if there is no such column.
    """
    layer, _, rest = text.replace("/", ".", 1).partition(".")
    table, _, column = rest.partition(".")
    key = f"{layer}/{table}"
    if column in catalogue().get(key, {}):
        return f"{key}.{column}"
    known = [f"{t}.{c}" for t, columns in catalogue().items() for c in columns]
    near = difflib.get_close_matches(f"{key}.{column}", known, n=3, cutoff=0.5)
    raise PipelineError(
        f"There is no column {text}; name it layer.table.column"
        + (f", such as {' or '.join(near).replace('/', '.')}." if near else ".")
    )


def column_of(key: str) -> Column:
    """Return a column of the catalogue."""
    table, _, name = key.partition(".")
    return catalogue()[table][name]


def upstream(key: str) -> tuple[str, ...]:
    """Return the columns that a column is computed from, up to raw fields."""
    return () if key.split("/")[0] in ENDS else column_of(key).made_of


def steps(key: str) -> dict[str, tuple[str, ...]]:
    """Return every column of the chain, nearest first, with its own inputs."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = [key]
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found[one] = upstream(one)
            waiting += found[one]
    return found


def raw_fields(key: str) -> list[str]:
    """Return the fields of files and topics at the end of the chain."""
    return sorted(one for one in steps(key) if one.split("/")[0] in ENDS)


def as_object(key: str) -> dict[str, Any]:
    """Return the chain for programs: the column, its raw fields, and every step between."""
    return {
        "column": key,
        "description": column_of(key).description,
        "raw_fields": raw_fields(key),
        "steps": [
            {"column": one, "description": column_of(one).description, "made_of": list(ends)}
            for one, ends in steps(key).items()
        ],
    }


def as_text(key: str) -> str:
    """Return the chain as an indented list; a column that appeared above is not repeated."""
    return "\n".join(_lines(key, steps(key), 0, set()))


def _lines(
    key: str, made_of: Mapping[str, tuple[str, ...]], depth: int, shown: set[str]
) -> Iterator[str]:
    if key in shown:
        yield f"{INDENT * depth}{key} (as above)"
        return
    shown.add(key)
    yield f"{INDENT * depth}{key}: {column_of(key).description}"
    for one in made_of[key]:
        yield from _lines(one, made_of, depth + 1, shown)
