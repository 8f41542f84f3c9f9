"""From a figure back to the fields of the files: the chain of columns, for people and programs."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.lineage.catalogue import Column, catalogue

# Layers where the way back ends: copies of what stands outside.
ENDS: Final = frozenset({"raw", "topics"})
INDENT: Final = "  "


def parse(text: str) -> str:
    """The column of `metrics.portfolio_summary.value` or `metrics/portfolio_summary.value`.

    Raises PipelineError with the nearest names where there is no such column.
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
        + (f", such as {' or '.join(near)}." if near else ".")
    )


def column_of(key: str) -> Column:
    """What is known of a column."""
    table, _, name = key.partition(".")
    return catalogue()[table][name]


def upstream(key: str) -> tuple[str, ...]:
    """The columns that a column is made of, up to raw fields."""
    return () if key.split("/")[0] in ENDS else column_of(key).made_of


def steps(key: str) -> dict[str, tuple[str, ...]]:
    """Every column on the way back, nearest first, with what it is made of."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = [key]
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found[one] = upstream(one)
            waiting += found[one]
    return found


def raw_fields(key: str) -> list[str]:
    """The fields of files and topics that a column comes from in the end."""
    return sorted(one for one in steps(key) if one.split("/")[0] in ENDS)


def as_object(key: str) -> dict[str, Any]:
    """The chain for programs: the column, its raw fields, and every step between."""
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
    """The chain as an indented list; what stands further up already is not repeated."""
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
