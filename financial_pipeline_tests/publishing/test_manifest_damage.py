"""A manifest whose tables are not where they belong is damaged: their names are pasted into SQL."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import (
    channel_tables,
    parse_channel,
    publish_tables,
    read_manifest,
    read_version,
    table_of_record,
)
from financial_pipeline.publishing.versions import number_of
from financial_pipeline_tests.publishing.test_manifest import LOANS, WORLD, published, written

FOLDER = "exports/fct_loans/00000001-abcdef"
TABLE = {"layer": "exports", "name": "fct_loans", "folder": FOLDER, "rows": 1, "content_hash": "a"}


def reading(root: Path, key: str = LOANS, channel: Any = None, **changes: Any) -> str:
    """Return what reading says of a manifest with one table; empty if it is read."""
    content = {"sequence": 1, "published_at": "2019-03-29T00:00:00+00:00", "world": WORLD}
    content |= {"tables": {key: TABLE | changes}} | (channel or {})
    Paths(root).manifest.write_text(json.dumps({"batch": content}))
    try:
        read_manifest(Paths(root))
    except PipelineError as error:
        return str(error)
    return ""


def test_a_sound_manifest_is_read(tmp_path: Path) -> None:
    assert reading(tmp_path) == ""


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("exports/Loans", {"name": "Loans", "folder": "exports/Loans/1"}),
        ("exports/a b", {"name": "a b", "folder": "exports/a b/1"}),
        ("secret/fct_loans", {"layer": "secret", "folder": "secret/fct_loans/1"}),
        ("exports/other", {"folder": "exports/other/1"}),
        (LOANS, {"folder": "exports/other/1"}),
        (LOANS, {"folder": "exports/fct_loans/a b"}),
        (LOANS, {"folder": "exports/fct_loans/.."}),
        (LOANS, {"folder": "exports/fct_loans"}),
    ],
)
def test_a_table_of_another_name_or_folder_is_damage(
    tmp_path: Path, key: str, changes: dict[str, Any]
) -> None:
    said = reading(tmp_path, key, **changes)
    assert f"the table {key!r} has another name or folder" in said
    assert "remove it and run `financial-pipeline transform --rebuild`" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows", "1"),
        ("content_hash", 1),
        ("built_from", []),
        ("facts", None),
        ("partitions", "a"),
        ("files", []),
    ],
)
def test_a_field_of_another_kind_is_damage(tmp_path: Path, name: str, value: object) -> None:
    said = reading(tmp_path, **{name: value})
    assert f"a field of the table {LOANS!r} is of another kind" in said


@pytest.mark.parametrize("files", [2, None])
def test_files_that_an_earlier_release_counted_have_no_hashes(
    tmp_path: Path, files: object
) -> None:
    channel = {"tables": {LOANS: TABLE | {"files": files}}}
    whole = {"sequence": 1, "published_at": "2019-03-29T00:00:00+00:00", "world": {}} | channel
    (row,) = parse_channel(whole)["tables"].values()
    assert table_of_record(row).files == {}


@pytest.mark.parametrize(
    ("name", "value"), [("sequence", "1"), ("published_at", 1), ("world", "simulated")]
)
def test_a_field_of_a_channel_of_another_kind_is_damage(
    tmp_path: Path, name: str, value: object
) -> None:
    assert f"({name} is {str(value)!r})" in reading(tmp_path, channel={name: value})


def test_a_time_that_is_none_is_damage(tmp_path: Path) -> None:
    assert "published.json is damaged (Invalid isoformat" in reading(tmp_path, built_at="today")


def test_long_texts_are_cut_in_the_sentence(tmp_path: Path) -> None:
    long = "x" * 100
    assert f"'{long[:80]}'" in reading(tmp_path, long)
    assert f"'{long[:80]}'" in reading(tmp_path, channel={"world": long})
    name = {"name": long, "folder": f"exports/{long}/1", "rows": "1"}
    assert f"'{f'exports/{long}'[:80]}'" in reading(tmp_path, f"exports/{long}", **name)


def test_versions_count_from_one_and_a_channel_without_batch_has_none(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert number_of(written(paths, 1, "stream/parity").version) == 1
    published(paths, 2, "stream/parity", "stream")
    assert read_manifest(paths).version == "00000000"
    content = {"published_at": "2019-03-29T00:00:00+00:00", "world": {}, "tables": {LOANS: TABLE}}
    paths.manifest.write_text(json.dumps(content))
    assert read_manifest(paths).version == "00000000"


def test_the_world_is_that_of_the_batch_or_else_of_the_newest_channel(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    for number, (channel, key) in enumerate((("operations", "operations/runs"), ("stream", LOANS))):
        publish_tables(paths, channel, [written(paths, 1, key)], {"n": number})  # type: ignore[arg-type]
    newest = read_manifest(paths)
    assert newest.world == {"n": 1}
    publish_tables(paths, "batch", [], {})
    assert read_manifest(paths).world == {"n": 0}


def test_the_same_version_again_replaces_its_own_description(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    table = written(paths, 1)
    publish_tables(paths, "batch", [table], WORLD)
    publish_tables(paths, "batch", [replace(table, facts={"n": 1})], WORLD)
    assert channel_tables(paths, "batch")[LOANS].facts == {"n": 1}


def test_an_unknown_version_is_refused_with_those_that_are_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    with pytest.raises(PipelineError, match=r"Version 7 is unknown or pruned; kept versions: none"):
        read_version(paths, "7")
    published(paths, 1)
    kept = read_manifest(paths).version
    assert read_version(paths, str(int(kept))).tables == {
        LOANS: replace(read_manifest(paths).table(LOANS), partitions={})
    }
    for unknown in ("7", "²", "../published"):
        with pytest.raises(PipelineError, match=f"kept versions: {kept}"):
            read_version(paths, unknown)
