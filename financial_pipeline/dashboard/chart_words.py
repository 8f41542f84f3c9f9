"""Words of a chart: the rows of its tooltips, and its description for screen readers.

Both are read from the chart's Vega-Lite form, so that every chart has them.
"""

from collections.abc import Iterator
from typing import Any, Final

from financial_pipeline.dashboard.table_columns import in_words

# Thousands with separators, fractions with up to four decimals.
NUMBER: Final = ",.4~f"
DAY: Final = "%Y-%m-%d"
MONTH: Final = "%Y-%m"
# Marks that only support the others: letters, whiskers and limits.
MINOR: Final = {"text", "rule", "tick"}
PLURALS: Final = {
    "bar": "Bars",
    "line": "Lines",
    "area": "Areas",
    "point": "Points",
    "rect": "Cells",
    "geoshape": "Map",
}

Spec = dict[str, Any]


def label_tooltips(spec: Spec) -> None:
    """Give each row of a tooltip a heading in words and a format, unless it has its own."""
    for layer in _layers(spec):
        rows = layer.get("encoding", {}).get("tooltip", [])
        for row in rows if isinstance(rows, list) else [rows]:
            name = row.get("field", "")
            row.setdefault("title", in_words(name))
            if row.get("type") == "quantitative":
                row.setdefault("format", NUMBER)
            elif row.get("type") == "temporal":
                row.setdefault("format", MONTH if name.split("_")[-1] == "month" else DAY)


def description(spec: Spec) -> str:
    """Describe a chart in one sentence: its main mark, and what each axis and colour shows."""
    layers = [layer for layer in _layers(spec) if layer.get("encoding")]
    main = [layer for layer in layers if _mark(layer) not in MINOR] or layers
    shown: dict[str, str] = {}
    for layer in main:
        for channel in ("y", "x", "color"):
            if channel not in shown and (label := _label(layer["encoding"].get(channel, {}))):
                shown[channel] = label
    kinds = [PLURALS.get(_mark(layer), "Marks") for layer in main]
    parts = [shown[channel] for channel in ("y", "x") if channel in shown]
    words = f"{kinds[-1] if kinds else 'Chart'}: {' by '.join(parts) or shown.get('color', '')}"
    coloured = f", coloured by {shown['color']}" if parts and "color" in shown else ""
    return f"{words}{coloured}."


def _layers(spec: Spec) -> Iterator[Spec]:
    yield spec
    for layer in spec.get("layer", []):
        yield from _layers(layer)


def _mark(layer: Spec) -> str:
    mark = layer.get("mark", "")
    return str(mark.get("type", "") if isinstance(mark, dict) else mark)


def _label(channel: Spec) -> str:
    legend = channel.get("legend") or {}
    title = channel.get("title") or legend.get("title")
    return str(title or (in_words(channel["field"]) if "field" in channel else ""))
