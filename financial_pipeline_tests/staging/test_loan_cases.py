"""Odd but real loan files of the optional folder of cases, each with its right outcome."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources import landing, lending_club
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.staging import loan_stage
from financial_pipeline_tests.staging.loan_stage import LoanStage

MARCH: Final = date(2019, 3, 1)
# Folder: loans published, snapshot month, and quarantined rows by reason.
READ: Final = {
    "F01_loan_csv_2015_74col": (1_000, date(2016, 1, 1), {}),
    "F05_R_write_csv": (600, MARCH, {}),
    "F07_spark_folder": (600, MARCH, {}),
    "F09_wordsforthewise_csv_and_gz": (600, MARCH, {"duplicate": 600}),
    "F11_desktop_ini": (600, MARCH, {}),
    "F11_xz": (600, MARCH, {}),
    "F12a_iso_dates": (600, MARCH, {}),
    "F12h_one_typo_year_2091": (599, MARCH, {"date_after_snapshot": 1}),
    "F12k_one_typo_2021": (599, MARCH, {"date_after_snapshot": 1}),
    "F16c_extra_target_column": (600, MARCH, {}),
    "F16e_without_credit_pull": (600, MARCH, {}),
    "F18j_one_loan_money_off_by_5": (599, MARCH, {"payments_do_not_add_up": 1}),
    "F18l_fico_zero": (599, MARCH, {"fico_out_of_range": 1}),
    "F20b_concat_twice_without_ids": (600, MARCH, {"duplicate": 600}),
    "S3a_reissue_one_loan": (2_000, MARCH, {"duplicate": 1_999, "superseded": 1}),
    "S3b_reissue_5pct": (2_000, MARCH, {"duplicate": 1_900, "superseded": 100}),
    "S4b_two_forms_without_url_member": (2_000, MARCH, {"duplicate": 116}),
}
REFUSED: Final = {
    "F10d_zip_encrypted": "loans.zip is an encrypted archive; unpack it",
    "F10f_zip_deflate64": r"loans.zip is packed with zip method 9 .*Deflate64.*; unpack it",
    "F18c_ids_scientific": r"600 of its 600 rows .*id_in_scientific_notation 600",
}


@pytest.fixture(scope="module")
def cases() -> Path:
    """The optional folder of cases; tests on it skip where it is absent."""
    folder = PROJECT_ROOT.parent / "shared" / "cases" / "loans"
    if not folder.is_dir():
        pytest.skip("the folder of cases is not next to the checkout")
    return folder


def staged(folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> LoanStage:
    """The loan files of a drop folder, staged in one data root."""
    monkeypatch.setattr(loan_stage, "ISSUED_FIRST", loan_stage.FIRST)
    monkeypatch.setattr(loan_stage, "ISSUED_LAST", loan_stage.LAST)
    stage = LoanStage(root)
    landed = landing.detect_folder(folder)
    stage.stage(*(file.path for file in landed if file.dataset == lending_club.DATASET))
    return stage


@pytest.mark.parametrize("name", READ)
def test_case_is_read(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    loans, snapshot, quarantined = READ[name]
    stage = staged(cases / name, tmp_path / "data", monkeypatch)
    assert len(stage.loan_ids()) == len(set(stage.loan_ids())) == loans
    months = stage.table("lending_club_loan_snapshots")["snapshot_month"]
    assert (months.unique().to_list(), months.len()) == ([snapshot], loans)
    assert Counter(stage.table("quarantine")["reason"]) == quarantined
    assert [row["unexplained"] for row in stage.accounting()] == [0] * len(stage.files)


@pytest.mark.parametrize("name", REFUSED)
def test_case_is_refused_in_one_sentence(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(PipelineError, match=REFUSED[name]) as refusal:
        staged(cases / name, tmp_path / "data", monkeypatch)
    assert "\n" not in str(refusal.value)
