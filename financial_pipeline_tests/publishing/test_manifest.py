"""The manifest moves by one rename per channel, in the order of numbers."""

import json
import os
import time
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import (
    Channel,
    PublishedTable,
    channel_tables,
    publish_tables,
    read_manifest,
)
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.versions import KEPT_FOLDERS, Retention, number_of
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

WORLD = {"source": "simulated", "is_synthetic": True}
LOANS = "exports/fct_loans"


def written(paths: Paths, value: int, key: str = LOANS) -> PublishedTable:
    layer, name = key.split("/")
    contract: Table[pl.DataType] = Table(layer, name, "One row.", ("x",))
    return write_table(paths, contract, pl.DataFrame({"x": [value]}))


def published(paths: Paths, value: int, key: str = LOANS, channel: Channel = "batch") -> None:
    publish_tables(paths, channel, [written(paths, value, key)], WORLD)


def value_of(paths: Paths, key: str = LOANS) -> int:
    files = parquet_files(paths, read_manifest(paths).table(key))
    return int(pl.read_parquet(files).item())


def test_reading_without_a_publication_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="financial-pipeline demo"):
        read_manifest(Paths(tmp_path))


def test_publication_keeps_tables_that_it_does_not_name(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published(paths, 1)
    published(paths, 5, "exports/fct_daily_prices")
    assert (value_of(paths), value_of(paths, "exports/fct_daily_prices")) == (1, 5)


def test_stream_and_operations_move_without_the_version_of_the_batch(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published(paths, 1)
    before = read_manifest(paths)
    published(paths, 2, "stream/parity", "stream")
    published(paths, 3, "operations/runs", "operations")
    after = read_manifest(paths)
    assert (after.version, after.published_at) == (before.version, before.published_at)
    assert sorted(after.tables) == [LOANS, "operations/runs", "stream/parity"]
    assert list(channel_tables(paths, "stream")) == ["stream/parity"]


def test_stream_can_publish_before_the_first_batch(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published(paths, 2, "stream/parity", "stream")
    first = read_manifest(paths)
    assert (value_of(paths, "stream/parity"), first.world) == (2, WORLD)
    published(paths, 1)
    assert read_manifest(paths).version > first.version


def test_clock_that_was_ahead_does_not_drop_a_later_publication(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: 4_000_000_000.0)
        published(paths, 1)
    published(paths, 2)
    assert value_of(paths) == 2


def test_tables_of_a_release_that_named_versions_by_the_clock_are_replaced(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    old = {"layer": "exports", "name": "fct_loans", "rows": 1, "content_hash": "a"}
    old |= {"folder": "exports/fct_loans/20991231T235959000000"}
    content = {"version": "20991231T235959000000", "published_at": "2099-12-31T23:59:59+00:00"}
    paths.manifest.write_text(json.dumps(content | {"world": WORLD, "tables": {LOANS: old}}))
    assert read_manifest(paths).table(LOANS).content_hash == "a"
    published(paths, 2)
    assert value_of(paths) == 2


def test_older_version_never_replaces_a_newer_one(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    older = written(paths, 1)
    published(paths, 2)
    publish_tables(paths, "batch", [older], WORLD)
    assert value_of(paths) == 2


def test_numbers_continue_after_the_manifest_was_lost(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published(paths, 1)
    before = read_manifest(paths)
    paths.manifest.unlink()
    published(paths, 2)
    after = read_manifest(paths)
    assert after.version > before.version
    assert after.table(LOANS).version > before.table(LOANS).version


def test_folders_that_are_no_versions_do_not_count(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    (tmp_path / "ml" / "model_cards" / "2015-04-01").mkdir(parents=True)
    assert number_of(written(paths, 1).version) == 1


def test_interrupted_publication_leaves_the_old_manifest_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    published(paths, 1)
    table = written(paths, 2)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_tables(paths, "batch", [table], WORLD)
    assert value_of(paths) == 1
    publish_tables(paths, "batch", [table], WORLD)
    assert value_of(paths) == 2


def test_old_versions_are_pruned_only_if_neither_recent_nor_young_nor_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    kept = written(paths, 0)
    for value in range(5):
        published(paths, value)
    folder = tmp_path / "exports" / "fct_loans"
    assert len(list(folder.iterdir())) == 6
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3660)
    retention = Retention(versions=1)
    publish_tables(paths, "batch", [written(paths, 5)], WORLD, [kept.folder], retention)
    assert len(list(folder.iterdir())) == KEPT_FOLDERS + 1
    assert (tmp_path / kept.folder).exists()


def test_manifest_is_plain_json(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published(paths, 1)
    content = json.loads(paths.manifest.read_text())
    assert content["batch"]["world"] == WORLD
    assert content["batch"]["tables"][LOANS]["rows"] == 1
