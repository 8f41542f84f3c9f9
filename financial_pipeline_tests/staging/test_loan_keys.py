"""One row per loan: repeated ids, copies of files, and loans without an id."""

from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import RefusedFile
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.staging.loan_restatements import ledger
from financial_pipeline_tests.loan_text import header, line, loan, loan_file, write
from financial_pipeline_tests.staging.loan_stage import LoanStage


def test_identical_duplicates_keep_the_first_and_quarantine_the_others(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data", lenient=True)
    stage.stage(loan_file(tmp_path / "a.csv", [loan(1), loan(2), loan(1), loan(1)]))
    assert stage.loan_ids() == ["1001", "1002"]
    refused = stage.table("quarantine")
    assert refused.select("line_number", "reason").rows() == [(4, "duplicate"), (5, "duplicate")]
    assert refused["original_text"].to_list() == [line(loan(1))] * 2
    assert stage.accounting()[0]["unexplained"] == 0


def test_conflicting_ids_are_all_quarantined(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data", lenient=True)
    other = loan(1, last_pymnt_d="Dec-2018")
    stage.stage(loan_file(tmp_path / "a.csv", [loan(1), loan(2), other, loan(1)]))
    assert stage.loan_ids() == ["1002"]
    assert stage.table("quarantine")["line_number"].to_list() == [2, 4, 5]
    reasons = stage.table("quarantine")["reason"].to_list()
    assert reasons == ["conflicting_id", "conflicting_id", "duplicate"]
    assert stage.table("lending_club_loan_snapshots")["loan_id"].to_list() == ["1002"]


def test_many_conflicting_ids_refuse_the_file(tmp_path: Path) -> None:
    rows = [loan(number % 50, dti=str(number)) for number in range(100)]
    with pytest.raises(RefusedFile, match=r"100 of its 100 rows .*conflicting_id 100"):
        LoanStage(tmp_path / "data").stage(loan_file(tmp_path / "a.csv", rows))


def test_copy_with_other_bytes_changes_no_loan_and_is_no_fault(tmp_path: Path) -> None:
    rows = [loan(number) for number in range(5)]
    first = loan_file(tmp_path / "a.csv", rows)
    copy = write(tmp_path / "b.csv", [header(), *map(line, rows)], end="\r\n")
    stage = LoanStage(tmp_path / "data")
    stage.stage(first)
    ids = stage.loan_ids()
    assert stage.stage(first, copy).quarantined == 5
    assert stage.loan_ids() == ids
    assert stage.table("lending_club_loan_snapshots").height == 5
    assert [row["unexplained"] for row in stage.accounting()] == [0, 0]
    quarantined = [row["quarantined"] for row in stage.accounting()]
    assert sorted(quarantined, key=len) == [{}, {"duplicate": 5}]


def test_later_arrival_wins_and_every_changed_value_is_in_the_ledger(tmp_path: Path) -> None:
    changes = {"loan_status": "Charged Off", "title": "", "last_pymnt_d": "Dec-2018"}
    one = loan_file(tmp_path / "a.csv", [loan(1), loan(2)])
    other = loan_file(tmp_path / "b.csv", [loan(1, **changes), loan(2)])
    stage = LoanStage(tmp_path / "data")
    summary = stage.stage(one, other)
    loans = stage.table("lending_club_loans").sort("loan_id")
    assert loans["loan_status"].to_list() == ["Charged Off", "Fully Paid"]
    assert stage.table("lending_club_loan_snapshots").height == 2
    fields = ("field", "old_value", "new_value", "old_line_number", "new_line_number")
    assert ledger(stage.paths).select("loan_id", *fields).rows() == [
        ("1001", "last_pymnt_d", "2019-01-01", "2018-12-01", 2, 2),
        ("1001", "loan_status", "Fully Paid", "Charged Off", 2, 2),
    ]
    quarantine = stage.table("quarantine").select("file_name", "line_number", "reason")
    assert quarantine.rows() == [("a.csv", 2, "superseded"), ("a.csv", 3, "duplicate")]
    assert (
        "a.csv: of its 2 loans, other files of the snapshot have 1 repeated and 1 corrected."
        in (summary.remarks)
    )
    stage.stage(other, one)
    assert stage.table("lending_club_loans")["loan_status"].to_list() == ["Fully Paid"] * 2


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("member_id", "900001", "900001.0"),
        ("application_type", "INDIVIDUAL", "Individual"),
        ("application_type", "JOINT", "Joint App"),
        ("pymnt_plan", "n", "N"),
        ("verification_status_joint", "Not Verified", "NOT VERIFIED"),
        ("total_pymnt", "4421.7218366952", "4421.721837"),
        ("total_pymnt", "4421.7218366952", "4421.72"),
        ("emp_length", "5 years", ""),
    ],
)
def test_another_way_to_write_a_value_is_no_correction(
    tmp_path: Path, column: str, one: str, other: str
) -> None:
    files = [
        loan_file(tmp_path / f"{name}.csv", [loan(1, **{column: text}), loan(2)])
        for name, text in (("a", one), ("b", other))
    ]
    stage = LoanStage(tmp_path / "data")
    stage.stage(*files)
    assert ledger(stage.paths).is_empty()
    assert stage.table("quarantine")["reason"].to_list() == ["duplicate"] * 2


def test_rates_in_per_cent_and_in_fractions_are_equal(tmp_path: Path) -> None:
    rates = [f"{rate / 100:.2f}" for rate in range(600, 650)]
    fractions = [f"{rate / 10000:.4f}" for rate in range(600, 650)]
    stage = LoanStage(tmp_path / "data")
    stage.stage(
        *(
            loan_file(path, [loan(n, int_rate=rate) for n, rate in enumerate(rates)])
            for path, rates in ((tmp_path / "a.csv", rates), (tmp_path / "b.csv", fractions))
        )
    )
    assert ledger(stage.paths).is_empty()


def test_correction_of_one_cent_is_in_the_ledger(tmp_path: Path) -> None:
    rows = [loan(1, last_pymnt_amnt=amount) for amount in ("123.03", "123.04")]
    stage = LoanStage(tmp_path / "data")
    stage.stage(*(loan_file(tmp_path / f"{n}.csv", [row]) for n, row in enumerate(rows)))
    assert ledger(stage.paths).select("field", "old_value", "new_value").rows() == [
        ("last_pymnt_amnt", "123.03", "123.04")
    ]


def test_ledger_of_a_month_without_files_is_removed(tmp_path: Path) -> None:
    one = loan_file(tmp_path / "a.csv", [loan(1)])
    other = loan_file(tmp_path / "b.csv", [loan(1, last_pymnt_d="Dec-2018")])
    stage = LoanStage(tmp_path / "data")
    stage.stage(one, other)
    assert ledger(stage.paths).height == 1
    stage.stage(loan_file(tmp_path / "c.csv", [loan(1, last_credit_pull_d="Feb-2019")]))
    assert ledger(stage.paths).height == 0


@pytest.mark.parametrize("narrow_first", [True, False])
def test_nulls_do_not_conflict_and_the_fullest_row_is_kept(
    tmp_path: Path, narrow_first: bool
) -> None:
    columns = [name for name in LOAN_COLUMNS if name not in ("url", "title")]
    full = loan_file(tmp_path / "full.csv", [loan(1, url="u"), loan(2, url="v")])
    lines = [header(columns), line(loan(1), columns)]
    narrow = write(tmp_path / "narrow.csv", lines)
    stage = LoanStage(tmp_path / "data")
    stage.stage(*((narrow, full) if narrow_first else (full, narrow)))
    assert stage.table("lending_club_loans").sort("loan_id")["url"].to_list() == ["u", "v"]
    assert stage.table("quarantine").select("file_name", "reason").rows() == [
        ("narrow.csv", "duplicate")
    ]
    assert ledger(stage.paths).is_empty()


def test_rows_of_one_file_that_differ_by_nulls_keep_the_fullest(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", [loan(1, title=""), loan(1), loan(2)]))
    assert stage.table("lending_club_loans").sort("loan_id")["line_number"].to_list() == [3, 4]


def test_file_appended_to_itself_counts_once_with_or_without_ids(tmp_path: Path) -> None:
    for ids in ({}, {"id": ""}):
        rows = [loan(number, **ids) for number in range(4)]
        stage = LoanStage(tmp_path / f"data{len(ids)}")
        assert stage.stage(loan_file(tmp_path / "a.csv", rows * 2)).quarantined == 4
        assert len(stage.loan_ids()) == 4


def test_equal_bytes_under_two_names_are_one_file(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    copies = [loan_file(tmp_path / name, [loan(1), loan(2)]) for name in ("a.csv", "b.csv")]
    assert stage.stage(*copies).quarantined == 0
    assert stage.loan_ids() == ["1001", "1002"]


def test_loans_without_id_are_keyed_by_origination_and_occurrence(tmp_path: Path) -> None:
    rows = [loan(1, id=""), loan(2, id=""), loan(1, id="", title="Car")]
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", rows))
    ids = stage.loan_ids()
    assert Counter(name[-2:] for name in ids) == {"-1": 2, "-2": 1}
    assert len({name[:-2] for name in ids}) == 2
    stage.stage(loan_file(tmp_path / "b.csv", [*rows[:2], loan(9, id=""), rows[2]]))
    assert set(ids) < set(stage.loan_ids())


def test_loan_without_id_is_the_same_loan_in_the_next_snapshot(tmp_path: Path) -> None:
    later = loan(1, id="", last_credit_pull_d="Apr-2019", loan_status="Charged Off")
    stage = LoanStage(tmp_path / "data")
    stage.settings = stage.settings.model_copy()
    one = loan_file(tmp_path / "a.csv", [loan(1, id="", last_credit_pull_d="Feb-2019")])
    two = loan_file(tmp_path / "b.csv", [{**later, "last_credit_pull_d": "Mar-2019"}])
    stage.stage(one, two)
    assert stage.table("lending_club_loans")["loan_status"].to_list() == ["Charged Off"]
    snapshots = stage.table("lending_club_loan_snapshots")
    assert snapshots["loan_id"].n_unique() == 1
    assert snapshots["snapshot_month"].to_list() == [date(2019, 2, 1), date(2019, 3, 1)]


def test_file_without_ids_beside_one_with_ids_is_refused_naming_both(tmp_path: Path) -> None:
    named = loan_file(tmp_path / "named.csv", [loan(1)])
    nameless = loan_file(tmp_path / "nameless.csv", [loan(2, id="")])
    with pytest.raises(RefusedFile, match=r"nameless.csv has no loan ids .*named.csv contains"):
        LoanStage(tmp_path / "data").stage(named, nameless)


def test_file_without_ids_of_other_vintages_may_stand_beside_one_with_ids(tmp_path: Path) -> None:
    named = loan_file(tmp_path / "named.csv", [loan(1)])
    nameless = loan_file(tmp_path / "nameless.csv", [loan(2, id="", issue_d="Jan-2016")])
    stage = LoanStage(tmp_path / "data")
    stage.stage(named, nameless)
    assert stage.table("lending_club_loans").filter(pl.col("id").is_null()).height == 1
    assert len(stage.loan_ids()) == 2
