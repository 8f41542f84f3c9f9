"""Every cleaning rule of the loan files, on literals, read both ways: parsed and as text."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.schemas.staging import LENDING_CLUB_LOANS, PROVENANCE
from financial_pipeline.transforms.lending_club_loans import (
    fingerprints,
    months_to_dates,
    parsed_schema,
    text_schema,
    type_loans,
)
from financial_pipeline_tests.loan_text import SOUND, loan, loan_file

OPTIONS = {
    "rate_divisor": 100.0,
    "has_ids": True,
    "first_issue_month": date(2007, 6, 1),
    "snapshot_month": date(2019, 3, 1),
}
# Columns with the position of a row; staging adds them.
PLACED = {*PROVENANCE, "snapshot_month"}


def typed(path: Path, *rows: dict[str, str], parsed: bool = False, **options: Any) -> pl.DataFrame:
    """These loans typed, read as text or with the parser's types."""
    source = loan_file(path / "loans.csv", rows)
    schema = parsed_schema(percent_as_text=False) if parsed else text_schema()
    raw = pl.scan_csv(source, schema=schema, null_values=[""])
    return months_to_dates(type_loans(raw, **(OPTIONS | options)).collect())


def one(path: Path, **changes: str) -> dict[str, Any]:
    """A sound loan, changed, as text and typed."""
    return typed(path, loan(1, **changes)).row(0, named=True)


def test_sound_loan_is_typed_alike_from_text_and_from_parsed_values(tmp_path: Path) -> None:
    rows = [loan(1), loan(2, emp_length="n/a", loan_status="Current"), loan(3, term=" 60 months")]
    types = {name: kind for name, kind in LENDING_CLUB_LOANS.items() if name not in PLACED}
    as_text = typed(tmp_path, *rows).select("reason", *types)
    assert as_text.equals(typed(tmp_path, *rows, parsed=True).select("reason", *types))
    assert as_text["reason"].to_list() == [None] * 3
    assert as_text.drop("reason").schema == pl.Schema(types)


VALUES = [
    ("term", " 36 months", 36),
    ("term", "60 months", 60),
    ("term", "36", 36),
    ("emp_length", "< 1 year", 0),
    ("emp_length", "1 year", 1),
    ("emp_length", "9 years", 9),
    ("emp_length", "10+ years", 10),
    ("emp_length", "n/a", None),
    ("emp_length", "", None),
    ("int_rate", " 10.65%", 0.1065),
    ("int_rate", "  7.90%", 0.079),
    ("int_rate", "10.65", 0.1065),
    ("revol_util", "83.7%", 83.7),
    ("revol_util", "21%", 21.0),
    ("revol_util", "892.3", 892.3),
    ("open_acc", "7.0", 7),
    ("open_acc", "7", 7),
    ("earliest_cr_line", "Aug-1994", date(1994, 8, 1)),
    ("last_pymnt_d", "", None),
    ("dti", "-1", -1.0),
    ("dti", "999", 999.0),
    ("annual_inc", "110000000.0", 110_000_000.0),
    ("emp_title", "  Nurse  ", "Nurse"),
    ("emp_title", "   ", None),
    ("zip_code", "010xx", "010xx"),
    ("id", "68407277.0", "68407277.0"),
]


@pytest.fixture(scope="module")
def read_values(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    rows = [loan(1, **dict.fromkeys([column], text)) for column, text, _ in VALUES]
    return typed(tmp_path_factory.mktemp("values"), *rows)


@pytest.mark.parametrize("number", range(len(VALUES)), ids=[f"{c}={t}" for c, t, _ in VALUES])
def test_value_is_read_as_upstream_means_it(read_values: pl.DataFrame, number: int) -> None:
    (column, _, value), row = VALUES[number], read_values.row(number, named=True)
    assert row["reason"] is None
    assert row[column] == (pytest.approx(value) if isinstance(value, float) else value)


def test_id_written_as_a_decimal_is_the_same_loan(tmp_path: Path) -> None:
    assert one(tmp_path, id="68407277.0")["loan_id"] == one(tmp_path, id="68407277")["loan_id"]


@pytest.mark.parametrize("text", ["n/a", ""])
def test_missing_employment_length_is_flagged(tmp_path: Path, text: str) -> None:
    assert one(tmp_path, emp_length=text)["emp_length_missing"] is True
    assert one(tmp_path, emp_length="3 years")["emp_length_missing"] is False


@pytest.mark.parametrize("blanks", ["", " ", "  "])
def test_policy_prefix_leaves_the_status_and_sets_the_flag(tmp_path: Path, blanks: str) -> None:
    status = f"Does not meet the credit policy.{blanks}Status:Charged Off"
    row = one(tmp_path, loan_status=status)
    assert (row["loan_status"], row["credit_policy_met"]) == ("Charged Off", False)
    row = one(tmp_path, loan_status="Charged Off")
    assert (row["loan_status"], row["credit_policy_met"]) == ("Charged Off", True)


FAULTS = [
    ("issue_d", "18-Dec", "mangled_date"),
    ("issue_d", "Mar-19", "mangled_date"),
    ("last_pymnt_d", "3-Aug", "mangled_date"),
    ("earliest_cr_line", "Aug-00", "mangled_date"),
    ("last_credit_pull_d", "2019-03-01", "mangled_date"),
    ("next_pymnt_d", "dec-2018", "mangled_date"),
    ("revol_bal", "abc", "unreadable_number"),
    ("revol_bal", "1,000", "unreadable_number"),
    ("annual_inc", "nan", "unreadable_number"),
    ("annual_inc", "inf", "unreadable_number"),
    ("open_acc", "7.5", "unreadable_number"),
    ("open_acc", "1e300", "unreadable_number"),
    ("loan_amnt", "", "missing_loan_amnt"),
    ("loan_status", "", "missing_loan_status"),
    ("issue_d", "", "missing_issue_d"),
    ("loan_status", "Paid", "unknown_loan_status"),
    ("term", " 48 months", "term_not_36_or_60"),
    ("term", "", "term_not_36_or_60"),
    ("int_rate", "3.99", "int_rate_out_of_range"),
    ("int_rate", "36.01", "int_rate_out_of_range"),
    ("int_rate", "", "int_rate_out_of_range"),
    ("sub_grade", "B4", "grade_mismatch"),
    ("sub_grade", "C6", "grade_mismatch"),
    ("grade", "", "grade_mismatch"),
    ("emp_length", "eleven years", "unknown_emp_length"),
    ("earliest_cr_line", "Jan-2016", "implausible_earliest_cr_line"),
    ("earliest_cr_line", "Dec-1929", "implausible_earliest_cr_line"),
    ("id", "", "missing_id"),
    ("id", "2.70404E+08", "id_in_scientific_notation"),
    ("id", "2,7E+08", "id_in_scientific_notation"),
    ("issue_d", "Apr-2019", "date_after_snapshot"),
    ("last_pymnt_d", "Jan-2021", "date_after_snapshot"),
    ("last_credit_pull_d", "Jan-2091", "date_after_snapshot"),
    ("last_pymnt_d", "Nov-2015", "paid_before_issue"),
    ("total_rec_late_fee", "", "missing_amount"),
    ("funded_amnt", "", "missing_amount"),
    ("out_prncp", "-1", "amount_out_of_range"),
    ("installment", "1e10", "amount_out_of_range"),
    ("annual_inc", "-5", "amount_out_of_range"),
    ("annual_inc_joint", "-5", "amount_out_of_range"),
    ("total_pymnt", "4426.72", "payments_do_not_add_up"),
    ("recoveries", "0.04", "payments_do_not_add_up"),
    ("out_prncp", "4000", "principal_exceeds_loan"),
    ("installment", "0", "installment_does_not_fit"),
    ("installment", "301", "installment_does_not_fit"),
    ("open_acc", "-1", "negative_count"),
    ("revol_util", "-5", "revol_util_out_of_range"),
    ("revol_util", "50000", "revol_util_out_of_range"),
    ("settlement_date", "Apr-2020", "implausible_event_month"),
    ("hardship_start_date", "Nov-2015", "implausible_event_month"),
    ("fico_range_low", "0", "fico_out_of_range"),
    ("fico_range_high", "851", "fico_out_of_range"),
    ("home_ownership", "LEASE", "unknown_home_ownership"),
    ("verification_status", "Perhaps", "unknown_verification_status"),
    ("application_type", "Trio", "unknown_application_type"),
    ("issue_d", "May-2007", "before_first_month"),
    # Bounds belong to the allowed range.
    ("int_rate", "4", None),
    ("int_rate", "36", None),
    ("earliest_cr_line", "Dec-2015", None),
    ("earliest_cr_line", "Jan-1930", None),
    ("issue_d", "Jun-2007", None),
    ("last_pymnt_d", "Mar-2019", None),
    ("last_pymnt_d", "Apr-2019", "date_after_snapshot"),
    ("last_credit_pull_d", "Apr-2019", None),
    ("last_credit_pull_d", "May-2019", "date_after_snapshot"),
    ("last_pymnt_d", "Dec-2015", None),
    ("total_pymnt", "4421.75", None),
    ("next_pymnt_d", "Mar-2020", None),
    ("installment", "299", None),
    ("revol_util", "892.3", None),
    ("fico_range_low", "300", None),
    ("fico_range_high", "850", None),
    ("home_ownership", "", None),
    ("annual_inc", "0", None),
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    rows = [
        loan(1, **({"earliest_cr_line": "Jan-1999"} | {column: text})) for column, text, _ in FAULTS
    ]
    return typed(tmp_path_factory.mktemp("faults"), *rows)


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[f"{c}={t}" for c, t, _ in FAULTS])
def test_broken_rule_is_named(judged: pl.DataFrame, number: int) -> None:
    assert judged["reason"][number] == FAULTS[number][2]


def test_fico_range_that_is_reversed_breaks_a_rule(tmp_path: Path) -> None:
    rows = typed(tmp_path, loan(1, fico_range_low="664", fico_range_high="660"))
    assert rows["reason"].to_list() == ["fico_range_is_reversed"]


def test_parsed_fraction_and_infinity_break_a_rule_too(tmp_path: Path) -> None:
    rows = typed(tmp_path, loan(1, open_acc="7.5"), loan(2, annual_inc="inf"), parsed=True)
    assert rows["reason"].to_list() == ["unreadable_number"] * 2


def test_absent_columns_are_null_with_their_type(tmp_path: Path) -> None:
    columns = ["id", *SOUND]
    raw = pl.LazyFrame([loan(1)], schema=dict.fromkeys(columns, pl.String()))
    rows = months_to_dates(type_loans(raw, **OPTIONS).collect())
    assert rows["hardship_start_date"].dtype == pl.Date()
    assert rows["sec_app_open_acc"].to_list() == [None]
    assert set(LOAN_COLUMNS) <= set(rows.columns)


def test_fingerprint_tells_loans_apart_and_ignores_what_changes_later(tmp_path: Path) -> None:
    rows = typed(
        tmp_path,
        loan(1),
        loan(1, loan_status="Charged Off", total_pymnt="9.0", emp_title="nurse"),
        loan(1, int_rate="13.98"),
        loan(1, loan_amnt="3600"),
        has_ids=False,
    )
    keys = fingerprints(rows).to_list()
    assert keys[0] == keys[1] == keys[3] != keys[2]
    assert keys[0].startswith("fp-")
    assert keys[0].endswith("-1")


def test_fingerprint_never_changes_between_releases(tmp_path: Path) -> None:
    assert fingerprints(typed(tmp_path, loan(1), has_ids=False)).to_list() == [
        "fp-ebfa5c514737ee32b08fc908-1"
    ]
