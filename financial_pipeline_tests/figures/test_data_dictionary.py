"""The data dictionary in `docs/` says what the contracts say."""

from financial_pipeline.figures.data_dictionary import CLASSES, data_dictionary
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.schemas.model import MODEL_TABLES


def test_dictionary_has_a_section_for_every_published_table() -> None:
    text = data_dictionary()
    published = (*MARTS, *METRIC_TABLES, *MODEL_TABLES)
    assert [name for name in published if f"### {name}\n" not in text] == []


def test_every_upstream_loan_column_has_exactly_one_class() -> None:
    classes = {
        column: [n for n, columns in CLASSES.items() if column in columns]
        for column in LOAN_COLUMNS
    }
    assert {column: found for column, found in classes.items() if len(found) != 1} == {}


def test_leaking_columns_are_marked_in_the_dictionary() -> None:
    meaning = "Money recovered after the charge-off, dollars."
    row = f"| `recoveries` | Float64 | {meaning} | known only after origination |"
    assert row in data_dictionary()


def test_every_column_of_the_dictionary_has_a_meaning() -> None:
    rows = [line for line in data_dictionary().splitlines() if line.startswith("| `")]
    assert [row for row in rows if not row.split(" | ")[2].strip(" |")] == []
