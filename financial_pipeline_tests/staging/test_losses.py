"""What the end of a run reports of staging."""

from pathlib import Path

from financial_pipeline.paths import Paths
from financial_pipeline.staging import losses

FRACTIONS = "loans.csv: revol_util was read as fractions."


def test_remarks_of_each_table_last_until_it_is_staged_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert losses.remarks(paths) == []
    losses.note_remarks(paths, "lending_club_loans", [FRACTIONS, "b"])
    losses.note_remarks(paths, "bank_prices", ["a"])
    assert losses.remarks(paths) == ["a", FRACTIONS, "b"]
    losses.note_remarks(paths, "lending_club_loans", [])
    assert losses.remarks(paths) == ["a"]


def test_damaged_remarks_stop_no_run(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    losses.note_remarks(paths, "bank_prices", ["a"])
    (paths.staging("remarks") / "bank_prices.json").write_text('{"remar')
    assert losses.remarks(paths) == []
