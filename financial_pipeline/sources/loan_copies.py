"""The known copies of Lending Club's loans, by shape and hash."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from financial_pipeline.files import sha256
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.lending_club import WITHOUT_IDS


@dataclass(frozen=True)
class KnownCopy:
    """A copy that many people have: its column counts (row numbers left out) and issue months.

    `loans` is how many it contains, null if editions differ; `hashes` are the first eight and the
    last five hexadecimal digits of the SHA-256 of its published forms.
    """

    name: str
    columns: frozenset[int]
    first_issue: date
    last_issue: date
    loans: int | None
    hashes: frozenset[tuple[str, str]] = frozenset()

    def fits(self, file: LandedFile, columns: int) -> bool:
        """Whether a file has the shape of this copy."""
        return (
            columns in self.columns
            and (file.first_date, file.last_date) == (self.first_issue, self.last_issue)
            and self.loans in (None, file.rows_seen)
        )


COPIES: Final = (
    KnownCopy(
        "the 2018Q4 copy with ids and FICO scores (accepted_2007_to_2018Q4)",
        frozenset({151}),
        date(2007, 6, 1),
        date(2018, 12, 1),
        2_260_668,
        frozenset({("55c16f75", "62a2d"), ("3eae03c2", "1f36a")}),
    ),
    KnownCopy(
        "the 2018Q4 copy without ids and FICO scores (loan.csv)",
        frozenset({145}),
        date(2007, 6, 1),
        date(2018, 12, 1),
        2_260_668,
    ),
    KnownCopy(
        "the 2020Q3 copy (Loan_status_2007-2020Q3)",
        frozenset({141, 142}),
        date(2007, 6, 1),
        date(2020, 9, 1),
        None,
    ),
    KnownCopy(
        "the 2007-2011 copy (LoanStats3a)",
        frozenset(range(111, 152)),
        date(2007, 6, 1),
        date(2011, 12, 1),
        None,
    ),
)


def describe_copy(file: LandedFile) -> str:
    """A sentence that names a loan file: the copy it is, or that no known copy has its shape.

    The file is hashed only where its shape is that of a copy whose hash is known.
    """
    columns = int(file.form.removesuffix(WITHOUT_IDS).rsplit("-", 1)[1])
    copy = next((known for known in COPIES if known.fits(file, columns)), None)
    span = f"issued {file.first_date:%Y-%m} to {file.last_date:%Y-%m}"
    ids = "without ids" if file.form.endswith(WITHOUT_IDS) else "with ids"
    shape = (
        f"{file.path.name}: {file.rows_seen:,} loans, {columns} columns, {ids}, {span}, snapshot"
        f" {file.snapshot_date:%Y-%m}"
    )
    if copy is None:
        return f"{shape}; no known copy has this shape, it is read by its columns"
    if not copy.hashes:
        return f"{shape}; {copy.name}"
    known = _hash_ends(file.path) in copy.hashes
    return f"{shape}; {copy.name}, {'byte for byte' if known else 'of another hash'}"


def _hash_ends(path: Path) -> tuple[str, str]:
    digest = sha256(path)
    return digest[:8], digest[-5:]
