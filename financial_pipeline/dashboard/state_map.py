"""The map of the states, from outlines that ship with the package: nothing is fetched.

`us_states.json` names the source of the outlines; they are projected already.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import altair as alt
import polars as pl

from financial_pipeline.dashboard import charts, drawing

OUTLINES: Final = Path(__file__).with_name("us_states.json")
HEIGHT: Final = 380
# Above this share of the largest value a state is dark enough for white letters.
DARK_ABOVE: Final = 0.5
# Fixed, since the theme's colours run the other way on a dark page.
LIGHT_TO_DARK: Final = ("#D6E6F4", "#1B5C94")
NO_VALUE: Final = "#C3CAD3"
RATE: Final = "default_rate"
# The share of the loans whose states are within the scale of a rate, and its least half width.
WITHIN: Final = 0.9
LEAST_SPAN: Final = 0.005
# Readable under dark letters, on light and dark pages.
NEUTRAL: Final = "#E4E8EC"
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
        {**feature, "name": feature["id"], **known.get(feature["id"], {})} for feature in outlines()
    ]
    form = FORMS[column]
    # Without a value there is nothing to tell by its colour.
    legend = (
        alt.Legend(orient="top", title=title, format=form, gradientLength=240)
        if states[column].count()
        else None
    )
    data = alt.Data(values=shapes)  # type: ignore[no-untyped-call]
    base = alt.Chart(data).encode(tooltip=_tips())
    # Vega leaves out a shape without a value, so a grey one is drawn under it.
    ground = base.mark_geoshape(fill=NO_VALUE, stroke="white", cursor="pointer")
    # It takes the clicks on all layers, since their marks have the same field.
    ground = ground.add_params(alt.selection_point(name=drawing.PICK, fields=["state"]))
    filled = base.mark_geoshape(stroke="white", strokeWidth=0.7, cursor="pointer").encode(
        color=alt.Color(f"{column}:Q", legend=legend, scale=_scale(states, column))
    )
    layers = alt.layer(ground, filled, _letters(states, column))
    return layers.project("identity").properties(height=HEIGHT)


def _scale(states: pl.DataFrame, column: str) -> alt.Scale:
    """Return the colours; those of a rate are around the mean, which one small state cannot set."""
    known = states.drop_nulls(column)
    if column != RATE or known.is_empty():
        return alt.Scale(range=list(LIGHT_TO_DARK))
    loans = known["matured"].cast(pl.Float64)
    mean = float((known[column] * loans).sum()) / max(float(loans.sum()), 1.0)
    # The distance from the mean that 90 % of the loans are within.
    away = known.select("matured", away=(pl.col(column) - mean).abs()).sort("away")
    within = away.filter(pl.col("matured").cum_sum() >= WITHIN * float(loans.sum()))["away"][0]
    span = max(within, LEAST_SPAN)
    return alt.Scale(
        domain=[mean - span, mean, mean + span],
        range=[charts.BLUE, NEUTRAL, charts.ORANGE],
        # Between blue and orange by hue there would be pink.
        interpolate="rgb",
        clamp=True,
    )


def _tips() -> list[alt.Tooltip]:
    forms = {"loans": ",d", "matured": ",d", "defaults": ",d"} | {
        "default_rate": ".2%",
        "funded_usd": "$,.0f",
    }
    figures = [
        alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=form)
        for name, form in forms.items()
    ]
    return [alt.Tooltip("name:N", title="state"), *figures]


def _letters(states: pl.DataFrame, column: str) -> alt.Chart:
    # The colours of a rate are light enough for dark letters throughout.
    most = 0.0 if column == RATE else float(states[column].cast(pl.Float64).max() or 0.0)  # type: ignore[arg-type]
    values = dict(states.select("state", column).rows())
    rows = [
        {"code": feature["id"], "x": place[0], "y": place[1]}
        | {"state": feature["id"] if feature["id"] in values else None}
        | {"is_dark": 0 < DARK_ABOVE * most < (values.get(feature["id"]) or 0.0)}
        for feature in outlines()
        if (place := feature["properties"].get("label"))
    ]
    return (
        alt.Chart(pl.DataFrame(rows))
        .mark_text(fontSize=10, cursor="pointer")
        .encode(
            longitude="x:Q",
            latitude="y:Q",
            text="code:N",
            color=alt.condition("datum.is_dark", alt.value("#FFFFFF"), alt.value("#1B2430")),
        )
    )
