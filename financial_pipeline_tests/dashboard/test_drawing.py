"""A chart is built once per content; what moves with a widget stays outside of its form."""

import altair as alt
import polars as pl
import pytest
import streamlit as st

from financial_pipeline.dashboard import drawing

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
    monkeypatch.setattr(st, "vega_lite_chart", specs.append)
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


def test_live_data_moves_without_building_the_chart_again(shown: list[dict[str, object]]) -> None:
    for at in (0.1, 0.2):
        drawing.chart(_rule, chosen=pl.DataFrame({"at": [at]}))
    assert BUILT == ["rule"]
    assert [spec["datasets"]["chosen"]["at"][0] for spec in shown] == [0.1, 0.2]  # type: ignore[index]
