"""The data dictionary in `docs/` says what the contracts say."""

from financial_pipeline.data_dictionary import CLASSES, data_dictionary
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline_tests.conftest import PROJECT_ROOT


def test_dictionary_in_docs_is_current() -> None:
    written = (PROJECT_ROOT / "docs" / "data_dictionary.md").read_text("utf-8")
    # Where this fails: make dictionary
    assert written == data_dictionary()


def test_dictionary_has_a_section_for_every_published_mart() -> None:
    text = data_dictionary()
    assert [name for name in MARTS if f"### {name}\n" not in text] == []


def test_every_upstream_loan_column_has_exactly_one_class() -> None:
    classes = {
        column: [n for n, columns in CLASSES.items() if column in columns]
        for column in LOAN_COLUMNS
    }
    assert {column: found for column, found in classes.items() if len(found) != 1} == {}


def test_leaking_columns_are_marked_in_the_dictionary() -> None:
    assert "| `recoveries` | Float64 | known only after origination |" in data_dictionary()
