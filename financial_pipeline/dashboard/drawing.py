"""Charts on a page. The form of a chart is built once per content, and cached.

Altair would check every part of a chart against its schema, which takes longer than all queries of
a page. The tests do it; a page trusts the package's own charts.
"""

import hashlib
from collections.abc import Callable
from io import BytesIO
from threading import Lock
from typing import Any, Final

import altair as alt
import polars as pl
import streamlit as st
from altair.utils import schemapi

from financial_pipeline.dashboard import chart_words
from financial_pipeline.dashboard.charts import Layers

# Charts kept at most, a few kilobytes each.
MAX_CHARTS: Final = 500
# The selection of a chart whose marks can be clicked.
PICK: Final = "pick"
CLICKS: Final = "clicks"
# Whether each chart is checked against Altair's schema.
IS_CHECKED = False
# Altair's theme and data transformers are settings of the whole process.
_ALTAIR: Final = Lock()


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
    words = chart_words.description(spec)
    if picks is None:
        st.vega_lite_chart(spec, alt=words)
        return
    # After a click the chart starts again without a selection, so that the same mark can be chosen.
    key, act = f"{picks[0]}_{st.session_state.get(CLICKS, 0)}", picks[1]
    st.vega_lite_chart(
        spec, key=key, on_select=lambda: _picked(key, act), selection_mode=PICK, alt=words
    )


def _picked(key: str, act: Callable[[dict[str, Any]], None]) -> None:
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
    chart_words.label_tooltips(spec)
    return {**spec, "datasets": {**spec.get("datasets", {}), **frames}}
