"""The Portfolio page shows the marts' figures and goes down to the rows behind them."""

from pathlib import Path

from financial_pipeline_tests.dashboard.app import metrics, open_page, words


def test_cards_show_value_change_count_interval_and_month(small_world: Path) -> None:
    app = open_page(small_world, "portfolio")
    card = next(card for card in app.metric if card.label == "Default rate (matured)")
    assert (card.value, card.delta) == ("20.0%", "+1.00 pp")
    assert "n 300 matured loans  \n95 % 16.0% to 25.0%  \nas of 2019-03" in words(app)
    assert metrics(app)["Loans"] == "400"


def test_page_names_its_sources_and_says_that_data_is_simulated(small_world: Path) -> None:
    said = words(open_page(small_world, "portfolio"))
    assert "Simulated data" in said
    assert "`metrics/portfolio_summary` as of 2019-03-01" in said


def test_drill_down_counts_the_loans_of_the_chosen_cell(small_world: Path) -> None:
    app = open_page(small_world, "portfolio", grade="A", state="CA")
    assert "**150** matured loans, **30** bad (20.00%)" in words(app)
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
    assert "Old data: fct_loans by 210 days" in words(open_page(data_root, "portfolio"))
