"""Each chart has tooltips in words and a description for those who do not see it."""

from pathlib import Path

import pytest

from financial_pipeline.dashboard import drawing
from financial_pipeline_tests.dashboard.app import PAGES, open_page


def _row(field: str, kind: str, **more: str) -> dict[str, str]:
    return {"field": field, "type": kind, **more}


def test_rows_of_a_tooltip_have_words_and_formats_unless_they_have_their_own() -> None:
    rows = [
        _row("funded_amount_usd", "quantitative"),
        _row("default_rate", "quantitative", format=".2%", title="Rate"),
        _row("issue_month", "temporal"),
        _row("session_date", "temporal"),
        _row("grade", "nominal"),
    ]
    one = _row("auc_low", "quantitative")
    spec = {"layer": [{"encoding": {"tooltip": rows}}, {"encoding": {"tooltip": one}}]}
    drawing.label_tooltips(spec)
    assert [(row["title"], row.get("format")) for row in [*rows, one]] == [
        ("Funded amount $", ",.4~f"),
        ("Rate", ".2%"),
        ("Issue month", "%Y-%m"),
        ("Session date", "%Y-%m-%d"),
        ("Grade", None),
        ("AUC low", ",.4~f"),
    ]


def test_a_description_names_the_main_mark_its_axes_and_its_colour() -> None:
    bars = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "issue_year", "title": None},
            "y": {"field": "rate", "title": "Default rate"},
            "color": {"field": "definition", "legend": {"title": None}},
        },
    }
    whiskers = {"mark": "rule", "encoding": {"y": {"field": "low"}}}
    assert drawing.description({"layer": [whiskers, bars]}) == (
        "Bars: Default rate by Issue year, coloured by Definition."
    )
    colour = {"field": "funded_usd", "legend": {"title": "Funded"}}
    shapes = {"mark": {"type": "geoshape"}, "encoding": {"color": colour}}
    assert drawing.description(shapes) == "Map: Funded."


@pytest.mark.parametrize("page", PAGES)
def test_every_chart_of_a_page_has_a_description(whole_world: Path, page: str) -> None:
    for chart in open_page(whole_world, page).get("vega_lite_chart"):
        kind, _, shown = chart.proto.alt.partition(": ")
        assert kind in {*drawing.PLURALS.values()}
        assert len(shown) > len("PD.")
