"""Whole-file facts of loan files rest on many loans; units are decided per column or refused."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.sources.lending_club import describe
from financial_pipeline.sources.loan_survey import snapshot_month
from financial_pipeline_tests.loan_text import loan, loan_file
from financial_pipeline_tests.staging.loan_stage import LoanStage

Activity = Counter[tuple[date | None, date | None]]
MARCH, LATER = date(2019, 3, 1), date(2021, 3, 1)


@pytest.mark.parametrize(
    ("loans", "late", "month"),
    [
        (599, 1, MARCH),
        (598, 2, MARCH),
        (30, 1, MARCH),
        (1, 1, LATER),
        (4_000, 3, MARCH),
        (295, 5, MARCH),
        (90, 10, LATER),
    ],
)
def test_snapshot_month_needs_support(loans: int, late: int, month: date) -> None:
    activity: Activity = Counter({(MARCH, MARCH): loans, (LATER, MARCH): late})
    assert snapshot_month(activity) == month


def test_snapshot_month_next_to_the_bulk_needs_a_thousandth() -> None:
    april = date(2019, 4, 1)
    assert snapshot_month(Counter({(MARCH, None): 4_000, (april, None): 3})) == MARCH
    assert snapshot_month(Counter({(MARCH, None): 4_000, (april, None): 5})) == april


def test_typing_errors_after_a_gap_move_nothing_up_to_one_in_a_hundred() -> None:
    may, next_year = date(2019, 5, 1), date(2020, 3, 1)
    assert snapshot_month(Counter({(MARCH, None): 590, (next_year, None): 10})) == MARCH
    assert snapshot_month(Counter({(MARCH, None): 598, (may, None): 2})) == MARCH
    assert snapshot_month(Counter({(MARCH, None): 593, (may, None): 7})) == may
    assert snapshot_month(Counter({(MARCH, None): 9, (date(2091, 5, 1), None): 1})) == MARCH


def test_sparse_last_payments_are_no_errors_if_more_than_one_in_a_hundred_is_later() -> None:
    months = [date(2019, month, 1) for month in (4, 5, 6, 7)]
    sparse = Counter({(month, None): 1 for month in months})
    assert snapshot_month(Counter({(MARCH, None): 296}) + sparse) == months[0]
    assert snapshot_month(Counter({(MARCH, None): 396}) + sparse) == MARCH
    later = Counter({(date(2019 + n, 11, 1), None): 1 for n in range(4)})
    assert snapshot_month(Counter({(MARCH, None): 296}) + later) == MARCH


def test_sentence_about_issue_dates_is_true_of_the_file(tmp_path: Path) -> None:
    for text, is_said in (("Dec-15", True), ("1448928000", False)):
        with pytest.raises(PipelineError, match="no readable issue date") as refusal:
            describe(loan_file(tmp_path / "a.csv", [loan(1, issue_d=text)]))
        assert ("cannot be told apart" in str(refusal.value)) == is_said


def test_principal_of_other_loans_is_counted_and_one_typing_error_is_quarantined(
    tmp_path: Path,
) -> None:
    money = {"total_pymnt": "5821.72", "total_rec_prncp": "5000.0"}
    stage = LoanStage(tmp_path / "data")
    rows = [loan(n, **(money if n < 8 else {})) for n in range(20)]
    (warning,) = stage.stage(loan_file(tmp_path / "a.csv", rows)).warnings
    assert "a.csv: 40.0% of its loans paid back more principal than they borrowed" in warning
    assert len(stage.loan_ids()) == 20
    stage.stage(
        loan_file(tmp_path / "b.csv", [loan(n, **(money if n < 1 else {})) for n in range(200)])
    )
    assert stage.accounting()[0]["quarantined"] == {"principal_exceeds_loan": 1}


def test_one_typing_error_moves_nothing_and_is_quarantined(tmp_path: Path) -> None:
    rows = [loan(number) for number in range(200)]
    rows[7] |= {"last_pymnt_d": "Jan-2091"}
    rows[9] |= {"issue_d": "Dec-2051", "last_pymnt_d": ""}
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", rows))
    (file,) = stage.files
    assert (file.landed.snapshot_date, file.landed.last_date) == (MARCH, date(2015, 12, 1))
    refused = stage.table("quarantine").select("line_number", "reason").rows()
    assert refused == [(9, "date_after_snapshot"), (11, "date_after_snapshot")]


def test_unknown_codes_are_counted(tmp_path: Path) -> None:
    rows = [loan(1), loan(2, purpose="boat"), loan(3, purpose="boat"), loan(4, addr_state="PR")]
    assert describe(loan_file(tmp_path / "a.csv", rows)).remarks == (
        "purpose has 1 unknown codes in 2 loans, which count as unknown: 'boat' 2",
        "addr_state has 1 unknown codes in 1 loans, which count as unknown: 'PR' 1",
    )


def test_a_repeated_header_is_no_loan(tmp_path: Path) -> None:
    once = loan_file(tmp_path / "a.csv", [loan(1)]).read_text()
    (tmp_path / "b.csv").write_text(once + once)
    found = describe(tmp_path / "b.csv")
    assert (found.rows_seen, found.remarks) == (2, ())


def thirty(path: Path, change: Callable[[int], dict[str, str]]) -> LoanStage:
    stage = LoanStage(path / "data")
    summary = stage.stage(loan_file(path / "a.csv", [loan(n, **change(n)) for n in range(30)]))
    assert summary.remarks == ("a.csv: int_rate, revol_util, dti as fractions, read as per cent.",)
    return stage


def test_fractions_are_read_as_per_cent_column_by_column(tmp_path: Path) -> None:
    stage = thirty(
        tmp_path, lambda n: {"revol_util": f"0.{n + 30}", "dti": "0.171", "int_rate": "0.1399"}
    )
    row = stage.table("lending_club_loans").sort("line_number").row(0, named=True)
    assert (row["revol_util"], row["dti"], row["int_rate"]) == (30.0, 17.1, 0.1399)


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"annual_inc": "4583.0"}, "annual_inc"),
        ({"annual_inc": "5500000"}, "annual_inc"),
        ({"revol_util": "2970"}, "revol_util"),
        ({"installment": "12303"}, "installment"),
        ({"loan_amnt": "3.6"}, "loan_amnt"),
        ({"tot_cur_bal": "7900000"}, "tot_cur_bal"),
        ({"annual_inc_joint": "110"}, "annual_inc_joint"),
        ({"tot_coll_amt": "34100"}, "tot_coll_amt"),
        ({"mths_since_last_delinq": "3"}, "mths_since_last_delinq"),
        ({"mo_sin_old_rev_tl_op": "5100"}, "mo_sin_old_rev_tl_op"),
        ({"open_acc": "700"}, "open_acc"),
        ({"funded_amnt_inv": "3.6"}, "funded_amnt_inv over funded_amnt"),
        ({"last_pymnt_amnt": "12303"}, "last_pymnt_amnt over installment"),
        ({"total_rec_prncp": "360000"}, "total_rec_prncp over funded_amnt"),
        ({"out_prncp": "2.6", "total_rec_prncp": "1000"}, "out_prncp over unpaid principal"),
    ],
)
def test_other_units_are_refused_by_column(
    tmp_path: Path, changes: dict[str, str], column: str
) -> None:
    with pytest.raises(RefusedFile, match=rf"a.csv is refused: {column} "):
        thirty(tmp_path, lambda n: changes)
