"""The raw archive keeps every input once, untouched."""

from datetime import date
from pathlib import Path

from financial_pipeline.files import sha256
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.provenance import record_files, recorded_origin


def _landed(folder: Path, name: str, content: str, snapshot: date | None = None) -> LandedFile:
    path = folder / name
    path.write_text(content)
    return LandedFile(
        path=path,
        dataset="fred_observations",
        form="dated-copy",
        subject="UNRATE",
        snapshot_date=snapshot,
        first_date=date(2019, 3, 1),
        last_date=date(2019, 3, 1),
        rows_seen=3,
        provider="fred",
    )


def test_archive_stores_the_same_input_once(tmp_path: Path) -> None:
    paths, landed = Paths(tmp_path / "root"), _landed(tmp_path, "UNRATE.csv", "a,b\n1,2\n")
    first, new_first = archive.archive(paths, [landed])
    second, new_second = archive.archive(paths, [landed])
    assert (new_first, new_second) == (1, 0)
    assert first == second == archive.read_raw_files(paths)
    assert first[0].archived_path.read_text() == "a,b\n1,2\n"
    assert first[0].bytes == 8


def test_archive_keeps_both_contents_of_a_changed_file(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "root")
    archive.archive(paths, [_landed(tmp_path, "UNRATE.csv", "old")])
    archive.archive(paths, [_landed(tmp_path, "UNRATE.csv", "new")])
    contents = [file.archived_path.read_text() for file in archive.read_raw_files(paths)]
    assert contents == ["old", "new"]


def test_archive_keeps_two_vintages_with_the_same_bytes(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "root")
    copies = [
        _landed(tmp_path, f"UNRATE_2026-0{month}-01.csv", "same", date(2026, month, 1))
        for month in (1, 2)
    ]
    files, new = archive.archive(paths, copies)
    assert new == 2
    assert len({file.archived_path for file in files}) == 1


def test_refused_file_counts_again_only_when_dropped_again(tmp_path: Path) -> None:
    paths, landed = Paths(tmp_path / "root"), _landed(tmp_path, "UNRATE.csv", "bad")
    (file,), _ = archive.archive(paths, [landed])
    archive.refuse(paths, file.sha256, "too many bad rows")
    assert archive.accepted_files(paths, "fred_observations") == []
    assert archive.read_raw_files(paths)[0].refused == "too many bad rows"
    archive.archive(paths, [landed])
    assert len(archive.accepted_files(paths, "fred_observations")) == 1


def test_archive_takes_provenance_from_the_record_of_the_file(tmp_path: Path) -> None:
    paths, landed = Paths(tmp_path / "root"), _landed(tmp_path, "UNRATE.csv", "x")
    hashes = {"UNRATE.csv": sha256(landed.path)}
    record_files(tmp_path, hashes, provider="simulated", is_synthetic=True)
    (file,), _ = archive.archive(paths, [landed])
    assert (file.source, file.is_synthetic) == ("simulated", True)
    record = recorded_origin(landed.path, file.sha256)
    assert record is not None
    assert file.fetched_at == record.fetched_at


def test_a_dropped_file_has_the_provider_of_its_form(tmp_path: Path) -> None:
    landed = _landed(tmp_path, "UNRATE.csv", "x")
    record_files(tmp_path, {"UNRATE.csv": "hash of another content"}, provider="alfred")
    (file,), _ = archive.archive(Paths(tmp_path / "root"), [landed])
    assert (file.source, file.is_synthetic) == ("fred", False)
