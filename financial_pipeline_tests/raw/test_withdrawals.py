"""A withdrawn file stays archived, is used by no table, and can be restored."""

from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, ingest, withdrawals
from financial_pipeline.settings import Settings
from financial_pipeline.sources import landing

TEXT = "observation_date,UNRATE\n2018-11-01,{}\n"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "root")
    for name, value in (("old.csv", "3.8"), ("new.csv", "3.7")):
        (tmp_path / name).write_text(TEXT.format(value))
        archive.archive(paths, [landing.detect(tmp_path / name)])
    return paths


def withdraw(paths: Paths, name: str, action: withdrawals.Action = "withdraw") -> None:
    file = withdrawals.find(paths, archive.read_raw_files(paths), name, action)
    withdrawals.record(paths, file, action)


def names(paths: Paths) -> list[str]:
    return [file.landed.path.name for file in archive.current_files(paths, "fred_observations")]


def test_a_withdrawn_file_is_left_out_until_it_is_restored(paths: Paths, tmp_path: Path) -> None:
    withdraw(paths, "new.csv")
    # Dropping it again does not bring it back, and runs still cover its partitions.
    archive.archive(paths, [landing.detect(tmp_path / "new.csv")])
    assert names(paths) == ["old.csv"]
    assert len(archive.accepted_files(paths, "fred_observations")) == 2
    withdraw(paths, "new.csv", "restore")
    assert names(paths) == ["old.csv", "new.csv"]
    assert [line["action"] for line in withdrawals.ledger(paths)] == ["withdraw", "restore"]


def test_a_file_is_named_by_its_path_or_hash_too(paths: Paths, tmp_path: Path) -> None:
    withdraw(paths, str(tmp_path / "old.csv"))
    withdraw(paths, archive.read_raw_files(paths)[1].sha256[:12])
    assert names(paths) == []


def test_a_name_of_two_contents_is_refused_with_their_hashes(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(TEXT.format("3.9"))
    archive.archive(paths, [landing.detect(tmp_path / "old.csv")])
    hashes = [file.sha256[:12] for file in archive.read_raw_files(paths)]
    with pytest.raises(PipelineError, match=f"{hashes[0]}.*{hashes[2]}.*pass the hash"):
        withdraw(paths, "old.csv")
    with pytest.raises(PipelineError, match=r"No archived file to restore is named old\.csv"):
        withdraw(paths, "old.csv", "restore")


def test_a_stray_file_is_named_and_leaves_the_others(tmp_path: Path) -> None:
    folder, paths = tmp_path / "drop", Paths(tmp_path / "root")
    folder.mkdir()
    (folder / "UNRATE.csv").write_text(TEXT.format("3.7"))
    (folder / "closes.csv").write_text("Date,BAC,JPM\n2018-01-02,29.9,107.95\n")
    settings = Settings(source="files", landing=folder, data_root=paths.data_root)
    sentences: list[str] = []
    ingest.prepare(settings, paths, sentences.append)
    assert [file.subject for file in ingest.landed_files(settings, paths)] == ["UNRATE"]
    assert ["closes.csv has one column per ticker (BAC, JPM)" in one for one in sentences] == [True]
    (folder / "UNRATE.csv").unlink()
    with pytest.raises(PipelineError, match="one column per ticker"):
        ingest.landed_files(settings, paths)


def test_a_path_that_has_an_earlier_content_again_is_named(paths: Paths, tmp_path: Path) -> None:
    place = tmp_path / "old.csv"
    said = []
    for value in ("3.9", "3.8"):
        place.write_text(TEXT.format(value))
        archive.archive(paths, [landing.detect(place)])
        said.append(ingest.returned_files(paths))
    wins = archive.read_raw_files(paths)[2].sha256[:12]
    (sentence,) = said.pop()
    assert said == [[]]
    assert sentence.endswith(f"still wins; `financial-pipeline withdraw {wins}` leaves it out.")
    withdraw(paths, wins)
    assert ingest.returned_files(paths) == []
