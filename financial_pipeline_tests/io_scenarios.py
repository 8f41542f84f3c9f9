"""The writers whose every operation on the disk is failed, and what a reader sees of each."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from financial_pipeline.changes import state, unchanged
from financial_pipeline.ml.artifact import read_contents, save_artifact
from financial_pipeline.ml.scorecard import Scorecard
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import versions
from financial_pipeline.publishing.content_hash import hash_frame
from financial_pipeline.publishing.manifest import (
    PublishedTable,
    channel_tables,
    is_published,
    read_manifest,
)
from financial_pipeline.publishing.publication import Publication, pending, publish
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline.publishing.versions import Retention
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.raw import archive, withdrawals
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog

Step = Callable[[Path], None]
ONE_VERSION = Retention(versions=1, seconds=0)
DAYS = Table[Any]("exports", "days", "", ("day", "n"), partition="day")
WHOLE = Table[Any]("metrics", "whole", "", ("n",), order=None)
MODELS = Table[Any]("ml", "models", "", ("artifact",), order=None)
TOPIC = "raw_market_ohlcv"


@dataclass(frozen=True)
class Scenario:
    """The state before, the steps of the writer, and the view of readers, as text.

    `read` raises if they see a part of anything.
    """

    prepare: Step
    steps: Sequence[Step]
    read: Callable[[Path], str]

    def run(self, root: Path) -> None:
        """Do all steps."""
        for step in self.steps:
            step(root)


def _days(last: int) -> pl.DataFrame:
    return pl.DataFrame({"day": ["2019-03-28", "2019-03-28", "2019-03-29"], "n": [1, 2, last]})


def _publish(root: Path, last: int) -> None:
    paths = Paths(root)
    known = channel_tables(paths, "batch")
    # As a command names its publication.
    publication = Publication(paths, str(uuid4()))
    changed = _days(last)
    previous, replaced = known.get(DAYS.key), None
    if previous:
        changed, replaced = changed.filter(day="2019-03-29"), ["2019-03-29"]
    publication.register(write_table(paths, DAYS, changed, previous=previous, replaced=replaced))
    publication.register(write_table(paths, WHOLE, pl.DataFrame({"n": [last]})))
    publish(paths, [publication.run], {"source": "files"}, ONE_VERSION)


def _prepare_published(root: Path) -> None:
    for last in range(1, 6):
        _publish(root, last)


def _hash(paths: Paths, table: PublishedTable, keys: Sequence[str]) -> str:
    found = hash_frame(pl.read_parquet(whole_files(paths, table)), keys)
    assert found == table.content_hash, table.key
    return found


def _read_published(root: Path) -> str:
    paths = Paths(root)
    manifest = read_manifest(paths)
    for name in versions.names(paths):
        kept = versions.read(paths, name) or {}
        for row in kept["tables"].values():
            _hash(paths, PublishedTable(**row), DAYS.keys if row["name"] == "days" else WHOLE.keys)
    for name in pending(paths):
        for table in Publication(paths, name).registered().values():
            assert whole_files(paths, table)
    tables = manifest.tables
    return " ".join([_hash(paths, tables[t.key], t.keys) for t in (DAYS, WHOLE)])


def _landed(root: Path, name: str) -> LandedFile:
    path = root / "drop" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"content of {name}" * 100)
    day = date(2019, 3, 1)
    return LandedFile(
        path=path,
        dataset="fred_observations",
        form="dated-copy",
        subject="UNRATE",
        snapshot_date=None,
        first_date=day,
        last_date=day,
        rows_seen=3,
        provider="fred",
    )


def _archive(*names: str) -> Step:
    return lambda root: void(archive.archive(Paths(root), [_landed(root, name) for name in names]))


def void(_: object) -> None:
    """Drop a result."""


def _read_archive(root: Path) -> str:
    files = archive.read_raw_files(Paths(root))
    archive.verify(files)
    assert len({file.identity for file in files}) == len(files)
    return " ".join(file.sha256 for file in files)


def _withdraw(root: Path) -> None:
    paths = Paths(root)
    for file in archive.read_raw_files(paths):
        if file.identity not in withdrawals.withdrawn(paths):
            withdrawals.record(paths, file, "withdraw")


def _built(version: str) -> state.Built:
    return state.Built(version, "settings", None, {"raw": version})


def _remember(version: str, *keys: str) -> Step:
    return lambda root: state.remember(Paths(root), dict.fromkeys(keys, _built(version)))


def _read_state(root: Path) -> str:
    paths = Paths(root)
    record = root / "unchanged.json"
    noted = json.loads(record.read_text()) if unchanged.has_record(paths) else None
    return f"{sorted((key, row.code) for key, row in state.read(paths).items())} {noted}"


def _train(version: str) -> Step:
    card = Scorecard(float(len(version)), ())
    return lambda root: void(save_artifact(root / "artifacts", {}, card, {"version": version}))


def _point(version: str) -> Step:
    def point(root: Path) -> None:
        paths, publication = Paths(root), Publication(Paths(root), str(uuid4()))
        card = Scorecard(float(len(version)), ())
        artifact = save_artifact(root / "artifacts", {}, card, {"version": version})
        rows = pl.DataFrame({"artifact": [artifact]})
        publication.register(write_table(paths, MODELS, rows))
        publish(paths, [publication.run], {"source": "files"}, ONE_VERSION)

    return point


def _read_model(root: Path) -> str:
    paths = Paths(root)
    files = whole_files(paths, read_manifest(paths).table(MODELS.key))
    artifact = str(pl.read_parquet(files)["artifact"].item())
    return f"{artifact} {read_contents(root / 'artifacts', artifact)['facts']}"


def _landing(root: Path) -> Landing:
    return Landing(Paths(root), FileLog(root / "log"))


def _log(root: Path) -> None:
    log = FileLog(root / "log")
    for partition in range(2):
        log.append(TOPIC, partition, [(1_553_780_000_000, b"JPM", b"{}")] * 3)
    _land(root)
    for partition in range(2):
        log.append(TOPIC, partition, [(1_553_780_060_000, b"JPM", b"[]")] * 2)


def _land(root: Path) -> None:
    landing = _landing(root)
    for topic, ranges in landing.waiting((TOPIC,)).items():
        landing.land(topic, ranges, "run")


def _read_ledger(root: Path) -> str:
    landing = _landing(root)
    ranges = landing.ledger.ranges(TOPIC)
    rows = landing.read(ranges)
    assert rows.height == sum(one.rows for one in ranges)
    ends = landing.ledger.next_offsets(TOPIC)
    counts = dict(rows.group_by("kafka_partition").len().sort("kafka_partition").iter_rows())
    assert ends == counts
    return str(rows.sort("kafka_partition", "kafka_offset").rows())


def _forget_record(root: Path) -> None:
    unchanged.forget(Paths(root))


def _forget(root: Path) -> None:
    state.forget(Paths(root), ["a/b"])


def _prepare_state(root: Path) -> None:
    _prepare_published(root)
    _remember("1", "a/b", "c/d")(root)
    unchanged.remember(Paths(root), "first")
    assert is_published(Paths(root))


def _unchanged(root: Path) -> None:
    unchanged.remember(Paths(root), "second")


SCENARIOS = {
    "publish": Scenario(_prepare_published, [lambda root: _publish(root, 9)], _read_published),
    "archive": Scenario(_archive("a.csv"), [_archive("a.csv", "b.csv", "c.csv")], _read_archive),
    "withdrawals": Scenario(
        _archive("a.csv"), [_withdraw], lambda root: str(withdrawals.withdrawn(Paths(root)))
    ),
    "ledger": Scenario(_log, [_land], _read_ledger),
    "change state": Scenario(
        _prepare_state,
        [_forget_record, _forget, _remember("2", "a/b"), _unchanged],
        _read_state,
    ),
    "model": Scenario(_point("1"), [_train("22"), _point("22")], _read_model),
}
