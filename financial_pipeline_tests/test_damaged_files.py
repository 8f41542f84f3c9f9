"""A damaged file of the data root: a cache costs its work again, a record is one sentence."""

from pathlib import Path

import pytest

from financial_pipeline import world
from financial_pipeline.errors import PipelineError
from financial_pipeline.files import cached_json, read_record, recorded_lines
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import versions
from financial_pipeline.publishing.manifest import read_manifest, read_version
from financial_pipeline.raw import archive, ingest, withdrawals
from financial_pipeline.settings import Settings

HALF = '{"a": 1, "b"'


@pytest.mark.parametrize("content", [b"", HALF.encode(), b"\xff\xfe", b"[1,"])
def test_a_damaged_cache_is_no_cache(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cache.json"
    assert cached_json(file) is None
    file.write_bytes(content)
    assert cached_json(file) is None


def test_a_damaged_record_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(HALF, "utf-8")
    with pytest.raises(PipelineError, match=r"record\.json is damaged \(.*\); restore it\.$"):
        read_record(file, "restore it")


def test_a_damaged_line_of_a_ledger_is_named_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    assert recorded_lines(file, "restore it") == []
    file.write_text('{"a": 1}\n{"a"', "utf-8")
    with pytest.raises(PipelineError, match=r"ledger\.jsonl:2 is damaged"):
        recorded_lines(file, "restore it")


def test_readers_of_records_raise_one_sentence(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.raw.mkdir(parents=True)
    for name in ("published.json", "world.json", "raw/manifest.jsonl", "raw/withdrawals.jsonl"):
        (tmp_path / name).write_text(HALF, "utf-8")
    for read in (
        lambda: read_manifest(paths),
        lambda: world.variables(paths),
        lambda: archive.read_raw_files(paths),
        lambda: withdrawals.ledger(paths),
    ):
        with pytest.raises(PipelineError, match="is damaged"):
            read()


def test_a_damaged_kept_version_is_named_and_stops_no_publication(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "00000007.json").write_text(HALF, "utf-8")
    with pytest.raises(PipelineError, match=r"00000007\.json is damaged"):
        read_version(paths, "7")
    versions.prune(paths, [], set(), versions.KEEP_30)


def test_a_damaged_cache_of_detected_files_is_made_again(tmp_path: Path) -> None:
    drop, paths = tmp_path / "drop", Paths(tmp_path / "root")
    drop.mkdir()
    (drop / "UNRATE.csv").write_text("DATE,UNRATE\n2019-01-01,4.0\n2019-02-01,3.8\n", "utf-8")
    settings = Settings(source="files", landing=drop, data_root=paths.data_root)
    first = ingest.landed_files(settings, paths)
    (paths.raw / ingest.DETECTED).write_text(HALF, "utf-8")
    assert ingest.landed_files(settings, paths) == first
