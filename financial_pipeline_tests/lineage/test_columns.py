"""Column by column, the graph leads from a figure back to the field of a file."""

from functools import cache

import dagster as dg
import pytest

from financial_pipeline.dashboard.portfolio_figures import MEASURES
from financial_pipeline.lineage.catalogue import catalogue
from financial_pipeline_tests.lineage.test_graph import reached, upstreams
from financial_pipeline_tests.test_definitions import specs

Deps = dict[str, list[dg.TableColumnDep]]
# Files, seeds and constants, and what a run adds: no column stands behind these.
OUTSIDE = {"landing", "topics"}
PROVENANCE = {"source", "is_synthetic", "file_sha256", "line_number", "snapshot_month"}
COUNTED_OUT = {
    "warehouse/dim_date": {
        "date_key",
        "member",
        "calendar_date",
        "month_start_date",
        "quarter_start_date",
        "calendar_year",
        "calendar_quarter",
        "calendar_month",
        "iso_weekday",
        "is_month_start",
        "us_fiscal_year",
    },
    "warehouse/dim_geography": {"zip3"},
    "warehouse/dim_grade": {"grade_key", "sub_grade", "grade", "risk_order"},
    "staging/market_bars": {"bar_seconds"},
    **{
        f"stream/{name}": {"window_start_at"}
        for name in ("market_bars_1m", "market_indicators_1m", "market_alerts")
    },
    "stream/dead_letters": {"trading_date"},
    "metrics/rating_transitions": {"basis"},
    "metrics/portfolio_summary": {"measure", "basis"},
    "metrics/macro_correlations": {
        "as_of_month",
        "credit_series",
        "lag_months",
        "method",
        "revised",
    },
    "exports/price_restatements": {"old_file_sha256", "new_file_sha256", "restated_at"},
    "exports/loan_restatements": {
        "old_file_sha256",
        "old_line_number",
        "new_file_sha256",
        "new_line_number",
        "restated_at",
    },
}
ABOUT_FILES = {
    "exports/row_accounting",
    "exports/published_manifest",
    "staging/market_parity",
    "stream/status",
}
ABOUT_MODELS = {"training_cutoff", "model", "evaluation", "seed", "feature_list_sha256", "git_sha"}


@cache
def column_lineage() -> dict[str, Deps]:
    """Dagster's own metadata: asset -> column -> the columns it is made of."""
    found = {}
    for spec in specs():
        value = spec.metadata.get("dagster/column_lineage")
        lineage = value.value if isinstance(value, dg.MetadataValue) else value
        deps = lineage.deps_by_column if isinstance(lineage, dg.TableColumnLineage) else {}
        found[spec.key.to_user_string()] = {name: list(ends) for name, ends in deps.items()}
    return found


def raw_fields(asset: str, column: str) -> set[str]:
    """Walk Dagster's column lineage up to the raw assets."""
    if asset.startswith("raw/"):
        return {f"{asset}.{column}"}
    ends = column_lineage()[asset].get(column, [])
    return set().union(*(raw_fields(e.asset_key.to_user_string(), e.column_name) for e in ends))


@pytest.mark.parametrize("page_figure", ["default_rate_matured", "default_rate_by_grade"])
def test_default_rate_of_the_portfolio_comes_from_the_raw_loan_status(page_figure: str) -> None:
    fields = raw_fields("dashboard/portfolio", page_figure)
    assert "raw/lending_club_loans.loan_status" in fields
    assert "raw/lending_club_loans.issue_d" in fields


def test_default_flag_comes_from_status_dates_and_policy_and_nothing_else() -> None:
    fields = raw_fields("warehouse/fct_loans", "default_d1")
    assert fields == {
        f"raw/lending_club_loans.{name}" for name in ("loan_status", "issue_d", "term")
    }


def test_volatility_comes_from_the_raw_adjusted_close() -> None:
    fields = raw_fields("dashboard/market", "volatility_63d")
    # Actions close a seam between two files.
    names = ("Adj Close", "Close", "Date", "Dividends", "Stock Splits")
    assert fields == {f"raw/bank_prices.{name}" for name in names}


def test_macro_value_comes_from_the_raw_value_of_fred() -> None:
    assert raw_fields("exports/fct_macro_observations", "value") == {"raw/fred_observations.value"}
    assert "raw/fred_observations.value" in raw_fields("dashboard/macro", "correlation")


def test_probability_of_default_comes_from_the_application() -> None:
    fields = raw_fields("dashboard/model", "probability_of_default")
    assert {f"raw/lending_club_loans.{name}" for name in ("annual_inc", "fico_range_low")} <= fields


@pytest.mark.parametrize("column", ["loan_status", "credit_policy_met"])
def test_a_removed_link_breaks_the_way(monkeypatch: pytest.MonkeyPatch, column: str) -> None:
    # The status decides twice: by what became of the loan, and by the policy it was made under.
    links = column_lineage()["warehouse/stg_lending_club__loans"]
    monkeypatch.delitem(links, column)
    assert "raw/lending_club_loans.loan_status" in raw_fields("warehouse/fct_loans", "default_d1")
    other = ({"loan_status", "credit_policy_met"} - {column}).pop()
    monkeypatch.delitem(links, other)
    fields = raw_fields("dashboard/portfolio", "default_rate_by_grade")
    assert "raw/lending_club_loans.loan_status" not in fields


def test_every_asset_has_columns_and_every_column_a_meaning() -> None:
    assert {spec.key.to_user_string() for spec in specs()} - catalogue().keys() == set()
    for spec in specs():
        value = spec.metadata["dagster/column_schema"]
        schema = value.value if isinstance(value, dg.MetadataValue) else value
        assert schema.columns
        assert [column.name for column in schema.columns if not column.description] == []


def test_every_end_is_a_column_of_a_table_above() -> None:
    edges = upstreams()
    for asset, deps in column_lineage().items():
        above = reached([dg.AssetKey(asset.split("/"))], edges)
        for ends in deps.values():
            for end in ends:
                assert end.asset_key in above, f"{asset} does not stand below {end.asset_key}"
                assert end.column_name in catalogue()[end.asset_key.to_user_string()]


def test_columns_without_an_origin_are_declared() -> None:
    seeds = {k.to_user_string() for k, deps in upstreams().items() if not deps} - {
        "warehouse/dim_grade"
    }
    for asset, deps in column_lineage().items():
        layer = asset.split("/")[0]
        if layer in OUTSIDE or asset in seeds | ABOUT_FILES:
            continue
        known = {"staging": PROVENANCE, "ml": ABOUT_MODELS}.get(layer, set())
        without = catalogue()[asset].keys() - deps.keys() - known
        assert without == COUNTED_OUT.get(asset, set()), asset


def test_portfolio_page_has_the_figures_of_its_cards() -> None:
    charts = {"default_rate_by_grade", "vintage_curve", "default_rate_by_state"}
    assert catalogue()["dashboard/portfolio"].keys() == {*MEASURES, *charts}
