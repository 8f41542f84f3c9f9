"""The readers on real Lending Club files: every line accounted for, known figures reproduced."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.landing import detect
from financial_pipeline.staging import rejections
from financial_pipeline_tests.staging.loan_stage import LoanStage, raw_file

# Charged-off and all loans by grade, loans within the credit policy, issued 2007 to 2011.
BAD_BY_GRADE = {
    "A": (602, 10_085),
    "B": (1_433, 12_035),
    "C": (1_356, 8_111),
    "D": (1_130, 5_325),
    "E": (725, 2_858),
    "F": (323, 1_054),
    "G": (101, 318),
}


@pytest.fixture(scope="module")
def rebuilt(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> LoanStage:
    stage = LoanStage(tmp_path_factory.mktemp("rebuilt"))
    path = shared_data / "lendingclub" / "LoanStats3a_REBUILT.csv.gz"
    summary = stage.stage(path)
    assert summary.remarks == (
        "LoanStats3a_REBUILT.csv.gz: the footer total 460,296,150 is the sum of funded_amnt.",
    )
    return stage


def test_every_line_of_the_original_layout_is_accounted_for(rebuilt: LoanStage) -> None:
    (row,) = rebuilt.accounting()
    assert row["physical_lines"] == 42_544
    assert (row["staged"], row["quarantined"], row["unexplained"]) == (42_535, {}, 0)
    assert row["notes"] == {"note": 1, "header": 1, "blank": 4, "section": 1, "footer": 2}


def test_default_counts_by_grade_are_those_of_the_literature(rebuilt: LoanStage) -> None:
    rows = rebuilt.table("lending_club_loan_snapshots")
    typed = next(rebuilt.paths.staging(".typed").glob("*/*/[0-9]*.parquet"))
    loans = rows.join(pl.read_parquet(typed, columns=["loan_id", "grade"]), on="loan_id")
    within = loans.filter(pl.col("credit_policy_met"))
    bad = pl.col("loan_status").is_in(["Charged Off", "Default"]).sum()
    counts = within.group_by("grade").agg(bad, pl.len().alias("loans"))
    assert {grade: (k, n) for grade, k, n in counts.iter_rows()} == BAD_BY_GRADE
    outside = loans.filter(~pl.col("credit_policy_met"))["loan_status"].value_counts()
    assert dict(outside.iter_rows()) == {"Charged Off": 761, "Fully Paid": 1_988}


def test_loans_without_ids_have_unique_keys_of_their_own(rebuilt: LoanStage) -> None:
    ids = rebuilt.table("lending_club_loan_snapshots")["loan_id"]
    assert ids.n_unique() == 42_535
    assert ids.str.contains(r"^fp-[0-9a-f]{24}-\d+$").all()


def test_accepted_sample_is_staged_whole(shared_data: Path, tmp_path: Path) -> None:
    stage = LoanStage(tmp_path)
    path = shared_data / "lendingclub" / "accepted_sample_1000_Dec2015.csv"
    assert stage.stage(path).rows == 999
    assert stage.files[0].landed.snapshot_date == date(2019, 3, 1)
    first = stage.table("lending_club_loans").row(0, named=True)
    assert (first["loan_id"], first["int_rate"], first["term"]) == ("68407277", 0.1399, 36)


def test_excerpt_of_the_2016_snapshot_is_read_as_upstream_wrote_it(
    shared_data: Path, tmp_path: Path
) -> None:
    stage = LoanStage(tmp_path)
    summary = stage.stage(shared_data / "lendingclub" / "loans_2007_true_text_head_tail.csv")
    assert (summary.rows, stage.accounting()[0]["notes"]) == (7, {"header": 1, "footer": 2})
    # The footers speak of the whole file, of which these are seven loans.
    assert "471,701,350" in summary.warnings[0]


@pytest.mark.parametrize(
    "name", ["LoanStats_2018Q4_head_dates_mangled.csv", "LoanStats_2019Q1_head_18col.csv"]
)
def test_excerpt_without_outcomes_is_refused(shared_data: Path, name: str) -> None:
    with pytest.raises(PipelineError, match=r"missing: .*'collection_recovery_fee'"):
        detect(shared_data / "lendingclub" / name)


def test_rejected_sample_is_staged_whole(shared_data: Path, tmp_path: Path) -> None:
    stage = LoanStage(tmp_path)
    file = raw_file(shared_data / "lendingclub" / "rejected_sample_700_2007.csv")
    summary = rejections.stage_rejections(
        stage.paths, [file], date(2007, 5, 1), date(2007, 8, 1), stage.settings
    )
    assert list(summary.partitions.values()) == [49, 289, 266, 95]
    assert summary.quarantined == 0
