"""Columns are shown in words and with few decimals; what is for programs only is not shown."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from financial_pipeline.dashboard import elements, table_columns

FRAME = pl.DataFrame(
    {
        "loan_id": ["L1"],
        "issue_year": [2014],
        "loans": [12_345],
        "interest_rate": [0.0778],
        "funded_amount_usd": [12_143.03],
        "zscore": [-4.38271],
        "total": [20_369.6],
        "issue_month": [date(2014, 1, 1)],
        "observed_at": [datetime(2014, 1, 1, tzinfo=UTC)],
        "metadata_json": ["{}"],
    }
)


def _shown() -> dict[str, tuple[object, object]]:
    columns = table_columns.configuration(FRAME)
    formats = {name: (one or {}).get("type_config") or {} for name, one in columns.items()}
    return {
        name: ((one or {}).get("label"), formats[name].get("format"))
        for name, one in columns.items()
    }


def test_column_is_named_in_words_and_has_the_format_of_its_kind() -> None:
    assert _shown() == {
        "loan_id": ("Loan id", None),
        "issue_year": ("Issue year", "%.0f"),
        "loans": ("Loans", "%,d"),
        "interest_rate": ("Interest rate", "percent"),
        "funded_amount_usd": ("Funded amount $", "$%,.0f"),
        "zscore": ("Z-score", "%.4f"),
        "total": ("Total", "%,.0f"),
        "issue_month": ("Issue month", "YYYY-MM"),
        "observed_at": ("Observed at", "YYYY-MM-DD HH:mm:ss"),
        "metadata_json": (None, None),
    }


def test_column_for_programs_is_hidden() -> None:
    assert table_columns.configuration(FRAME)["metadata_json"] is None


def test_fraction_above_its_range_and_empty_column_are_plain_numbers() -> None:
    frame = pl.DataFrame({"rate": [250.0], "share": [None]}, schema_overrides={"share": pl.Float64})
    columns = table_columns.configuration(frame)
    formats = {name: (one or {})["type_config"]["format"] for name, one in columns.items()}
    assert formats == {"rate": "%,.2f", "share": "percent"}


def test_codes_of_loans_are_shown_in_words() -> None:
    frame = pl.DataFrame({"purpose": ["credit_card", None], "loan_id": ["a_1", "a_2"]})
    assert table_columns.in_plain_words(frame).rows() == [("credit card", "a_1"), (None, "a_2")]


def test_change_that_rounds_to_nothing_is_a_plain_zero() -> None:
    assert elements.points(-0.004, 2) == "0"
    assert elements.points(0.25, 1) == "+0.2 pp"


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        ("probability_usd_weighted", [0.125, None], ["12.50%", "–"]),
        ("ead_usd", [1234.5], ["$1,234"]),
        ("loans", [1234], ["1,234"]),
        ("psi", [0.03], ["0.0300"]),
        ("passed", [True, False], ["yes", "no"]),
        ("grade", ["A", None], ["A", "–"]),
    ],
)
def test_text_of_a_column_has_the_form_of_the_table(
    name: str, values: list[object], shown: list[str]
) -> None:
    assert table_columns.as_text(name, pl.Series(values)) == shown
