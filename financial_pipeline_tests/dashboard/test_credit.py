"""The Credit page: each figure with its count and interval, each gap with the missing input."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.dashboard import credit_figures as figures
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline_tests.dashboard import whole, world
from financial_pipeline_tests.dashboard.app import metrics, open_page, words


def _table(app: object, column: str) -> pl.DataFrame:
    frames = [one.value for one in app.dataframe]  # type: ignore[attr-defined]
    return pl.from_pandas(next(frame for frame in frames if column in frame))


def test_cards_name_the_month_the_count_and_the_interval(whole_world: Path) -> None:
    app = open_page(whole_world, "credit")
    assert metrics(app)["Approval rate"] == "33.3%"
    said = words(app)
    assert "n 750 applications  \n95% 28.0% to 39.0%  \nas of 2014-01" in said


def test_two_vintages_are_compared_at_the_last_month_of_both(whole_world: Path) -> None:
    said = words(open_page(whole_world, "credit", vintage="2015 Q1", against="2014 Q1"))
    # 48 and 24 of 200 after 24 months; the bounds of the fixture are 4/5 and 4/3 of the rates.
    assert "After 24 months on book: 2015 Q1 24.00% (n 200) against 2014 Q1 12.00% (n 200)" in said
    assert "**+12.00 pp** (95% +5.75 to +20.35) is beyond the interval: 2015 Q1 is worse" in said


@pytest.mark.parametrize(("rate", "inside"), [(0.11, True), (0.5, False)])
def test_newcombe_interval_holds_zero_unless_the_rates_differ(rate: float, inside: bool) -> None:
    one = {"default_rate": 0.10, "default_rate_low": 0.08, "default_rate_high": 0.125}
    bounds = {"default_rate_low": rate - 0.02, "default_rate_high": rate + 0.02}
    gap, low, high = figures.difference({"default_rate": rate} | bounds, one)
    assert gap == pytest.approx(rate - 0.10)
    assert (low <= 0 <= high) is inside


def test_roll_rates_are_those_of_the_chosen_month_in_words(whole_world: Path) -> None:
    app = open_page(whole_world, "credit", month="2014-01 (test)", roll="current → grace period")
    rows = _table(app, "from_state")
    assert rows.select("from_state", "to_state", "loans").rows() == [
        ("current", "current", 90),
        ("current", "grace period", 10),
        ("31 to 120 days late", "bad", 100),
    ]
    assert app.selectbox(key="roll").options == [
        "current → grace period",
        "31 to 120 days late → bad",
    ]


def test_funnel_shares_are_of_the_stage_before(whole_world: Path) -> None:
    rows = _table(open_page(whole_world, "credit"), "stage")
    assert rows.select("stage", "loans", "of").rows() == [
        ("applications", 750, 750),
        ("issued", 250, 750),
        ("matured", 200, 250),
        ("paid", 180, 200),
    ]
    issued = rows.row(1, named=True)
    assert (issued["low"], issued["high"]) == pytest.approx((0.3005, 0.3678), abs=1e-4)


def test_loss_given_default_agrees_with_the_measure_and_has_an_interval() -> None:
    # Losses of 300 and 500 on exposures of 1,000 each: 40 %, deviation 10 points of each loan.
    sums = {"loans": 2, "ead_usd": 2000.0, "recovered_usd": 1200.0, "net_loss_usd": 800.0}
    squares = {"ead_squared": 2e6, "ead_by_loss": 8e5, "loss_squared": 9e4 + 25e4}
    row = figures.losses(pl.DataFrame([{"vintage": "2014"} | sums | squares])).row(0, named=True)
    assert row["loss_given_default_share"] == pytest.approx(0.4)
    assert row["recovery_rate"] == pytest.approx(0.6)
    assert row["low"] == pytest.approx(0.4 - 1.959964 * 0.1, abs=1e-6)


def test_young_loans_in_arrears_are_counted_with_their_interval(data_root: Path) -> None:
    states = ["CURRENT"] * 16 + ["D16_30", "D31_120", "BAD", "GRACE"]
    young = (
        world.loans()
        .head(20)
        .with_columns(loan_state=pl.Series(states), issue_month=pl.lit(date(2018, 9, 1)))
    )
    world.put(Paths(data_root), "exports/fct_loans", pl.concat([young, world.loans().tail(380)]))
    publication.publish(Paths(data_root), ["test"], world.SIMULATED)
    row = _table(open_page(data_root, "credit"), "in_arrears").row(0, named=True)
    assert (row["issued"], row["loans"], row["in_arrears"]) == ("2018-09", 20, 3)
    assert (row["low"], row["high"]) == pytest.approx((0.0524, 0.3604), abs=1e-4)


def test_a_figure_without_its_input_names_the_input(data_root: Path) -> None:
    paths = Paths(data_root)
    summary = world.summary().filter(pl.col("measure") != "approval_rate")
    old = world.loans().with_columns(loan_state=pl.lit("PAID"))
    whole.credit(paths)
    whole.flows(paths)
    rolls = Publication(paths, "test").newest("metrics/rating_transitions")
    none = pl.read_parquet(parquet_files(paths, rolls)).clear()
    world.put(paths, "metrics/rating_transitions", none)
    world.put(paths, "metrics/portfolio_summary", summary)
    world.put(paths, "exports/fct_loans", old)
    publication.publish(paths, ["test"], world.SIMULATED)
    said = words(open_page(data_root, "credit"))
    assert "No loan was issued in the 12 months before the newest snapshot." in said
    assert "A roll rate needs two snapshots a month apart: drop the file of another month" in said
    assert "The approval rate needs the rejected applications: drop rejected_2007" in said
    assert "No bad loan has an exposure at default." in said
