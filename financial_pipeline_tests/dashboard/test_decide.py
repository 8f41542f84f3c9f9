"""The Decide page shows the threshold table's row, and its URL holds the view."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.dashboard import baselines
from financial_pipeline.dashboard.elements import dollars, percent
from financial_pipeline.dashboard.thresholds import View
from financial_pipeline.ml import decide
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
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


def _with_grades(data_root: Path) -> None:
    """Grade A earns 900 dollars, B 300 and C loses 250 if all their loans are approved."""
    paths = Paths(data_root)
    table, best = world.thresholds()
    last = table.tail(1)
    grades = [
        last.with_columns(
            segment=pl.lit("grade"), level=pl.lit(grade), profit_realised_usd=pl.lit(profit)
        )
        for grade, profit in (("A", 900.0), ("B", 300.0), ("C", -250.0))
    ]
    world.put(paths, "ml/threshold_table", pl.concat([table, *grades]), "2015-04-01")
    world.put(paths, "ml/threshold_summary", best, "2015-04-01")
    publication.publish(paths, ["test"], world.SIMULATED)


def test_profit_is_compared_with_approving_all_and_with_the_best_cut_by_grade(
    data_root: Path,
) -> None:
    _with_grades(data_root)
    table = world.thresholds()[0]
    row, everyone = decide.threshold_row(table, 0.2), table.row(-1, named=True)
    app = open_page(data_root, "decide", threshold="0.2")
    gained = row["profit_realised_usd"] - everyone["profit_realised_usd"]
    assert gained > 0
    assert metrics(app)["Against approving all"] == f"+{dollars(gained)}"
    by_grade = metrics(app)["Against approving grades A to B only"]
    assert by_grade == f"+{dollars(row['profit_realised_usd'] - 1200)}"
    # A share of a loss is no gain, so the loss is named.
    assert everyone["profit_realised_usd"] < 0
    assert f"that policy earns {dollars(everyone['profit_realised_usd'])}" in words(app)
    assert f"{row['profit_realised_usd'] / 1200 - 1:+.1%} of $1.20K" in words(app)


def test_a_cut_by_grade_that_is_worse_than_approving_all_is_no_baseline(data_root: Path) -> None:
    paths = Paths(data_root)
    table, best = world.thresholds()
    everyone = table["profit_realised_usd"][-1]
    # The loans of small grades are in no segment, so grade A alone is all that is known.
    only = table.tail(1).with_columns(
        segment=pl.lit("grade"), level=pl.lit("A"), profit_realised_usd=pl.lit(everyone - 1.0)
    )
    world.put(paths, "ml/threshold_table", pl.concat([table, only]), "2015-04-01")
    world.put(paths, "ml/threshold_summary", best, "2015-04-01")
    publication.publish(paths, ["test"], world.SIMULATED)
    shown = metrics(open_page(data_root, "decide", threshold="0.2"))
    assert "Against approving all" in shown
    assert not [name for name in shown if "grade" in name]


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        (1010.0, "Expected and realised profit agree within 5%."),
        (1490.0, "The model expects $490 (49%) more than was realised: its PDs imply that 7.3%"),
        (700.0, "The model expects $300 (30%) less than was realised: its PDs imply that 18.6%"),
    ],
)
def test_expected_profit_is_explained_against_the_realised_one(
    expected: float, sentence: str
) -> None:
    view = View({"gain": 0.2, "loss": 0.5}, pl.DataFrame())
    row = {"profit_expected_usd": expected, "profit_realised_usd": 1000.0} | {
        "funded_approved_usd": 10_000.0,
        "bad_rate_approved": 0.125,
    }
    assert baselines.expected_against_realised(view, row).startswith(sentence)
    nothing = {**row, "funded_approved_usd": 0.0}
    assert baselines.expected_against_realised(view, nothing).startswith("Nothing is approved")
