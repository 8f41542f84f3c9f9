"""With every table there, each page runs without an exception and shows what the tables hold."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from financial_pipeline.dashboard import charts
from financial_pipeline.ml.what_if import score_applicant
from financial_pipeline_tests.dashboard.app import PAGES, metrics, open_page, words
from financial_pipeline_tests.dashboard.world_model import fitted


@pytest.mark.parametrize("page", PAGES)
def test_page_runs_and_misses_nothing(whole_world: Path, page: str) -> None:
    app = open_page(whole_world, page)
    assert not app.exception
    assert "Nothing to show here yet" not in words(app)
    assert app.metric


def _rows(chart: Any) -> int:
    tables = [one.data.data for one in chart.proto.datasets]
    return sum(pa.ipc.open_stream(table).read_all().num_rows for table in tables if table)


# Charts of each page, Health's one of its history included.
CHARTS = {"portfolio": 4, "credit": 7, "market": 7, "macro": 2, "model": 10} | {
    "decide": 2,
    "live": 2,
    "health": 1,
}


@pytest.mark.parametrize("page", PAGES)
def test_every_chart_has_data_and_stays_small(whole_world: Path, page: str) -> None:
    app = open_page(whole_world, page)
    shown = app.get("vega_lite_chart")
    assert len(shown) == CHARTS[page]
    assert all(0 < _rows(chart) <= charts.MAX_POINTS for chart in shown)


def test_market_counts_the_breaches_of_value_at_risk(whole_world: Path) -> None:
    app = open_page(whole_world, "market")
    app.selectbox(key="var_bank").set_value("JPM").run()
    assert "**1 breach** in **59 sessions** (1.7%; 5% are expected)" in words(app)
    assert metrics(app)["Volatility, 63"] == "25.0%"


def test_market_without_a_bank_says_so(whole_world: Path) -> None:
    app = open_page(whole_world, "market")
    app.get_by_key("banks").set_value([]).run()
    assert not app.exception
    assert "No bank is selected" in words(app)


def test_restated_values_are_counted_by_reason_or_said_not_to_be(whole_world: Path) -> None:
    app = open_page(whole_world, "market")
    assert "Later files changed **3 stored values** of prices" in words(app)
    row = next(one.value for one in app.dataframe if "restated_values" in one.value).iloc[0]
    assert (row["reason"], row["sessions"]) == ("split and dividend", 3)
    assert row["largest_change_share"] == pytest.approx(0.01)
    values = next(one.value for one in app.dataframe if "new_value" in one.value)
    assert values[["old_value", "new_value"]].to_numpy().tolist() == [[100.0, 99.0]] * 3
    none = "No later file has changed a stored value of loans."
    assert none in [box.value for box in open_page(whole_world, "health").success]


def test_model_shows_its_groups_and_the_points_of_its_scorecard(whole_world: Path) -> None:
    app = open_page(whole_world, "model")
    tables = [one.value for one in app.dataframe]
    groups = next(table for table in tables if "segment" in table)
    assert list(groups["level"]) == ["A", "B"]
    assert list(groups["auc_low"]) == [0.65, 0.3]
    points = next(table for table in tables if "woe" in table)
    assert list(points["points"]) == [20.0, 35.0]
    assert list(points["feature"]) == ["Income", "Income"]


def test_macro_shows_a_series_as_it_was_known(whole_world: Path) -> None:
    app = open_page(whole_world, "macro")
    assert metrics(app)["Unemployment"] == "6.00%"
    assert "**36 observations** were known; **0** of them have been revised since" in words(app)
    app.date_input(key="known_unrate").set_value("2016-01-15").run()
    assert "**12 observations** were known; **1** of them has been revised since." in words(app)


def test_the_address_has_the_days_of_a_series(whole_world: Path) -> None:
    query = {"known_unrate": "2016-01-15", "from_unrate": "2016-01-01"}
    app = open_page(whole_world, "macro", **query)
    assert app.date_input(key="known_unrate").value == date(2016, 1, 15)
    assert "On **2016-01-15**, none of these observations was known yet." in words(app)
    outside = open_page(whole_world, "macro", known_unrate="1066-10-14", from_unrate="soon")
    assert not outside.exception
    assert "**36 observations** were known" in words(outside)


def test_the_address_has_the_applicant(whole_world: Path) -> None:
    app = open_page(whole_world, "model", income="20000", housing="Rent", months="60", use="-3")
    assert not app.exception
    values = [app.get_by_key(key).value for key in ("income", "housing", "months", "use")]
    assert values == [20_000, "RENT", 60, 50.0]
    assert metrics(app)["PD"] != metrics(open_page(whole_world, "model"))["PD"]


def test_macro_explains_the_sign(whole_world: Path) -> None:
    said = words(open_page(whole_world, "macro"))
    assert "A negative lag is a lead" in said
    assert "Wrong sign by construction." in said
    assert "Levels, descriptive only" in said


def test_model_shows_evaluation_and_one_loan(whole_world: Path) -> None:
    app = open_page(whole_world, "model")
    assert metrics(app)["AUC (out of time)"] == "0.700"
    assert metrics(app)["Mean PD less default rate"] == "-1.00 pp"
    app.text_input(key="loan_id").set_value("L0").run()
    assert metrics(app)["PD, borrower only"] == "5.0%"
    app.text_input(key="loan_id").set_value("L0' or 1=1").run()
    assert "No scored loan has this id" in words(app)


def test_what_if_scores_the_applicant_with_the_served_artifact(whole_world: Path) -> None:
    app = open_page(whole_world, "model")
    before = metrics(app)["PD"]
    income = next(one for one in app.number_input if one.label == "Income a year, $")
    income.set_value(20_000).run()
    applicant = {"loan_amnt": 12_000, "term": "36", "income_effective": 20_000} | {
        "dti_effective": 18.0,
        "fico_midpoint": 697,
        "revol_util": 50.0,
        "emp_length": 5,
        "inq_last_6mths": 0,
        "delinq_2yrs": 0,
        "open_acc": 11,
        "pub_rec": 0,
        "home_ownership": "MORTGAGE",
        "purpose": "debt_consolidation",
        "verification_status": "Verified",
    }
    expected = score_applicant(fitted(), applicant, 0.1, 0.2).pd_borrower_only
    assert metrics(app)["PD"] == f"{expected:.1%}" != before
