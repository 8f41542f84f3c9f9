"""The whole graph on real files dropped in a folder, against the published reference figures."""

import gzip
import shutil
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline_tests.command import CommandRun, figures, run_command

pytestmark = pytest.mark.slow

# Loans and defaults by grade of the 2007-2011 file, every loan matured (methodology 1.6 a).
D1_BY_GRADE = {
    "A": (10_085, 602),
    "B": (12_035, 1_433),
    "C": (8_111, 1_356),
    "D": (5_325, 1_130),
    "E": (2_858, 725),
    "F": (1_054, 323),
    "G": (318, 101),
    "all": (39_786, 5_670),
}
# Annualised volatility of simple returns on adjusted closes, 2004 to 2018 (methodology 3.5).
VOLATILITIES = {"JPM": 0.375, "BAC": 0.492, "C": 0.516, "WFC": 0.406, "GS": 0.353}
DEMO = ("demo", "--no-analytics", "--source", "files", "--landing")
LOAN_FILE = "LoanStats3a_REBUILT.csv.gz"


@pytest.fixture(scope="module")
def landing(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    shutil.copy(shared_data / "lendingclub" / LOAN_FILE, folder)
    for path in (shared_data / "prices" / "yahoo_classic_2004_2018").glob("*.csv"):
        shutil.copy(path, folder)
    shutil.copy(shared_data / "fred_csv" / "observation_date_1990_2026" / "UNRATE.csv", folder)
    # A series that nothing configures loads under its own id.
    shutil.copy(shared_data / "fred_csv" / "observation_date_2005_2025" / "DGS10.csv", folder)
    return folder


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real_root")


@pytest.fixture(scope="module")
def demo(landing: Path, data_root: Path) -> CommandRun:
    return run_command(data_root, *DEMO, str(landing))


@pytest.fixture(scope="module")
def shown(demo: CommandRun, data_root: Path) -> dict[str, Any]:
    assert demo.exit_code == 0, demo.errors
    return figures(data_root)


def test_absent_datasets_are_named_and_skipped(demo: CommandRun) -> None:
    assert demo.exit_code == 0, demo.errors
    assert "absent: lending_club_rejections" in demo.output


def test_the_copy_of_the_loan_file_is_named(demo: CommandRun) -> None:
    shape = "42,535 loans, 145 columns, without ids, issued 2007-06 to 2011-12"
    assert f"{LOAN_FILE}: {shape}" in demo.output
    assert "the 2007-2011 copy (LoanStats3a)" in demo.output


def test_default_rates_by_grade_equal_the_reference(shown: dict[str, Any]) -> None:
    found = {
        row["grade"]: (row["loans"], row["defaults"])
        for row in shown["default_rates"]
        if row["definition"] == "D1"
    }
    assert found == D1_BY_GRADE


def test_every_line_of_the_loan_file_is_accounted_for(shown: dict[str, Any]) -> None:
    (row,) = [row for row in shown["row_accounting"] if row["file"] == LOAN_FILE]
    assert row["physical_lines"] == 42_544
    assert row["staged"] == 42_535
    assert row["quarantined"] == {}
    assert row["notes"] == {"note": 1, "header": 1, "blank": 4, "section": 1, "footer": 2}


def test_volatilities_equal_the_reference(shown: dict[str, Any]) -> None:
    found = {row["symbol"]: row["annualised_volatility"] for row in shown["prices"]}
    assert found == pytest.approx(VOLATILITIES, abs=1e-3)
    assert {row["sessions"] for row in shown["prices"]} == {3_775}


def test_unconfigured_series_loads_under_its_own_id(shown: dict[str, Any]) -> None:
    assert {row["series_id"] for row in shown["macro"]} == {"UNRATE", "DGS10"}


def test_refused_file_changes_nothing_published_and_the_next_run_is_clean(
    shown: dict[str, Any], landing: Path, data_root: Path
) -> None:
    bad = landing / "loans_again.csv"
    lines = gzip.decompress((landing / LOAN_FILE).read_bytes()).decode().splitlines()[:400]
    bad.write_text("\n".join(line.replace('"Dec-2011"', '"11-Dec"') for line in lines))
    refused = run_command(data_root, *DEMO, str(landing))
    assert refused.exit_code == 1
    assert "loans_again.csv" in refused.errors
    assert "Traceback" not in refused.errors
    assert figures(data_root)["tables"] == shown["tables"]
    bad.unlink()
    clean = run_command(data_root, *DEMO, str(landing))
    assert clean.exit_code == 0, clean.errors
    hashes = {row["name"]: row["content_hash"] for row in figures(data_root)["tables"]}
    assert hashes == {row["name"]: row["content_hash"] for row in shown["tables"]}
