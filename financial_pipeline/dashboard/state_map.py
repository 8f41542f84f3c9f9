"""The map of the states, from outlines that ship with the package: nothing is fetched.

`us_states.json` names the source of the outlines; they are projected already.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import altair as alt
import polars as pl

from financial_pipeline.dashboard import charts

OUTLINES: Final = Path(__file__).with_name("us_states.json")
HEIGHT: Final = 380
# The part of the states above this quantile is dark enough for white letters.
DARK_ABOVE: Final = 0.6
FORMS: Final = {"default_rate": ".1%", "funded_usd": "$.2~s", "loans": ",d"}


@cache
def outlines() -> tuple[dict[str, Any], ...]:
    """Return one GeoJSON feature per state and the district; large ones have a label's place."""
    return tuple(json.loads(OUTLINES.read_text("utf-8"))["features"])


def on_map() -> list[str]:
    """Return the codes of the states that the map shows."""
    return [str(feature["id"]) for feature in outlines()]


def chart(states: pl.DataFrame, column: str, title: str) -> charts.Layers:
    """Draw states coloured by a column of `states` (one row per state); grey if it is null."""
    known = {row["state"]: row for row in states.to_dicts()}
    shapes = [
        {**feature, "properties": known.get(feature["id"], {"name": feature["id"]})}
        for feature in outlines()
    ]
    value = f"properties.{column}"
    form = FORMS[column]
    legend = alt.Legend(orient="top", title=title, format=form, gradientLength=240)
    data = alt.Data(values=shapes)  # type: ignore[no-untyped-call]
    base = alt.Chart(data).encode(tooltip=_tips())
    # Vega leaves out a shape without a value, so a grey one is drawn under it.
    ground = base.mark_geoshape(fill=charts.GREY, fillOpacity=0.35, stroke="white")
    filled = base.mark_geoshape(stroke="white", strokeWidth=0.7).encode(
        color=alt.Color(f"{value}:Q", legend=legend)
    )
    layers = alt.layer(ground, filled, _letters(states, column))
    return layers.project("identity").properties(height=HEIGHT)


def _tips() -> list[alt.Tooltip]:
    forms = {"loans": ",d", "matured": ",d", "defaults": ",d"} | {
        "default_rate": ".2%",
        "funded_usd": "$,.0f",
    }
    figures = [
        alt.Tooltip(f"properties.{name}:Q", title=name.replace("_", " "), format=form)
        for name, form in forms.items()
    ]
    return [alt.Tooltip("properties.name:N", title="state"), *figures]


def _letters(states: pl.DataFrame, column: str) -> alt.Chart:
    middle = states[column].drop_nulls().cast(pl.Float64).quantile(DARK_ABOVE) or 0.0
    values = dict(states.select("state", column).rows())
    rows = [
        {"state": feature["id"], "x": place[0], "y": place[1]}
        | {"is_dark": (values.get(feature["id"]) or 0.0) > middle}
        for feature in outlines()
        if (place := feature["properties"].get("label"))
    ]
    return (
        alt.Chart(pl.DataFrame(rows))
        .mark_text(fontSize=10)
        .encode(
            longitude="x:Q",
            latitude="y:Q",
            text="state:N",
            color=alt.condition("datum.is_dark", alt.value("#FFFFFF"), alt.value("#1B2430")),
        )
    )
