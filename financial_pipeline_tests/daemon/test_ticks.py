"""From a tick of a sensor to the published table, by a running daemon and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl
import pytest

from financial_pipeline.local_cluster.runtime import RuntimePlan, local_runtime
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import is_published, read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.job_script import job_script
from financial_pipeline.streaming.local_stream import job_values
from financial_pipeline_tests.daemon import market_files
from financial_pipeline_tests.daemon.server import Server, eventually
from financial_pipeline_tests.flink.feed import Bars, Feed, landed_bars, send

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]

# Several runs one after the other, each with its own process, on a machine with other work.
SOON = 900.0


@dataclass(frozen=True)
class Automated:
    """A data root whose sensors are on, and what was sent to its brokers before."""

    paths: Paths
    feed: Feed

    def published(self, key: str) -> list[pl.DataFrame]:
        """The rows of a table, in a list that is empty before it is published."""
        if not is_published(self.paths):
            return []
        table = read_manifest(self.paths).tables.get(key)
        return [pl.read_parquet(parquet_files(self.paths, table))] if table else []


@pytest.fixture(scope="module")
def automated(
    runtime_plan: RuntimePlan, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Automated]:
    """A daemon with all sensors on, over two price files and the messages of one minute."""
    root, feed = tmp_path_factory.mktemp("automated"), Feed(30_000, 60)
    days = dict(enumerate(market_files.trading_days()))
    for bank in market_files.BANKS:
        market_files.price_file(root / "drop", bank, days)
    with local_runtime(replace(runtime_plan, state=root / "brokers")) as runtime:
        runtime.submit(job_script(job_values(Settings(), runtime)))
        send(feed, runtime.client, 0.0)
        variables = market_files.variables(root / "drop") | {
            "FINANCIAL_PIPELINE_AUTOMATION": "1",
            "FINANCIAL_PIPELINE_KAFKA_BROKERS": runtime.bootstrap_servers,
        }
        server = Server(root / "data", variables)
        try:
            server.start()
            yield Automated(Paths(server.root), feed)
        finally:
            server.stop()


def test_a_tick_of_the_drop_folder_publishes_its_prices(automated: Automated) -> None:
    [prices] = eventually(lambda: automated.published("exports/fct_daily_prices"), "prices", SOON)
    assert prices.height == len(market_files.BANKS) * market_files.SESSIONS
    newest = prices.filter(session_date=market_files.trading_days()[-1]).sort("symbol")
    assert newest["close"].to_list() == [34.75, 104.75]


def test_a_tick_of_the_topics_publishes_the_bars(automated: Automated) -> None:
    def found() -> list[Bars]:
        tables = map(landed_bars, automated.published("stream/market_bars_1m"))
        return [bars for bars in tables if bars == automated.feed.bars]

    [bars] = eventually(found, "the bars as they were sent", SOON)
    assert len(bars) == 30
