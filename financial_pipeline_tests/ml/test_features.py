"""The whitelist, the cleaning rules of the features, and their DuckDB twins."""

import duckdb
import polars as pl
import pytest

from financial_pipeline.ml.features import (
    FEATURE_SETS,
    FEATURES,
    NotTrainable,
    build_features,
    present_features,
)
from financial_pipeline.schemas import lending_club as columns
from financial_pipeline_tests.ml.loans import Book

# Joint applications count with both incomes; the warehouse derives these from class O columns.
DERIVED_COLUMNS: dict[str, tuple[str, ...]] = {
    "income_effective": ("annual_inc", "annual_inc_joint", "application_type"),
    "dti_effective": ("dti", "dti_joint", "application_type"),
    "fico_midpoint": ("fico_range_low", "fico_range_high"),
}
BORROWER_SOURCES = (columns.APPLICATION | columns.BUREAU_CORE) - {"issue_d", "addr_state"}


def source_columns(feature: str) -> frozenset[str]:
    """The upstream loan columns that a feature is made of."""
    column = FEATURES[feature].column
    return frozenset(DERIVED_COLUMNS.get(column, (column,)))


def test_borrower_features_come_from_application_and_core_bureau_columns_only() -> None:
    for name in FEATURE_SETS["borrower_only"]:
        assert source_columns(name) <= BORROWER_SOURCES, name


def test_platform_model_adds_the_interest_rate_and_nothing_else() -> None:
    extra = set(FEATURE_SETS["platform_informed"]) - set(FEATURE_SETS["borrower_only"])
    assert extra == {"int_rate"}
    assert source_columns("int_rate") <= columns.CLASS_P


def test_no_feature_comes_from_an_outcome_column() -> None:
    used = frozenset[str]().union(*map(source_columns, FEATURES))
    assert not used & columns.CLASS_X
    assert all(set(sources) <= columns.CLASS_O for sources in DERIVED_COLUMNS.values())


def test_an_unknown_new_column_is_not_picked_up(book: Book) -> None:
    wider = book.applications.with_columns(total_pymnt=pl.lit(1.0), brand_new=pl.lit(2))
    assert build_features(wider.lazy()).collect_schema().names() == [
        "loan_key",
        "issue_month",
        *FEATURES,
    ]


def _one_loan(book: Book, values: dict[str, object]) -> dict[str, object]:
    frame = book.applications.head(1).with_columns(
        pl.lit(value, book.applications[name].dtype).alias(name) for name, value in values.items()
    )
    return build_features(frame.lazy()).collect().row(0, named=True)


@pytest.mark.parametrize(
    ("column", "raw", "feature", "expected"),
    [
        ("income_effective", 0.0, "ln_annual_inc", None),
        ("income_effective", 1.0, "ln_annual_inc", 0.0),
        ("dti_effective", 100.5, "dti", None),
        ("dti_effective", -1.0, "dti", None),
        ("dti_effective", 100.0, "dti", 100.0),
        ("revol_util", 892.3, "revol_util", 150.0),
        ("home_ownership", "NONE", "home_ownership", "OTHER"),
        ("home_ownership", None, "home_ownership", "MISSING"),
        ("term", 60, "term", "60"),
    ],
)
def test_features_follow_the_cleaning_rules(
    book: Book, column: str, raw: object, feature: str, expected: object
) -> None:
    assert _one_loan(book, {column: raw})[feature] == expected


def test_sql_of_each_feature_agrees_with_the_frame(book: Book) -> None:
    odd = {
        "income_effective": [0.0, 1.0, None, 85_000.0],
        "dti_effective": [-1.0, 100.0, 100.5, None],
        "revol_util": [892.3, 150.0, None, 3.2],
        "home_ownership": ["NONE", None, "ANY", "OWN"],
    }
    frame = book.applications.head(4).with_columns(pl.Series(k, v) for k, v in odd.items())
    expected = build_features(frame.lazy()).collect()
    with duckdb.connect() as connection:
        connection.register("applications", frame.to_arrow())
        for name, feature in FEATURES.items():
            query = f"select {feature.sql} from applications order by loan_key"
            found = [row[0] for row in connection.execute(query).fetchall()]
            known = [value if value != "MISSING" else None for value in expected[name]]
            assert found == pytest.approx(known), name


def test_an_absent_score_is_left_out_with_the_reason(cohort: pl.DataFrame) -> None:
    empty = cohort.with_columns(fico_midpoint=pl.lit(None, pl.Float64))
    used, absent = present_features(empty, FEATURE_SETS["borrower_only"])
    assert "fico_midpoint" not in used
    assert "empty in all" in absent["fico_midpoint"]


@pytest.mark.parametrize("name", ["dti", "purpose"])
def test_an_all_null_required_column_refuses_training(cohort: pl.DataFrame, name: str) -> None:
    missing = pl.lit(None, pl.Float64) if FEATURES[name].is_numeric else pl.lit("MISSING")
    empty = cohort.with_columns(missing.alias(name))
    with pytest.raises(NotTrainable, match=FEATURES[name].column):
        present_features(empty, FEATURE_SETS["borrower_only"])
