"""A small data root in which loan files are staged as a run does it."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.settings import Settings
from financial_pipeline.sources.landing import detect
from financial_pipeline.staging import loans
from financial_pipeline.staging.accounting import StagingSummary
from financial_pipeline.staging.row_accounting import by_file, read_accounting

FIRST, LAST = date(2007, 6, 1), date(2019, 3, 1)
# The months that the sound loan of `loan_text` and its neighbours are issued in.
ISSUED_FIRST, ISSUED_LAST = date(2015, 10, 1), date(2016, 1, 1)


def raw_file(path: Path) -> RawFile:
    """A dropped file as the archive would hand it over."""
    return RawFile(
        landed=detect(path),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        bytes=path.stat().st_size,
        fetched_at=datetime.now(UTC),
        source="lending_club",
        is_synthetic=False,
        archived_path=path,
    )


class LoanStage:
    """One data root; `lenient` lets any share of rows be quarantined."""

    def __init__(self, root: Path, lenient: bool = False) -> None:
        self.paths = Paths(root)
        self.settings = Settings(max_quarantine_share=1.0 if lenient else 0.01)
        self.files: Sequence[RawFile] = []

    def stage(self, *paths: Path) -> StagingSummary:
        """Stage the snapshots and the issue months of these files; returns the snapshots'."""
        self.files = [raw_file(path) for path in paths]
        summary = loans.stage_snapshots(self.paths, self.files, FIRST, LAST, self.settings)
        first, last = ISSUED_FIRST, ISSUED_LAST
        loans.stage_issue_months(self.paths, self.files, first, last, self.settings)
        return summary

    def table(self, dataset: str) -> pl.DataFrame:
        """All partitions of a staging dataset."""
        parts = sorted(self.paths.staging(dataset).glob("*.parquet"))
        return pl.concat([pl.read_parquet(part) for part in parts])

    def loan_ids(self) -> list[str]:
        """The loans of all issue months, sorted."""
        return sorted(self.table("lending_club_loans")["loan_id"])

    def accounting(self) -> list[dict[str, Any]]:
        """Account for the lines of each file."""
        return by_file(read_accounting(self.paths, {file.sha256 for file in self.files}))
