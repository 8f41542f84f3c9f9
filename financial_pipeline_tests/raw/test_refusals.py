"""A refused file is named and left out until its content or the rules change."""

from pathlib import Path

import pytest

from financial_pipeline.defs.partition_inputs import raw_digests
from financial_pipeline.defs.staging.staging_step import stage_accepted
from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, ingest, refusals, withdrawals
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.settings import Settings
from financial_pipeline.staging.accounting import StagingSummary
from financial_pipeline_tests.loan_text import loan, loan_file

LOANS = "lending_club_loans"


class Root:
    """A drop folder with good.csv and bad.csv, and the data root next to it."""

    def __init__(self, tmp_path: Path) -> None:
        self.drop, self.paths = tmp_path / "drop", Paths(tmp_path / "data")
        self.drop.mkdir()
        self.settings = Settings(source="files", landing=self.drop, data_root=self.paths.data_root)
        loan_file(self.drop / "good.csv", [loan(1)])
        self.bad = loan_file(self.drop / "bad.csv", [loan(2, grade="Z")])

    def names(self) -> list[str]:
        return [file.path.name for file in ingest.landed_files(self.settings, self.paths)]

    def stage(self) -> list[str]:
        """Archive and stage as a run does; a file with grade Z is refused."""
        ingest.archive_dataset(self.settings, self.paths, LOANS)

        def stage(files: list[RawFile]) -> StagingSummary:
            for file in files:
                if ",Z," in file.archived_path.read_text():
                    raise RefusedFile(file.sha256, f"{file.landed.path.name} is refused.")
            return StagingSummary(0, 0, {}, len(files), None)

        files, _ = stage_accepted(self, LOANS, stage, lambda _: True)  # type: ignore[arg-type]
        return [file.landed.path.name for file in files]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


def test_one_refused_file_is_named_and_the_others_are_staged(root: Root) -> None:
    landed = ingest.landed_files(root.settings, root.paths)
    before = raw_digests(root.paths, landed)
    assert root.stage() == ["good.csv"]
    assert ingest.left_out(root.paths) == ["bad.csv is refused."]
    assert root.names() == ["good.csv"]
    # A refusal alone makes no table obsolete.
    assert raw_digests(root.paths, ingest.landed_files(root.settings, root.paths)) == before
    assert [file.path.name for file in refusals.pending(root.settings, root.paths)] == ["good.csv"]


def test_a_corrected_copy_replaces_the_refused_file(root: Root) -> None:
    root.stage()
    loan_file(root.bad, [loan(2)])
    assert sorted(root.names()) == ["bad.csv", "good.csv"]
    assert sorted(root.stage()) == ["bad.csv", "good.csv"]
    assert ingest.left_out(root.paths) == []


def test_other_rules_try_a_refused_file_again(root: Root) -> None:
    root.stage()
    root.settings = root.settings.model_copy(update={"max_quarantine_share": 1.0})
    assert sorted(root.names()) == ["bad.csv", "good.csv"]
    assert len(refusals.pending(root.settings, root.paths)) == 2


def test_refused_files_alone_are_an_error_with_their_reason(root: Root) -> None:
    (root.drop / "good.csv").unlink()
    with pytest.raises(RefusedFile, match=r"bad\.csv is refused"):
        root.stage()
    with pytest.raises(PipelineError, match=r"bad\.csv is refused"):
        root.names()
    with pytest.raises(PipelineError, match=r"bad\.csv is refused"):
        refusals.pending(root.settings, root.paths)


def test_the_last_good_file_can_be_withdrawn_next_to_a_refused_one(root: Root) -> None:
    root.stage()
    withdrawals.record(root.paths, archive.accepted_files(root.paths, LOANS)[0], "withdraw")
    assert root.stage() == []


def test_prospective_files_are_those_that_staging_reads_next(root: Root) -> None:
    root.stage()
    loan_file(root.drop / "new.csv", [loan(3)])
    landed = ingest.landed_files(root.settings, root.paths)
    coming = archive.prospective_files(root.paths, LOANS, landed)
    # Staging tries the refused file again; the new one is not archived yet.
    assert [file.landed.path.name for file in coming] == ["good.csv", "bad.csv", "new.csv"]
    assert coming[2].archived_path == root.drop / "new.csv"
    assert len(archive.read_raw_files(root.paths)) == 2
