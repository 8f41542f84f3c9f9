"""One row per loan: repeated ids, copies of files, and loans without an id."""

from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import RefusedFile
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
    assert set(stage.table("quarantine")["reason"]) == {"conflicting_id"}
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


def test_files_of_one_snapshot_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    one = loan_file(tmp_path / "a.csv", [loan(1)])
    other = loan_file(tmp_path / "b.csv", [loan(1, last_pymnt_d="Dec-2018")])
    with pytest.raises(RefusedFile, match="conflicting_id 1"):
        LoanStage(tmp_path / "data").stage(one, other)


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
