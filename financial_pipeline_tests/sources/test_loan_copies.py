"""A loan file is named by its shape, and by its hash where the shape has a known one."""

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources import loan_copies
from financial_pipeline.sources.lending_club import describe
from financial_pipeline_tests.loan_text import header, line, loan, loan_file, write

FULL = LandedFile(
    path=Path("loans.csv"),
    dataset="lending_club_loans",
    form="accepted-151",
    subject=None,
    snapshot_date=date(2019, 3, 1),
    first_date=date(2007, 6, 1),
    last_date=date(2018, 12, 1),
    rows_seen=2_260_668,
)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"form": "loan-145-without-ids"}, "the 2018Q4 copy without ids"),
        ({"form": "loan-141", "last_date": date(2020, 9, 1)}, "the 2020Q3 copy"),
        ({"form": "loan-146", "last_date": date(2011, 12, 1)}, "the 2007-2011 copy"),
        ({"form": "loanstats-145-without-ids", "last_date": date(2011, 12, 1)}, "LoanStats3a"),
        ({"form": "loan-145", "rows_seen": 7}, "no known copy has this shape"),
        ({"form": "loan-145", "last_date": date(2018, 11, 1)}, "no known copy has this shape"),
    ],
)
def test_a_copy_is_told_by_its_shape(changes: dict[str, object], name: str) -> None:
    assert name in loan_copies.describe_copy(replace(FULL, **changes))


def test_the_hash_tells_the_very_copy_from_one_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = loan_file(tmp_path / "loans.csv", [loan(1)])
    file = replace(FULL, path=path)
    assert loan_copies.describe_copy(file).endswith("of another hash")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = replace(loan_copies.COPIES[0], hashes=frozenset({(digest[:8], digest[-5:])}))
    monkeypatch.setattr(loan_copies, "COPIES", (known,))
    assert loan_copies.describe_copy(file).endswith("byte for byte")


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_a_column_of_row_numbers_before_the_loans_is_no_column_of_theirs(
    tmp_path: Path, name: str
) -> None:
    path = write(tmp_path / "a.csv", [f"{name},{header()}", f"0,{line(loan(1))}"])
    landed = describe(path)
    assert (landed.form, landed.rows_seen) == ("accepted-151", 1)
