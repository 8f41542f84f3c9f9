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
from financial_pipeline.dashboard.elements import dollars

OUTLINES: Final = Path(__file__).with_name("us_states.json")
HEIGHT: Final = 380
# Above this share of the largest value, a state is dark enough for white text.
DARK_ABOVE: Final = 0.5
# Fixed colours: the theme reverses its colours on a dark page.
LIGHT_TO_DARK: Final = ("#D6E6F4", "#1B5C94")
NO_VALUE: Final = "#C3CAD3"
RATE: Final = "default_rate"
# The share of the loans whose states are within the scale of a rate, and its least half width.
WITHIN: Final = 0.9
LEAST_SPAN: Final = 0.005
# Readable behind dark text, on light and dark pages.
NEUTRAL: Final = "#E4E8EC"
FORMS: Final = {"default_rate": ".1%", "funded_usd": "$~s", "loans": ",d"}
# A column of amounts, and the column with its text.
AMOUNT: Final = "funded_usd"
WORDS: Final = "funded"


@cache
def outlines() -> tuple[dict[str, Any], ...]:
    """Return one GeoJSON feature per state and the district; large ones have a label's place."""
    return tuple(json.loads(OUTLINES.read_text("utf-8"))["features"])


def on_map() -> list[str]:
    """Return the codes of the states that the map shows."""
    return [str(feature["id"]) for feature in outlines()]


def live(states: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a row for each state of the map; `state` is null if `states` has none."""
    # All colours of a rate are light enough for dark text.
    is_dark = (
        pl.col(column) > DARK_ABOVE * pl.col(column).max() if column != RATE else pl.lit(False)
    )
    whole = pl.DataFrame({"id": on_map()})
    rows = whole.join(
        states, left_on="id", right_on="state", how="left", coalesce=False
    ).with_columns(pl.coalesce("name", "id").alias("name"), is_dark.alias("is_dark"))
    return rows.with_columns(pl.Series(WORDS, map(dollars, rows[AMOUNT]), pl.String))


def ends(states: pl.DataFrame, column: str) -> dict[str, float]:
    """Return low, mean and high of a rate's colours, which one small state cannot set.

    Empty for an amount, and if no state has a rate.
    """
    known = states.drop_nulls(column)
    if column != RATE or known.is_empty():
        return {}
    loans = known["matured"].cast(pl.Float64)
    mean = float((known[column] * loans).sum()) / max(float(loans.sum()), 1.0)
    # The distance from the mean that 90% of the loans are within.
    away = known.select("matured", away=(pl.col(column) - mean).abs()).sort("away")
    within = away.filter(pl.col("matured").cum_sum() >= WITHIN * float(loans.sum()))["away"][0]
    span = max(within, LEAST_SPAN)
    return {"low": mean - span, "mean": mean, "high": mean + span}


def chart(column: str, title: str, is_known: bool) -> charts.Layers:
    """Draw `live` states coloured by a column, within `ends` for a rate; grey if it is null."""
    # If no state has a value, there is no legend.
    legend = _legend(column, title) if is_known else None
    scale = _rates() if column == RATE and is_known else alt.Scale(range=list(LIGHT_TO_DARK))
    data = alt.Data(values=list(outlines()))  # type: ignore[no-untyped-call]
    base = alt.Chart(data).transform_lookup(
        lookup="id", from_=_of_states("state", "name", *FORMS, WORDS, "matured", "defaults")
    )
    base = base.encode(tooltip=_tips())
    # Vega leaves out a shape without a value, so a grey one is drawn under it.
    ground = base.mark_geoshape(fill=NO_VALUE, stroke="white", cursor="pointer")
    # It takes the clicks on all layers, since their marks have the same field.
    ground = ground.add_params(alt.selection_point(name=drawing.PICK, fields=["state"]))
    filled = base.mark_geoshape(stroke="white", strokeWidth=0.7, cursor="pointer").encode(
        color=alt.Color(f"{column}:Q", legend=legend, scale=scale)
    )
    layers = alt.layer(ground, filled, _letters())
    return layers.project("identity").properties(height=HEIGHT)


def _legend(column: str, title: str) -> alt.Legend:
    if column == AMOUNT:
        labels = charts.DOLLAR_LABELS
        return alt.Legend(orient="top", title=title, gradientLength=240, labelExpr=labels)
    return alt.Legend(orient="top", title=title, gradientLength=240, format=FORMS[column])


def _of_states(*fields: str) -> alt.LookupData:
    return alt.LookupData(data=alt.NamedData("states"), key="id", fields=list(fields))


def _rates() -> alt.Scale:
    return alt.Scale(
        domain=[alt.ExprRef(name) for name in ("low", "mean", "high")],
        range=[charts.BLUE, NEUTRAL, charts.ORANGE],
        # Interpolating the hue from blue to orange would pass through pink.
        interpolate="rgb",
        clamp=True,
    )


def _tips() -> list[alt.Tooltip]:
    forms = {"loans": ",d", "matured": ",d", "defaults": ",d", "default_rate": ".2%"}
    figures = [
        alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=form)
        for name, form in forms.items()
    ]
    return [alt.Tooltip("name:N", title="state"), *figures, alt.Tooltip(f"{WORDS}:N")]


def _letters() -> alt.Chart:
    rows = [
        {"code": feature["id"], "x": place[0], "y": place[1]}
        for feature in outlines()
        if (place := feature["properties"].get("label"))
    ]
    return (
        alt.Chart(pl.DataFrame(rows))
        .transform_lookup(lookup="code", from_=_of_states("state", "is_dark"))
        .mark_text(fontSize=10, cursor="pointer")
        .encode(
            longitude="x:Q",
            latitude="y:Q",
            text="code:N",
            color=alt.condition("datum.is_dark", alt.value("#FFFFFF"), alt.value("#1B2430")),
        )
    )
