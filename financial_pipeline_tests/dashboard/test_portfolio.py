"""The Portfolio page shows the marts' figures and goes down to the rows behind them."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from streamlit.proto.Metric_pb2 import Metric as MetricProto

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import metrics, open_page, words


def test_cards_show_value_change_count_interval_and_month(small_world: Path) -> None:
    app = open_page(small_world, "portfolio")
    card = next(card for card in app.metric if card.label == "Default rate (matured)")
    assert (card.value, card.delta) == ("20.0%", "+1.00 pp")
    assert "n 300 matured loans  \n95% 16.0% to 25.0%  \nas of 2019-03" in words(app)
    assert metrics(app)["Loans"] == "400"


def test_page_names_its_sources_and_says_that_data_is_simulated(small_world: Path) -> None:
    said = words(open_page(small_world, "portfolio"))
    assert "Simulated data" in said
    assert "`metrics/portfolio_summary` as of 2019-03-01" in said


def test_drill_down_counts_the_loans_of_the_chosen_cell(small_world: Path) -> None:
    app = open_page(small_world, "portfolio", grade="A", state="CA")
    assert "**150 matured loans**, **30** bad (20.00%)" in words(app)
    app.toggle(key="hits").set_value(True).run()
    rows = next(table.value for table in app.dataframe if "loan_id" in table.value.columns)
    assert len(rows) == 30
    assert set(rows["default_d1"]) == {1}


def test_empty_selection_is_said_in_words(small_world: Path) -> None:
    app = open_page(small_world, "portfolio", figure="30+ days late", state="TX", hits="true")
    assert not app.exception
    assert "No loan is in this selection" in words(app)


def test_old_data_shows_its_age(data_root: Path) -> None:
    from financial_pipeline.paths import Paths
    from financial_pipeline.publishing import publication
    from financial_pipeline_tests.dashboard import world

    world.put(Paths(data_root), "exports/fct_loans", world.loans())
    publication.publish(Paths(data_root), ["test"], {**world.SIMULATED, "clock": "2019-09-27"})
    said = words(open_page(data_root, "portfolio"))
    assert "the newest loans are of 2019-03-01, 210 days ago. Today is 2019-09-27." in said
    assert "Old data" not in words(open_page(data_root, "market"))


def test_a_closed_banner_leaves_its_first_words_on_every_page(small_world: Path) -> None:
    app = open_page(small_world, "portfolio")
    app.button(key="close_science").click().run()
    assert not app.warning
    assert "Simulated data" in app.caption[0].value
    app.switch_page("app_pages/decide.py").run()
    assert not app.warning
    assert "Simulated data" in app.caption[0].value


def _months(values: list[float], width: float, grades: dict[str, list[float]]) -> pl.DataFrame:
    """Make a rate of 400 loans in each month of 2018, and of 200 loans in each of two grades."""
    months = [date(2018, month, 1) for month in range(1, len(values) + 1)]
    series = [("all", "all", 400, values)] + [("grade", g, 200, v) for g, v in grades.items()]
    rows = [
        {"snapshot_month": month, "measure": "default_rate_matured", "segment_kind": kind}
        | {"segment": segment, "value": value, "loans": loans}
        | {"value_low": value - width, "value_high": value + width}
        for kind, segment, loans, rates in series
        for month, value in zip(months, rates, strict=True)
    ]
    return pl.DataFrame(rows)


@pytest.mark.parametrize(
    ("width", "sentence", "colour"),
    [
        (
            0.01,
            "**+4.00 pp since 2018-01**, beyond the interval; grade B contributes most (+3.00 pp).",
            1,
        ),
        (0.05, "the change of +4.00 pp since 2018-01 is within the interval.", 0),
    ],
)
def test_headline_answers_the_question_and_colours_need_a_change_beyond_the_interval(
    data_root: Path, width: float, sentence: str, colour: int
) -> None:
    # It rose over the year and fell in the last month: the trend gives the direction.
    grades = {"A": [0.10, 0.13, 0.12], "B": [0.20, 0.27, 0.26]}
    frame = _months([0.15, 0.20, 0.19], width, grades)
    world.put(Paths(data_root), "metrics/portfolio_summary", frame)
    publication.publish(Paths(data_root), ["test"], world.SIMULATED)
    app = open_page(data_root, "portfolio")
    assert sentence in words(app)
    assert "**19.0% of matured loans defaulted** (95%" in words(app)
    card = next(card for card in app.metric if card.label == "Default rate (matured)")
    red, grey = MetricProto.MetricColor.RED, MetricProto.MetricColor.GRAY
    assert (card.delta, card.proto.color) == ("+4.00 pp", red if colour else grey)
    assert len(card.proto.chart_data) == 3


def test_two_points_are_no_sparkline(small_world: Path) -> None:
    app = open_page(small_world, "portfolio")
    assert all(len(card.proto.chart_data) == 0 for card in app.metric)


def test_the_note_of_the_map_is_about_what_its_colours_show(small_world: Path) -> None:
    rates = words(open_page(small_world, "portfolio"))
    assert "blue is below the mean of these states" in rates
    funded = words(open_page(small_world, "portfolio", map_by="Funded"))
    assert "The darker, the more; a grey state has no loans." in funded
    assert "blue is below" not in funded
