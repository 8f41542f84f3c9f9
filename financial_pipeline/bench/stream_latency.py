"""From a window's close to its rows in the published tables, and from nothing to the first bar."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

from financial_pipeline.bench.process_use import repeating
from financial_pipeline.bench.stream_job import own_runtime, whole_job
from financial_pipeline.bench.stream_load import MINUTE_US, Gate, Watched, trades
from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.connection import Connection
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.schemas import stream
from financial_pipeline.streaming.clients import open_sink
from financial_pipeline.streaming.job_script import Delivery
from financial_pipeline.streaming.producing import Producer

Result = dict[str, Any]
COMMAND: Final = Path(sys.executable).with_name("financial-pipeline")
BARS_TABLE: Final = "stream/market_bars_1m"
# A replay at thirty times its pace: a window closes every two seconds.
RATE, PER_MINUTE = 2_000, 4_000
LOOK_SECONDS: Final = 0.05
# For the last windows to come through, and for a first bar.
PATIENCE_SECONDS: Final = 60.0
FIRST_BAR_SECONDS: Final = 240.0
SHARES: Final = {"p50_seconds": 0.5, "p95_seconds": 0.95, "p99_seconds": 0.99}


def percentiles(seconds: Sequence[float]) -> Result:
    """The median, the 95th and 99th percentile and the largest of some delays."""
    values = pl.Series(seconds, dtype=pl.Float64)
    found = {name: values.quantile(share, "nearest") for name, share in SHARES.items()}
    return {name: round(value or 0.0, 2) for name, value in found.items()} | {
        "most_seconds": round(max(seconds, default=0.0), 2)
    }


def window_to_table(folder: Path, delivery: Delivery, seconds: float) -> Result:
    """Delay from the watermark passing a window's end, in the producer, to each of its rows being
    readable, with `stream land --follow` at work.

    Keys: delivery, windows, rows, p50_seconds, p95_seconds, p99_seconds, most_seconds.
    """
    paths = Paths(folder / "root")
    with own_runtime(folder) as runtime:
        whole_job(runtime, delivery)
        brokers = Connection(runtime.bootstrap_servers)
        sink = Watched(open_sink("confluent-kafka", stream.RAW_TOPIC, brokers))
        producer, gate = Producer(sink), Gate(seconds, RATE)
        reader = _Reader(paths)
        with _landing(paths, runtime.bootstrap_servers), repeating(reader.look, LOOK_SECONDS):
            producer.run(gate.through(trades(PER_MINUTE)))
            producer.close_windows(60)
            reader.wait_for(set(sink.closed))
    delays = [at - sink.closed[end] for (_, end), at in reader.seen.items() if end in sink.closed]
    windows = {end for _, end in reader.seen} & set(sink.closed)
    return {
        "delivery": delivery,
        "windows": len(windows),
        "windows_closed": len(sink.closed),
        "rows": len(delays),
        **percentiles(delays),
    }


def _environment(root: Path, servers: str = "") -> dict[str, str]:
    return {
        **os.environ,
        "FINANCIAL_PIPELINE_DATA_ROOT": str(root),
        "FINANCIAL_PIPELINE_KAFKA_BROKERS": servers,
    }


@contextmanager
def _landing(paths: Paths, servers: str) -> Iterator[None]:
    """`stream land --follow` in a process of its own."""
    paths.data_root.mkdir(parents=True, exist_ok=True)
    with (paths.data_root / "landing.txt").open("w") as output:
        process = subprocess.Popen(
            [str(COMMAND), "stream", "land", "--follow"],
            env=_environment(paths.data_root, servers),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
            if process.poll() is not None:
                said = (paths.data_root / "landing.txt").read_text("utf-8").strip()
                raise PipelineError(f"`stream land --follow` ended: {said.splitlines()[-1:]}")
        finally:
            process.terminate()
            process.wait()


class _Reader:
    """Reads the published bars as a dashboard would, and notes when each was there first."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        # Symbol and end of the window -> when the row was read.
        self.seen: dict[tuple[str, int], float] = {}
        self._last = ""

    def look(self) -> None:
        """Read the bars if their table has a new version."""
        try:
            table = read_manifest(self.paths).table(BARS_TABLE)
        except PipelineError:
            return
        if table.folder != self._last:
            self._last = table.folder
            rows = pl.read_parquet(parquet_files(self.paths, table))
            at = time.time()
            for symbol, start in rows.select("symbol", "window_start_us").iter_rows():
                self.seen.setdefault((symbol, start + MINUTE_US), at)

    def wait_for(self, ends: set[int]) -> None:
        """Until rows of all these windows were seen, or patience ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while ends - {end for _, end in list(self.seen)} and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)


def nothing_to_bar(folder: Path) -> Result:
    """`stream up` on an empty data root, bars of half an hour replayed, `stream land`, first bar.

    The jars are cached. Keys: up_seconds, first_bar_seconds, bars.
    """
    paths = Paths(folder / "root")
    file, environment = folder / "JPM_1min.csv", _environment(paths.data_root)
    rows = [f"2019-03-19 09:{minute}:00,100,101,99,100.5,1000" for minute in range(30, 60)]
    file.write_text("\n".join(["datetime,open,high,low,close,volume", *rows]) + "\n", "utf-8")

    def run(*arguments: str) -> None:
        command = [str(COMMAND), "stream", *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=FIRST_BAR_SECONDS
        )
        if done.returncode:
            raise PipelineError(f"`stream {arguments[0]}` failed: {done.stderr.strip()}")

    began = time.monotonic()
    try:
        run("up")
        up = time.monotonic()
        run("produce", str(file))
        bars = _first_bars(paths, run)
        read = time.monotonic()
    finally:
        run("down")
    return {
        "up_seconds": round(up - began, 1),
        "first_bar_seconds": round(read - began, 1),
        "bars": bars,
    }


def _first_bars(paths: Paths, run: Any) -> int:
    deadline = time.monotonic() + FIRST_BAR_SECONDS
    while time.monotonic() < deadline:
        run("land")
        bars = read_manifest(paths).table(BARS_TABLE).rows
        if bars:
            return bars
    raise PipelineError("No bar came into a table.")
