"""Rows of the raw archive: one detected input file and its archived copy."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class RawDataset:
    """One dataset of the raw archive.

    `files` describes what people drop, `family` is the dbt family of its marts, and `staging` the
    module of the package `staging` that stages it.
    """

    files: str
    domain: str
    family: str
    staging: str


RAW_DATASETS: Final = {
    "lending_club_loans": RawDataset(
        "Loan files that people drop: LoanStats, accepted loans, loan.csv.",
        domain="lending",
        family="loans",
        staging="loans",
    ),
    "lending_club_rejections": RawDataset(
        "The file of rejected applications that people drop.",
        domain="lending",
        family="rejections",
        staging="rejections",
    ),
    "bank_prices": RawDataset(
        "Daily price files of the banks.", domain="market", family="prices", staging="prices"
    ),
    "fred_observations": RawDataset(
        "Macro series as FRED or ALFRED publish them.",
        domain="macro",
        family="macro",
        staging="fred",
    ),
}


@dataclass(frozen=True)
class LandedFile:
    """One input file, detected from its content before anything is stored.

    `dataset` is one of RAW_DATASETS; `form` names the detected layout; `subject` is the symbol or
    series id; `snapshot_date` is the snapshot month of a loan file or the vintage date of a dated
    copy, else null; `first_date` and `last_date` span the event dates (issue months, sessions,
    observation dates; application dates of rejections).
    """

    path: Path
    dataset: str
    form: str
    subject: str | None
    snapshot_date: date | None
    first_date: date
    last_date: date
    # Data records seen, before any cleaning.
    rows_seen: int
    # The provider that writes files of this form; empty in rows of older manifests.
    provider: str = ""
    # Phrases about the file that a person should read: columns ignored or absent, unknown codes.
    remarks: tuple[str, ...] = ()


def identity(content_hash: str, landed: LandedFile) -> str:
    """Return the identity of a file: two dated copies with equal bytes are two vintages."""
    return f"{content_hash} {landed.dataset} {landed.subject} {landed.snapshot_date}"


@dataclass(frozen=True)
class RawFile:
    """One archived file: its detected form, its identity and its provenance."""

    landed: LandedFile
    sha256: str
    bytes: int
    fetched_at: datetime
    # lending_club, yahoo, yfinance, csv (a dropped file that replaced a live provider), fred,
    # alfred, or simulated.
    source: str
    is_synthetic: bool
    # The archived copy, under its content hash.
    archived_path: Path
    # Why staging refused the file; null while it counts.
    refused: str | None = None
    # The version of the rules that refused it.
    refused_under: str = ""

    @property
    def identity(self) -> str:
        """Return the identity of the file in the archive and its ledgers."""
        return identity(self.sha256, self.landed)
