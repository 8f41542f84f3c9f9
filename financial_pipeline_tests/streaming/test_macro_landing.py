"""Macro releases from a log to the raw archive and to staging, through the ledger."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, ingest
from financial_pipeline.schemas.macro_release import MacroRelease
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.stream import MACRO_TOPIC
from financial_pipeline.settings import Settings
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.sources.fred import describe
from financial_pipeline.sources.fred_releases import releases
from financial_pipeline.sources.provenance import record_files
from financial_pipeline.staging.fred import stage_fred
from financial_pipeline.streaming import macro, micro_batch
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.macro_landing import MacroLanded, archive_landed, land_macro
from financial_pipeline.streaming.message_log import FileLog, Record

FIRST = MacroRelease("UNRATE", "2011-02-01", "2011-03-04", None, "8.9", "simulated")
REVISED = FIRST._replace(realtime_start="2011-04-02", value="9.0")
GDP = MacroRelease("GDPC1", "2011-01-01", "2011-04-28", None, "13438.8", "alfred")
# What staging says of where a row came from, which differs by road.
PROVENANCE = ("file_sha256", "line_number")


# Releases land in two ranges: before this day, and from it on.
CUT = "2005-07-01"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class FileSink:
    """A sink whose messages are in the log once it is flushed."""

    partitions = 1

    def __init__(self, log: FileLog) -> None:
        self.log = log
        self.records: list[Record] = []

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        self.records.append((record_ms, key, value))

    def flush(self) -> None:
        self.log.append(MACRO_TOPIC, 0, self.records)
        self.records = []


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(Paths(tmp_path / "root"), FileLog(tmp_path / "log"))


def produce(landing: Landing, some: Iterable[MacroRelease]) -> None:
    assert isinstance(landing.log, FileLog)
    macro.send(FileSink(landing.log), some)


def archived(landing: Landing) -> list[RawFile]:
    return archive.accepted_files(landing.paths, "fred_observations")


def staged(paths: Paths, files: Sequence[RawFile]) -> pl.DataFrame:
    stage_fred(paths, files, Settings(), date(1990, 1, 1), date(2019, 3, 1))
    frame = pl.read_parquet(paths.staging("fred_observations") / "*.parquet")
    keys = ["series_id", "observation_date", "realtime_start"]
    return frame.drop(PROVENANCE).sort(keys)


def test_streamed_releases_stage_to_the_rows_that_the_files_give(
    landing: Landing, tmp_path: Path
) -> None:
    files = [path for path in write_macro(tmp_path / "fred", seed=7) if path.stem != "DTB3"]
    dropped, hashes = Paths(tmp_path / "dropped"), {path.name: digest(path) for path in files}
    record_files(tmp_path / "fred", hashes, provider="simulated", is_synthetic=True)
    kept, _ = archive.archive(dropped, [describe(path) for path in files])
    everything = [
        one for path in files for one in releases(path.read_bytes(), path.stem, "simulated")
    ]
    for is_first in (True, False):
        produce(landing, [one for one in everything if (one.realtime_start < CUT) == is_first])
        land_macro(landing, "test")
    expected = staged(dropped, kept)
    assert expected.height == len(everything)
    assert len(archived(landing)) == 2 * len(files)
    assert staged(landing.paths, archived(landing)).equals(expected)


def test_a_release_lands_as_a_file_of_its_series_and_its_source(landing: Landing) -> None:
    produce(landing, [FIRST, REVISED, GDP])
    assert land_macro(landing, "test") == MacroLanded(messages=3, releases=3, files=2)
    found = {file.landed.subject: file for file in archived(landing)}
    assert (found["UNRATE"].source, found["UNRATE"].is_synthetic) == ("simulated", True)
    assert (found["GDPC1"].source, found["GDPC1"].is_synthetic) == ("alfred", False)
    (landed,) = landing.ledger.ranges(MACRO_TOPIC)
    assert landed.days == {"2011-03-04": 1, "2011-04-02": 1, "2011-04-28": 1}


def test_the_same_release_landed_twice_archives_nothing_new(landing: Landing) -> None:
    produce(landing, [FIRST])
    land_macro(landing, "test")
    produce(landing, [FIRST, FIRST])
    assert land_macro(landing, "test") == MacroLanded(messages=2)
    assert land_macro(landing, "test") == MacroLanded()
    assert len(archived(landing)) == 1


def die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def killed_landing(landing: Landing, patch: pytest.MonkeyPatch, place: object, name: str) -> None:
    with patch.context() as killed:
        killed.setattr(place, name, die)
        with pytest.raises(KeyboardInterrupt):
            land_macro(landing, "killed")


def test_a_kill_between_file_and_ledger_loses_and_doubles_nothing(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(landing, [FIRST, REVISED])
    killed_landing(landing, monkeypatch, landing.ledger, "commit")
    assert len(list(landing.folder.rglob("*.parquet"))) == 1
    assert archived(landing) == []
    produce(landing, [GDP])
    assert land_macro(landing, "test") == MacroLanded(messages=3, releases=3, files=2)
    assert landing.read(landing.ledger.ranges(MACRO_TOPIC)).height == 3


@pytest.mark.parametrize("place", ["archive", "ledger"])
def test_a_kill_between_ledger_and_archive_loses_and_doubles_nothing(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    produce(landing, [FIRST, REVISED])
    if place == "archive":
        killed_landing(landing, monkeypatch, archive, "archive")
    else:
        killed_landing(landing, monkeypatch, landing.ledger, "mark_published")
    before = archived(landing)
    assert len(before) == (place == "ledger")
    produce(landing, [GDP])
    land_macro(landing, "test")
    after = archived(landing)
    assert [str(file.landed.subject) for file in after] == ["UNRATE", "GDPC1"]
    assert after[: len(before)] == before


def test_what_is_no_release_stays_in_the_landed_file_and_is_counted(landing: Landing) -> None:
    assert isinstance(landing.log, FileLog)
    landing.log.append(MACRO_TOPIC, 0, [(1_301_702_400_000, b"X", b"[]"), (0, None, None)])
    produce(landing, [FIRST])
    done = land_macro(landing, "test")
    assert done == MacroLanded(messages=3, releases=1, files=1, unreadable=2)
    (landed,) = landing.ledger.ranges(MACRO_TOPIC)
    assert landing.read([landed])["value"].to_list()[:2] == [b"[]", None]
    assert landed.days == {"1970-01-01": 1, "2011-03-04": 1, "2011-04-02": 1}


def test_a_micro_batch_lands_releases_too_and_the_drop_folder_knows_them(
    landing: Landing,
) -> None:
    produce(landing, [FIRST])
    done = micro_batch.land_waiting(landing, {"source": "simulated"})
    assert done.macro == MacroLanded(messages=1, releases=1, files=1)
    settings = Settings(data_root=landing.paths.data_root)
    landing.paths.simulated_landing.mkdir(parents=True)
    (known,), new = ingest.archive_dataset(settings, landing.paths, "fred_observations")
    assert (known.landed.subject, known.is_synthetic, new) == ("UNRATE", True, 0)
    assert archive_landed(landing) == MacroLanded()
