"""The published manifest moves once, and readers never see a half-published version."""

import json
import os
import time
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import published
from financial_pipeline.publishing.manifest import PublishedTable

WORLD = {"source": "simulated", "is_synthetic": True}


def _table(paths: Paths, value: int, name: str = "fct_loans") -> PublishedTable:
    folder = published.replace_partitions(
        paths, "exports", name, {"all": pl.DataFrame({"x": [value]})}
    )
    return PublishedTable(
        "exports", name, folder.relative_to(paths.data_root).as_posix(), 1, f"hash{value}"
    )


def _value(paths: Paths, table: PublishedTable) -> int:
    return int(pl.read_parquet(published.parquet_files(paths, table)).item())


def test_reading_without_a_publication_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="make demo"):
        published.read_manifest(Paths(tmp_path))


def test_registered_table_shows_only_after_publish(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published.register(paths, _table(paths, 1))
    published.publish(paths, WORLD)
    published.register(paths, _table(paths, 2))
    before = published.read_manifest(paths).table("exports/fct_loans")
    assert _value(paths, before) == 1
    assert _value(paths, published.newest(paths, "exports/fct_loans")) == 2
    after = published.publish(paths, WORLD).table("exports/fct_loans")
    assert _value(paths, after) == 2


def test_discarded_table_is_never_published(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published.register(paths, _table(paths, 1))
    published.publish(paths, WORLD)
    published.register(paths, _table(paths, 2))
    published.discard_pending(paths)
    assert published.publish(paths, WORLD).table("exports/fct_loans").content_hash == "hash1"


def test_publish_keeps_tables_that_did_not_change(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published.register(paths, _table(paths, 1))
    published.publish(paths, WORLD)
    published.register(paths, _table(paths, 5, "fct_daily_prices"))
    manifest = published.publish(paths, WORLD)
    assert sorted(manifest.tables) == ["exports/fct_daily_prices", "exports/fct_loans"]


def test_interrupted_publish_leaves_the_old_manifest_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    published.register(paths, _table(paths, 1))
    published.publish(paths, WORLD)
    published.register(paths, _table(paths, 2))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            published.publish(paths, WORLD)
    assert published.read_manifest(paths).table("exports/fct_loans").content_hash == "hash1"
    assert published.publish(paths, WORLD).table("exports/fct_loans").content_hash == "hash2"


def test_old_versions_are_pruned_only_when_neither_recent_nor_young(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    for value in range(5):
        published.register(paths, _table(paths, value))
        published.publish(paths, WORLD)
    folder = tmp_path / "exports" / "fct_loans"
    assert len(list(folder.iterdir())) == 5
    now = time.time()
    monkeypatch.setattr(published.time, "time", lambda: now + published.KEPT_SECONDS + 60)
    published.register(paths, _table(paths, 5))
    published.publish(paths, WORLD)
    assert len(list(folder.iterdir())) == published.KEPT_VERSIONS


def test_replace_partitions_links_what_it_does_not_replace(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    one, two = pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [2]})
    first = published.replace_partitions(paths, "metrics", "m", {"a": one, "b": one})
    published.register(
        paths, PublishedTable("metrics", "m", first.relative_to(tmp_path).as_posix(), 2, "h")
    )
    second = published.replace_partitions(paths, "metrics", "m", {"b": two})
    assert (second / "a.parquet").stat().st_ino == (first / "a.parquet").stat().st_ino
    assert pl.read_parquet(second / "b.parquet").item() == 2
    assert pl.read_parquet(first / "b.parquet").item() == 1


def test_manifest_is_plain_json(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    published.register(paths, _table(paths, 1))
    published.publish(paths, WORLD)
    content = json.loads(paths.manifest.read_text())
    assert content["world"] == WORLD
    assert content["tables"]["exports/fct_loans"]["rows"] == 1
