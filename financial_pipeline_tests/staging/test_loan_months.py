"""Issue months contain every loan once, from the latest snapshot that has it."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.schemas.staging import LENDING_CLUB_LOAN_SNAPSHOTS, LENDING_CLUB_LOANS
from financial_pipeline.staging import loans, typed_store
from financial_pipeline_tests.loan_text import loan, loan_file
from financial_pipeline_tests.staging.loan_stage import FIRST, LAST, LoanStage

FEBRUARY = {"last_credit_pull_d": "Feb-2019"}


def _snapshots(folder: Path) -> list[Path]:
    """Two snapshots: one loan in both, one that the later lost, one that it gained."""
    older = [loan(1, loan_status="Current", **FEBRUARY), loan(2, issue_d="Nov-2015", **FEBRUARY)]
    newer = [loan(1), loan(3, issue_d="Jan-2016")]
    return [loan_file(folder / "feb.csv", older), loan_file(folder / "mar.csv", newer)]


def test_latest_snapshot_wins_and_older_ones_fill_in(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    summary = stage.stage(*_snapshots(tmp_path))
    rows = stage.table("lending_club_loans").sort("loan_id")
    assert rows.select("loan_id", "loan_status", "snapshot_month").rows() == [
        ("1001", "Fully Paid", date(2019, 3, 1)),
        ("1002", "Fully Paid", date(2019, 2, 1)),
        ("1003", "Fully Paid", date(2019, 3, 1)),
    ]
    assert summary.partitions == {"2019-02-01": 2, "2019-03-01": 2}
    assert summary.newest_event == date(2019, 3, 1)


def test_partitions_have_the_contract_and_their_month_and_empty_ones_exist(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    stage.stage(*_snapshots(tmp_path))
    folder = stage.paths.staging("lending_club_loans")
    rows = {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}
    assert {month: part.height for month, part in rows.items()} == {
        "2015-10-01": 0,
        "2015-11-01": 1,
        "2015-12-01": 1,
        "2016-01-01": 1,
    }
    for month, part in rows.items():
        assert part.schema == pl.Schema(LENDING_CLUB_LOANS)
        assert {str(day) for day in part["issue_d"]} <= {month}
    snapshots = stage.table("lending_club_loan_snapshots")
    assert snapshots.schema == pl.Schema(LENDING_CLUB_LOAN_SNAPSHOTS)


def test_snapshot_whose_file_is_gone_goes_with_it(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    older, newer = _snapshots(tmp_path)
    stage.stage(older, newer)
    stage.stage(newer)
    assert stage.table("lending_club_loan_snapshots")["snapshot_month"].unique().to_list() == [LAST]
    assert stage.loan_ids() == ["1001", "1003"]
    stored = stage.paths.staging(".typed") / "lending_club_loans"
    assert [path.name for path in stored.iterdir()] == [stage.files[0].sha256]


def test_month_by_month_fragments_give_the_same_partitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = ["Oct-2015", "Nov-2015", "Oct-2015", "Dec-2015", "Nov-2015", "Jan-2016"]
    rows = [loan(n, issue_d=months[n % len(months)]) for n in range(24)]
    path, tables = loan_file(tmp_path / "a.csv", rows), []
    for whole, buffered, runs in ((99, 99, 9), (0, 99, 0), (0, 5, 9), (0, 5, 0)):
        for name, value in (
            ("WHOLE_FILE_ROWS", whole),
            ("BUFFERED_ROWS", buffered),
            ("FEW_RUNS", runs),
        ):
            monkeypatch.setattr(f"financial_pipeline.staging.month_fragments.{name}", value)
        stage = LoanStage(tmp_path / f"{whole}-{buffered}-{runs}")
        stage.stage(path)
        tables.append(stage.table("lending_club_loans"))
    assert tables[0].height == 24
    assert all(table.equals(tables[0]) for table in tables)


def test_partition_does_not_change_when_its_store_is_typed_again(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    stage.stage(*_snapshots(tmp_path))
    before = stage.table("lending_club_loans")
    typed_store.forget_others(stage.paths, "lending_club_loans", [])
    assert stage.table("lending_club_loans").equals(before)
    loans.stage_snapshots(stage.paths, stage.files, FIRST, LAST, stage.settings)
    assert stage.table("lending_club_loans").equals(before)


def test_unchanged_file_is_not_read_again_and_changed_code_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, reads = LoanStage(tmp_path / "data"), []
    read = typed_store.read
    monkeypatch.setattr(typed_store, "read", lambda job: reads.append(job) or read(job))
    path = loan_file(tmp_path / "a.csv", [loan(1)])
    stage.stage(path)
    stage.stage(path)
    assert len(reads) == 1
    monkeypatch.setattr(typed_store, "code_version", lambda: "changed")
    stage.stage(path)
    assert len(reads) == 2


def test_half_typed_file_of_a_killed_run_is_typed_anew(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    path = loan_file(tmp_path / "a.csv", [loan(1)])
    stage.stage(path)
    store = stage.paths.staging(".typed") / "lending_club_loans"
    (store / stage.files[0].sha256).rename(store / f"{stage.files[0].sha256}.tmp")
    stage.stage(path)
    assert stage.loan_ids() == ["1001"]
    assert [folder.name for folder in store.iterdir()] == [stage.files[0].sha256]
