"""The market assets publish the stream tables once per run, also if a day differs."""

from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from financial_pipeline.defs.operations import RANGE_END, RANGE_START
from financial_pipeline.defs.raw.topics import market_topics
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.defs.staging import market_bars
from financial_pipeline.defs.stream import assets
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.schemas import stream
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming import micro_batch, parity, replay
from financial_pipeline.streaming.bar_staging import read_comparison
from financial_pipeline.streaming.logs import current_landing
from financial_pipeline.streaming.message_log import FileLog
from financial_pipeline_tests.streaming import stream_world
from financial_pipeline_tests.streaming.stream_world import DAYS, OPENINGS_US
from financial_pipeline_tests.streaming.test_landing import WORLD

LANDING = [market_topics, assets.landed_stream_tables, assets.status]
COMPARING = [
    market_bars.market_parity,
    market_bars.market_bars,
    market_bars.market_alerts,
    assets.parity,
]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A data root whose replayed topics have landed and are published."""
    paths = Paths(tmp_path / "root")
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(paths.data_root))
    replay.run(stream_world.two_sessions(paths.replay_log))
    return paths


def run(selected: list[dg.AssetsDefinition], *days: str) -> dg.ExecuteInProcessResult:
    defs = dg.Definitions(assets=selected, resources={"pipeline": Pipeline()})
    tags = {RANGE_START: days[0], RANGE_END: days[-1]} if days else {}
    job = defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(tags=tags, raise_on_error=False)


def table(paths: Paths, name: str) -> pl.DataFrame:
    return pl.read_parquet(parquet_files(paths, read_manifest(paths).table(f"stream/{name}")))


def test_landing_publishes_every_table_of_a_topic_and_the_status(paths: Paths) -> None:
    done = run(LANDING)
    assert done.success
    assert all(one.passed for one in done.get_asset_check_evaluations())
    landed = {name for name, contract in STREAM_TABLES.items() if contract.topic}
    tables = read_manifest(paths).tables
    assert {key.removeprefix("stream/") for key in tables} == landed | {"status"}
    assert tables["stream/market_bars_1m"].rows > 50
    assert run(LANDING).success
    assert read_manifest(paths).table("stream/market_bars_1m") == tables["stream/market_bars_1m"]


def test_comparison_is_computed_once_and_read_by_bars_alerts_and_parity(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    compare = parity.compare
    monkeypatch.setattr(parity, "compare", lambda *a: calls.append(a) or compare(*a))
    assert run(LANDING).success
    assert run(COMPARING, *DAYS).success
    assert len(calls) == 1
    assert table(paths, "parity")["passed"].to_list() == [True, True]
    found, kept = compare(current_landing(paths), *DAYS), read_comparison(paths, DAYS)
    assert kept.rows.equals(found.rows)
    assert kept.bars.sort("symbol", "window_start_us").equals(
        found.bars.sort("symbol", "window_start_us")
    )
    staged = sorted(paths.staging("market_bars").glob("*.parquet"))
    assert pl.read_parquet(staged).height == found.bars.height


def test_parity_of_a_day_that_differs_is_published_although_its_bars_fail(paths: Paths) -> None:
    assert run(LANDING).success
    landing = current_landing(paths)
    file = landing.folder / landing.ledger.ranges(stream.BARS_TOPIC)[0].file
    frame = pl.read_parquet(file)
    text = frame["value"].cast(pl.String).str.replace('"volume":', '"volume":1')
    frame.with_columns(value=text.cast(pl.Binary)).write_parquet(file)
    assert not run(COMPARING, DAYS[0], DAYS[0]).success
    assert table(paths, "parity")["passed"].to_list() == [False]


def first_day(paths: Paths) -> dict[str, pl.DataFrame]:
    """The rows of the first day in the tables that a comparison changes."""
    is_first = pl.col("session_date").cast(pl.String) == DAYS[0]
    return {name: table(paths, name).filter(is_first) for name in ("parity", *parity.COMPARED)}


def test_a_comparison_that_was_staged_earlier_replaces_no_later_one(paths: Paths) -> None:
    assert run(LANDING).success
    assert run(COMPARING[:1], *DAYS).success
    # `stream land` lands more of the first day and compares it, while the run is under way.
    log, landing = FileLog(paths.replay_log), current_landing(paths)
    stream_world.write(log, stream_world.session(OPENINGS_US[0], 3, seed=9, faults=False))
    replay.run(log)
    micro_batch.compare_days(landing, micro_batch.land_waiting(landing, WORLD).days, WORLD)
    later = first_day(paths)
    staged = read_comparison(paths, DAYS).rows
    assert staged["produced"][0] < later["parity"]["produced"][0]
    assert run(COMPARING[-1:], *DAYS).success
    assert [name for name, rows in first_day(paths).items() if not rows.equals(later[name])] == []
    assert table(paths, "parity")["session_date"].cast(pl.String).to_list() == list(DAYS)
