"""The Decide page shows the threshold table's row, and its URL holds the view."""

from pathlib import Path

from financial_pipeline.dashboard.elements import dollars, percent
from financial_pipeline.ml import decide
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import metrics, open_page, words


def test_slider_shows_the_row_of_its_threshold(small_world: Path) -> None:
    table, _ = world.thresholds()
    app = open_page(small_world, "decide")
    before = metrics(app)
    app.slider(key="threshold").set_value(0.1).run()
    row = decide.threshold_row(table, 0.1)
    assert metrics(app)["Approval rate"] == percent(row["approval_rate"])
    assert metrics(app)["Profit realised"] == dollars(row["profit_realised_usd"])
    assert metrics(app)["Approval rate"] != before["Approval rate"]


def test_page_opens_at_the_best_threshold(small_world: Path) -> None:
    _, summary = world.thresholds()
    best = summary["best_threshold"][0]
    assert abs(open_page(small_world, "decide").slider(key="threshold").value - best) <= 0.0025


def test_cost_matrix_prices_the_errors(small_world: Path) -> None:
    row = decide.threshold_row(world.thresholds()[0], 0.2)
    app = open_page(small_world, "decide", threshold="0.2", cost_bad="1000", cost_good="100")
    cost = decide.decision_cost(row, 1000, 100)
    assert metrics(app)["Cost of errors"] == dollars(cost)


def test_capacity_names_the_highest_threshold_that_fits(small_world: Path) -> None:
    fitting = decide.threshold_for_capacity(world.thresholds()[0], 200)
    app = open_page(small_world, "decide", threshold="0.6", capacity="200")
    assert f"the highest threshold that fits is {fitting:.3f}" in words(app)
    assert "is too many" in words(app)


def test_url_restores_the_view(small_world: Path) -> None:
    app = open_page(small_world, "decide")
    app.slider(key="threshold").set_value(0.3).run()
    app.number_input(key="cost_bad").set_value(900).run()
    again = open_page(small_world, "decide", threshold="0.3", cost_bad="900")
    assert metrics(again) == metrics(app)


def test_url_beyond_the_slider_falls_back_without_failing(small_world: Path) -> None:
    app = open_page(small_world, "decide", threshold="7", model="drop table", segment="'; --")
    assert not app.exception
    assert 0 <= app.slider(key="threshold").value <= 1
