"""A chart is built once per content; what moves with a widget stays outside of its form."""

import altair as alt
import polars as pl
import pytest
import streamlit as st
from altair.utils.schemapi import SchemaValidationError

from financial_pipeline.dashboard import drawing, state_map

BUILT: list[str] = []


def _bars(frame: pl.DataFrame, colour: str) -> alt.Chart:
    BUILT.append(colour)
    return alt.Chart(frame).mark_bar(color=colour).encode(x="x:Q")


def _rule() -> alt.Chart:
    BUILT.append("rule")
    return alt.Chart(alt.NamedData("chosen")).mark_rule().encode(x="at:Q")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The charts that reached the page."""
    specs: list[dict[str, object]] = []
    monkeypatch.setattr(st, "vega_lite_chart", lambda spec, **_: specs.append(spec))
    st.cache_data.clear()
    BUILT.clear()
    return specs


def test_equal_content_is_built_once_and_other_content_again(
    shown: list[dict[str, object]],
) -> None:
    for numbers, colour in (([1, 2], "red"), ([1, 2], "red"), ([1, 3], "red"), ([1, 3], "blue")):
        drawing.chart(_bars, pl.DataFrame({"x": numbers}), colour)
    assert BUILT == ["red", "red", "blue"]
    data = [next(iter(spec["datasets"].values()))["x"].to_list() for spec in shown]  # type: ignore[attr-defined]
    assert data == [[1, 2], [1, 2], [1, 3], [1, 3]]


def test_a_chart_has_the_same_form_without_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.DataFrame({"x": [1]})
    forms = []
    for is_checked in (True, False):
        st.cache_data.clear()
        monkeypatch.setattr(drawing, "IS_CHECKED", is_checked)
        forms.append(drawing._spec("map", ("default_rate", "Rate", True), state_map.chart))
    assert str(forms[0]) == str(forms[1])
    monkeypatch.setattr(drawing, "IS_CHECKED", True)
    with pytest.raises(SchemaValidationError, match="3"):
        drawing._spec("bars", (frame, 3), _bars)


def test_live_data_moves_without_building_the_chart_again(shown: list[dict[str, object]]) -> None:
    for at in (0.1, 0.2):
        drawing.chart(_rule, chosen=pl.DataFrame({"at": [at]}), low=at)
    assert BUILT == ["rule"]
    assert [spec["params"] for spec in shown] == [
        [{"name": "low", "value": at}] for at in (0.1, 0.2)
    ]
    assert [spec["datasets"]["chosen"]["at"][0] for spec in shown] == [0.1, 0.2]  # type: ignore[index]
