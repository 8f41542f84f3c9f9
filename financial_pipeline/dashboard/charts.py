"""One style of chart: colours that most eyes tell apart, on a light and on a dark page.

Colours of series come from the theme in `.streamlit/config.toml`; the fixed ones here are those
that have a meaning and are readable on both backgrounds.
"""

from datetime import date
from typing import Any, Final

import altair as alt
import polars as pl

# Streamlit's message and the browser stay small.
MAX_POINTS: Final = 5000
BLUE, ORANGE, GREEN, RED, GREY = "#2F86C8", "#E08A00", "#009E73", "#D55E00", "#8693A3"
DEFINITIONS: Final = {"D0": ORANGE, "D1": BLUE, "D2": GREEN}
HEIGHT: Final = 300
STRIPES: Final = 9
# Dollars on an axis or in a legend as `elements.dollars` writes them; D3 has k and G.
DOLLAR_LABELS: Final = "replace(replace(format(datum.value, '$~s'), 'k', 'K'), 'G', 'B')"
# Points of a line that are drawn as dots.
MOST_DOTS: Final = 60
# From this number of days an axis shows months, from the next one years.
DAYS_OF_MONTHS: Final = 100
DAYS_OF_YEARS: Final = 2600

Layers = alt.LayerChart | alt.FacetChart


def thin(frame: pl.DataFrame, series: int = 1) -> pl.DataFrame:
    """Return every n-th row and the last, so that all series together stay below MAX_POINTS.

    `frame` has one row per point of time, and each row makes `series` points.
    """
    step = max(-(-frame.height * max(series, 1) // MAX_POINTS), 1)
    return frame.gather_every(step, (frame.height - 1) % step)


def hatched(colour: str) -> dict[str, Any]:
    """Return a fill of slanting stripes in one colour: a gradient with hard stops."""
    stops = []
    for stripe in range(STRIPES):
        start, end = stripe / STRIPES, (stripe + 0.5) / STRIPES
        clear = {"color": "rgba(128,128,128,0.10)"}
        stops += [
            {"offset": start, "color": colour},
            {"offset": end, "color": colour},
            {"offset": end, **clear},
            {"offset": (stripe + 1) / STRIPES, **clear},
        ]
    return {"gradient": "linear", "x1": 0, "y1": 0, "x2": 1, "y2": 1, "stops": stops}


def lines(
    frame: pl.DataFrame,
    x: str,
    y: str,
    colour: str | None = None,
    *,
    title: str = "",
    form: str = ".0%",
    height: int = HEIGHT,
) -> alt.Chart:
    """Draw one line per value of `colour` over a date, with the value under the pointer."""
    shown = [alt.Tooltip(f"{x}:T"), *tips(".2%" if form == ".0%" else form, y)]
    encoded: dict[str, Any] = {
        "x": time(frame, x),
        "y": alt.Y(f"{y}:Q", title=title or None, axis=alt.Axis(format=form), scale=_loose()),
    }
    if colour:
        encoded["color"] = series_colour(colour)
        shown.insert(0, alt.Tooltip(f"{colour}:N"))
    return (
        alt.Chart(frame)
        .mark_line(strokeWidth=1.6, clip=True)
        .encode(tooltip=shown, **encoded)
        .properties(height=height)
    )


def band(frame: pl.DataFrame, x: str, y: str) -> Layers:
    """Draw a line of fractions over a date within their interval, `low` to `high`."""
    base = alt.Chart(frame).encode(x=time(frame, x))
    axis = alt.Y("low:Q", title=None, axis=alt.Axis(format="~%"), scale=_loose())
    names = [name for name in frame.columns if name not in (x, y, "low", "high")]
    month = alt.Tooltip(f"{x}:T", format="%Y-%m")
    shown = [month, *names, *tips(".2%", y, "low", "high")]
    interval = base.mark_area(color=BLUE, opacity=0.22).encode(y=axis, y2="high:Q")
    point = {"color": BLUE, "size": 20} if frame.height <= MOST_DOTS else False
    line = base.mark_line(color=BLUE, strokeWidth=1.6, point=point).encode(
        y=alt.Y(f"{y}:Q", title=None), tooltip=shown
    )
    return alt.layer(interval, line).properties(height=HEIGHT)


def whiskers(base: alt.Chart, low: str, high: str, **axis: Any) -> alt.Chart:
    """Draw an interval at each x of `base`; `axis` has the options of its axis."""
    marks = base.mark_rule(color=BLUE, strokeWidth=2)
    return marks.encode(y=alt.Y(f"{low}:Q", **axis), y2=f"{high}:Q")


def dots(base: alt.Chart, column: str, **axis: Any) -> alt.Chart:
    """Draw a dot at each x of `base`."""
    marks = base.mark_point(color=BLUE, filled=True, size=60)
    return marks.encode(y=alt.Y(f"{column}:Q", **axis))


def heat_map(base: alt.Chart, column: str, scale: alt.Scale, form: str, dark: float) -> Layers:
    """Draw cells coloured by a fraction, each with its value, white from `dark` upwards."""
    boxes = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color(f"{column}:Q", scale=scale, legend=None)
    )
    words = base.mark_text(fontSize=12).encode(
        text=alt.Text(f"{column}:Q", format=form),
        color=alt.condition(f"datum.{column} > {dark}", alt.value("white"), alt.value("#1B2430")),
    )
    return (boxes + words).properties(height=HEIGHT)


def label_axis(column: str, limit: int) -> alt.Y:
    """Return an axis of words in the order of the rows, up to `limit` pixels wide."""
    axis = alt.Axis(labelLimit=limit, labelOverlap=False)
    return alt.Y(f"{column}:N", sort=None, title=None, axis=axis)


def level_axis(column: str, title: str | None = None) -> alt.X:
    """Return an axis of upright names, of which a narrow page shows some."""
    axis = alt.Axis(labelAngle=0, labelOverlap=True)
    return alt.X(f"{column}:N", title=title, axis=axis)


def time(frame: pl.DataFrame, column: str) -> alt.X:
    """Return a time axis with labels that fit its span."""
    dates: list[date] = frame[column].drop_nulls().cast(pl.Date).sort().to_list()
    days = (dates[-1] - dates[0]).days if dates else 0
    form = "%H:%M" if days < 3 else "%d %b" if days < DAYS_OF_MONTHS else "%b %Y"
    axis = alt.Axis(
        format="%Y" if days > DAYS_OF_YEARS else form,
        labelOverlap=True,
        # A narrow page would cut a label that reaches beyond the axis.
        labelBound=True,
        tickCount=8,
    )
    return alt.X(f"{column}:T", title=None, axis=axis)


def tips(form: str, *names: str) -> list[alt.Tooltip]:
    """Return a row of the tooltip for each column of numbers, all in one format."""
    return [alt.Tooltip(f"{name}:Q", format=form) for name in names]


def series_colour(column: str) -> alt.Color:
    """Return the colour of a series from the theme, with its legend above the chart."""
    return alt.Color(f"{column}:N", legend=legend())


def legend() -> alt.Legend:
    """Return a legend above the plot, which also fits a narrow page."""
    return alt.Legend(orient="top", title=None, labelLimit=260, columns=5, symbolOpacity=1)


def rule(name: str, colour: str = RED, *, dash: tuple[int, int] = (4, 3)) -> alt.Chart:
    """Draw a vertical line at each value `at` of the named data."""
    return (
        alt.Chart(alt.NamedData(name))
        .mark_rule(color=colour, strokeWidth=2, strokeDash=list(dash))
        .encode(x="at:Q")
    )


def _loose() -> alt.Scale:
    return alt.Scale(zero=False, nice=True)
