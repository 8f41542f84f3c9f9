"""Charts on a page. The form of a chart is built once per content, and cached.

Altair would check every part of a chart against its schema, which takes longer than all queries of
a page. The tests do it; a page trusts the package's own charts.
"""

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from threading import Lock
from typing import Any, Final

import altair as alt
import polars as pl
import streamlit as st
from altair.utils import schemapi

from financial_pipeline.dashboard.charts import Layers
from financial_pipeline.dashboard.table_columns import in_words

# Charts kept at most, a few kilobytes each.
MAX_CHARTS: Final = 500
# The selection of a chart whose marks can be clicked.
PICK: Final = "pick"
CLICKS: Final = "clicks"
# Whether each chart is checked against Altair's schema.
IS_CHECKED = False
# Altair's theme and data transformers are settings of the whole process.
_ALTAIR: Final = Lock()
# Thousands with separators, fractions with up to four decimals.
NUMBER: Final = ",.4~f"
DAY: Final = "%Y-%m-%d"
MONTH: Final = "%Y-%m"
# Supporting marks: text, whiskers and limits.
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


def chart(
    build: Callable[..., alt.Chart | Layers],
    *content: Any,
    picks: tuple[str, Callable[[dict[str, Any]], None]] | None = None,
    **live: pl.DataFrame | float,
) -> None:
    """Show `build(*content)`, a chart that depends on its arguments alone.

    `live` is data that changes with every move of a widget while the chart keeps its form: the
    chart names it by `alt.NamedData(name)`, or a number by `alt.ExprRef(name)`. `picks` is a key
    and what to do with the fields of a clicked mark, if the chart has a selection named PICK.
    """
    # Pages run as scripts, all under one module name.
    place = f"{build.__code__.co_filename}:{build.__qualname__}"
    spec = _spec(place, content, build)
    for name, value in live.items():
        if isinstance(value, pl.DataFrame):
            spec["datasets"][name] = value
        else:
            spec["params"] = [*spec.get("params", []), {"name": name, "value": value}]
    words = description(spec)
    if picks is None:
        st.vega_lite_chart(spec, alt=words)
        return
    # After a click the chart starts again without a selection, so that the same mark can be chosen.
    key, act = f"{picks[0]}_{st.session_state.get(CLICKS, 0)}", picks[1]
    st.vega_lite_chart(
        spec, key=key, on_select=lambda: _handle_pick(key, act), selection_mode=PICK, alt=words
    )


def _handle_pick(key: str, act: Callable[[dict[str, Any]], None]) -> None:
    marks = st.session_state[key]["selection"].get(PICK)
    if marks:
        act(marks[0])
        st.session_state[CLICKS] = st.session_state.get(CLICKS, 0) + 1


def _fingerprint(frame: pl.DataFrame) -> str:
    content = BytesIO()
    frame.write_ipc_stream(content)
    return hashlib.blake2b(content.getbuffer()).hexdigest()


@st.cache_data(max_entries=MAX_CHARTS, show_spinner=False, hash_funcs={pl.DataFrame: _fingerprint})
def _spec(
    place: str, content: tuple[Any, ...], _build: Callable[..., alt.Chart | Layers]
) -> dict[str, Any]:
    """The Vega-Lite form of a chart, and its data as frames by name."""
    frames: dict[str, pl.DataFrame] = {}

    def by_name(data: Any, **_: Any) -> Any:
        if not isinstance(data, pl.DataFrame):
            return data
        frames[_fingerprint(data)] = data
        return {"name": _fingerprint(data)}

    with _ALTAIR, schemapi.debug_mode(IS_CHECKED):
        alt.data_transformers.register("by_name", by_name)
        with alt.theme.enable("none"), alt.data_transformers.enable("by_name"):
            spec: dict[str, Any] = _build(*content).to_dict(validate=IS_CHECKED)
    label_tooltips(spec)
    return {**spec, "datasets": {**spec.get("datasets", {}), **frames}}


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
