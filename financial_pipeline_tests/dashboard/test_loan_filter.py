"""One filter bar for the tiles of the Portfolio page, in the address."""

from pathlib import Path

import polars as pl
import pytest
import streamlit as st

from financial_pipeline.dashboard import drawing
from financial_pipeline_tests.dashboard.app import metrics, open_page, words


def _table(app: object, column: str) -> pl.DataFrame:
    frames = [one.value for one in app.dataframe]  # type: ignore[attr-defined]
    return pl.from_pandas(next(frame for frame in frames if column in frame))


def test_the_whole_book_has_no_figures_of_a_choice(whole_world: Path) -> None:
    app = open_page(whole_world, "portfolio")
    assert "Chosen loans" not in metrics(app)
    assert (app.selectbox(key="from").value, app.selectbox(key="to").value) == ("2014", "2015")


def test_purpose_and_state_filter_every_tile_of_loans(whole_world: Path) -> None:
    # Loans 0, 3, ... 399 are for a car; 100 of them have matured, and every fifth is bad.
    app = open_page(whole_world, "portfolio", purpose="car")
    shown = metrics(app)
    assert (shown["Chosen loans"], shown["Chosen, funded"]) == ("134", "$134.00K")
    assert shown["Chosen, default rate (D1)"] == "20.0%"
    assert "n 100 matured loans  \n95% 13.3% to 28.9%" in words(app)
    rates = _table(app, "definition").filter(pl.col("definition") == "D1")
    assert rates.select("grade", "loans", "defaults").rows() == [("A", 50, 10), ("B", 50, 10)]
    assert _table(app, "funded_usd")["loans"].sum() == 134
    assert "**100 matured loans**, **20** bad (20.00%)" in words(app)
    assert "purpose, state, FICO and application do not apply here" in words(app)


def test_fico_band_filters_every_tile_of_loans(whole_world: Path) -> None:
    app = open_page(whole_world, "portfolio", fico="660-679")
    # The hundred active loans; every fifth is bad to date, and none has matured.
    assert metrics(app)["Chosen loans"] == "100"
    assert "Chosen, default rate (D1)" not in metrics(app)
    rates = _table(app, "definition")
    assert rates.select("grade", "definition", "loans", "defaults").rows() == [
        ("A", "D2", 50, 10),
        ("B", "D2", 50, 10),
    ]
    assert _table(app, "funded_usd")["loans"].to_list() == [50, 50]
    assert "FICO 660-679, issued 2014 to 2015" in words(app)
    assert app.selectbox(key="fico").options == ["any", "< 660", "660-679"]


def test_the_application_filters_and_is_named(whole_world: Path) -> None:
    app = open_page(whole_world, "portfolio", application="Joint", state="TX")
    # The active loans are joint, and half of them are in Texas.
    assert metrics(app)["Chosen loans"] == "50"
    assert "state TX, application Joint, issued 2014 to 2015" in words(app)
    assert app.selectbox(key="application").options == ["any", "Individual", "Joint"]


def test_a_figure_without_hits_names_only_its_sums(whole_world: Path) -> None:
    query = {"application": "Individual", "grade": "A", "purpose": "car", "state": "CA"}
    app = open_page(whole_world, "portfolio", **query)
    assert "**50 matured loans**, **10** bad" in words(app)
    app.selectbox(key="figure").set_value("Loans and funded").run()
    assert "**50 loans**, funded **$50.00K**, net loss **$4.00K**." in words(app)
    assert "counted" not in words(app)


def test_a_vintage_outside_the_chosen_years_is_not_said_to_be_too_small(whole_world: Path) -> None:
    app = open_page(whole_world, "portfolio", to="2014", grade="G")
    assert "No vintage of 2014 over 36 months has 50 loans of grade G or more." in words(app)


def test_grade_term_and_vintage_filter_the_published_counts(whole_world: Path) -> None:
    app = open_page(whole_world, "portfolio", grade="B", to="2014")
    rates = _table(app, "definition")
    assert rates.select("grade", "definition", "loans").rows() == [
        ("B", name, 100) for name in ("D0", "D1", "D2")
    ]
    assert "Source: `metrics/default_rates_by_grade`" in words(app)
    # Odd loans of the first twelve months of 24.
    assert metrics(app)["Chosen loans"] == "102"
    assert "grade B, issued 2014" in words(app)


def test_years_in_the_wrong_order_are_a_range_all_the_same(whole_world: Path) -> None:
    query = {"from": "2015", "to": "2014", "grade": "A"}
    app = open_page(whole_world, "portfolio", **query)
    assert "grade A, issued 2014 to 2015" in words(app)


def test_reset_shows_the_whole_book_again(whole_world: Path) -> None:
    app = open_page(whole_world, "portfolio", grade="B", state="TX", to="2014")
    app.button(key="reset").click().run()
    assert "Chosen loans" not in metrics(app)
    assert app.selectbox(key="to").value == "2015"
    assert app.selectbox(key="grade").value == app.selectbox(key="state").value == "any"


@pytest.mark.parametrize("hostile", ["' or true --", "Z"])
def test_a_choice_that_does_not_exist_is_none(whole_world: Path, hostile: str) -> None:
    app = open_page(whole_world, "portfolio", grade=hostile, purpose=hostile, state=hostile)
    assert not app.exception
    assert "Chosen loans" not in metrics(app)


def test_the_filter_of_the_credit_page_is_for_its_tiles_of_loans(whole_world: Path) -> None:
    # Ten of the 100 loans for a car that have matured are bad and of grade B.
    app = open_page(whole_world, "credit")
    app.selectbox(key="purpose").set_value("car")
    app.selectbox(key="grade").set_value("B").run()
    assert not app.exception
    losses = _table(app, "loss_given_default_share")
    assert losses["loans"].sum() == 10
    said = words(app)
    assert "No vintage of 2014 to 2015 over 36 months has 50 loans of grade B or more." in said
    assert "No chosen loan was issued in the 12 months before the newest snapshot." in said
    assert "roll rates and approvals are of the whole book" in said
    app.selectbox(key="to").set_value("2014").run()
    assert losses["loans"].sum() > _table(app, "loss_given_default_share")["loans"].sum() > 0


def test_a_page_that_is_opened_again_has_the_whole_book(whole_world: Path) -> None:
    app = open_page(whole_world, "portfolio")
    app.switch_page("app_pages/credit.py").run()
    assert "After 24 months on book: 2015 Q1" in words(app)
    app.switch_page("app_pages/portfolio.py").run()
    assert app.selectbox(key="grade").value == "any"
    assert "Chosen loans" not in metrics(app)


def test_a_click_hands_over_the_fields_of_the_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    picked: list[dict[str, str]] = []
    states = ({drawing.PICK: [{"grade": "B"}]}, {drawing.PICK: []}, {})
    for state in states:
        monkeypatch.setattr(st, "session_state", {"bars": {"selection": state}})
        drawing._handle_pick("bars", picked.append)
    assert picked == [{"grade": "B"}]
