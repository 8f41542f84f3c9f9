"""Declared inputs of staging columns are those of the cleaning: touch a field, see what moves."""

from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.lineage.declarations import declared_inputs
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS, MONTH_COLUMNS, TEXT_COLUMNS
from financial_pipeline.sources.price_layout import FIELDS
from financial_pipeline.transforms.bank_prices import VALUES
from financial_pipeline.transforms.lending_club_loans import fingerprints
from financial_pipeline_tests.loan_text import loan
from financial_pipeline_tests.transforms import test_bank_prices as prices
from financial_pipeline_tests.transforms import test_lending_club_loans as loans
from financial_pipeline_tests.transforms import test_lending_club_rejections as rejections

Row = dict[str, Any]
OTHER_WORDS = {
    "term": "60 months",
    "emp_length": "3 years",
    "loan_status": "Does not meet the credit policy. Status:Charged Off",
}


def other(column: str) -> str:
    """A sound value of a loan field that the sound loan does not have."""
    if column in OTHER_WORDS:
        return OTHER_WORDS[column]
    if column in MONTH_COLUMNS:
        return "Mar-2014"
    return "other" if column in TEXT_COLUMNS else "17"


def changed(before: Row, after: Row) -> set[str]:
    return {name for name in before.keys() - {"reason"} if before[name] != after[name]}


def made_of(table: str, field: str) -> set[str]:
    """The staging columns that are declared to be made of a raw field."""
    return {name for name, ends in declared_inputs()[table].items() if field in ends}


def test_a_loan_field_changes_exactly_the_columns_that_are_made_of_it(tmp_path: Path) -> None:
    rows = [loan(1), *(loan(1, **{column: other(column)}) for column in LOAN_COLUMNS)]
    typed = loans.typed(tmp_path, *rows, rate_divisor=1.0)
    before, *after = typed.to_dicts()
    for column, row in zip(LOAN_COLUMNS, after, strict=True):
        declared_here = made_of("staging/lending_club_loans", f"raw/lending_club_loans.{column}")
        seen = changed(before, row)
        assert column in seen, column
        # The key of a loan with an upstream id is that id; fingerprints are tested below.
        assert seen <= declared_here, column
        assert declared_here - seen <= {"loan_id", "emp_length_missing"}, column


def test_a_fingerprint_changes_with_the_fields_that_the_key_is_made_of(tmp_path: Path) -> None:
    rows = [loan(1), *(loan(1, **{column: other(column)}) for column in LOAN_COLUMNS)]
    before, *after = fingerprints(loans.typed(tmp_path, *rows, rate_divisor=1.0)).to_list()
    moving = {f"raw/lending_club_loans.{c}" for c, key in zip(LOAN_COLUMNS, after, strict=True)
              if key != before}  # fmt: skip
    ends = set(declared_inputs()["staging/lending_club_loans"]["loan_id"])
    assert ends - moving == {"raw/lending_club_loans.id"}
    assert moving <= ends


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("Amount Requested", "7"),
        ("Application Date", "2008-01-02"),
        ("Loan Title", "Car"),
        ("Risk_Score", "7"),
        ("Debt-To-Income Ratio", "7%"),
        ("Zip Code", "999xx"),
        ("State", "NY"),
        ("Employment Length", "3 years"),
        ("Policy Code", "2"),
    ],
)
def test_a_rejection_field_changes_the_column_that_is_made_of_it(field: str, text: str) -> None:
    name = field.replace(" ", "_").replace("-", "_")
    seen = changed(rejections.one(), rejections.one(**{name: text})) - {"application_month"}
    table = "staging/lending_club_rejections"
    assert seen == made_of(table, f"raw/lending_club_rejections.{field}")


def price_row(*, adjusted_only: bool = False, **texts: str) -> Row:
    result = prices.cleaned(prices.record(**texts), adjusted_only=adjusted_only)
    return result.rows.row(0, named=True)


@pytest.mark.parametrize("ours", VALUES)
def test_a_price_field_changes_the_columns_that_are_made_of_it(ours: str) -> None:
    theirs = next(name for name, field in FIELDS.items() if field == ours).title()
    text = {"open": "10.5", "high": "13", "low": "8", "close": "11.5"}.get(ours, "7")
    seen = changed(price_row(), price_row(**{ours: text}))
    adjusted = changed(price_row(adjusted_only=True), price_row(adjusted_only=True, **{ours: text}))
    # A break of scale is seen on the rows of two files only.
    assert seen | (adjusted & {"adjusted_close"}) == made_of(
        "staging/bank_prices", f"raw/bank_prices.{theirs}"
    ) - {"scale_break"}
