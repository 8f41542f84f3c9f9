"""The simulated trades through a stream of their own, while the batch chain of the demo runs.

Kafka and Flink start while the world is simulated and the loans are built; if they are unavailable
or not wanted, the brokerless replay makes the same bars.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from financial_pipeline.local_cluster import control
from financial_pipeline.local_cluster.connection import connection
from financial_pipeline.local_cluster.java import RuntimeUnavailable
from financial_pipeline.local_cluster.status import is_running, read_status
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import RAW_TOPIC
from financial_pipeline.settings import Settings
from financial_pipeline.simulator.ticks import last_sessions, newest_trades
from financial_pipeline.streaming import replay
from financial_pipeline.streaming.clients import Sink, open_sink
from financial_pipeline.streaming.local_stream import SUPERVISOR
from financial_pipeline.streaming.message_log import FileLog, FileSink
from financial_pipeline.streaming.producing import Held, produce
from financial_pipeline.streaming.progress import wait_until_processed
from financial_pipeline.streaming.reading import held_of, read_held

# Number of newest sessions whose trades the demo sends.
SESSIONS: Final = 2
NOT_WANTED: Final = "Not wanted (--no-stream)."
Report = Callable[[str], None]


class SimulatedStream:
    """A thread that starts a stream, sends the trades and keeps it until the tables are made."""

    def __init__(self, settings: Settings, paths: Paths, report: Report, *, wanted: bool) -> None:
        self._settings, self._paths, self._report = settings, paths, report
        self._wanted = wanted
        self._prices, self._processed = threading.Event(), threading.Event()
        self._released = threading.Event()
        self._is_closing = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="stream", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread; the caller continues."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the running stream, and return when it has ended."""
        self._is_closing = True
        self._prices.set()
        self._released.set()
        self._thread.join()

    def prices_are_there(self) -> tuple[str, str]:
        """Signal that the simulated price files are written.

        Returns the first and the last session (ISO) whose trades are sent.
        """
        self._prices.set()
        days = last_sessions(self._paths.simulated_prices, SESSIONS)
        return days[0].isoformat(), days[-1].isoformat()

    def wait(self) -> None:
        """Return when every bar of the trades is on its topic; raises its error."""
        self._processed.wait()
        if self._failure:
            raise self._failure

    def release(self) -> None:
        """Signal that the topics are no longer read: the stream stops in the background."""
        self._released.set()

    def _work(self) -> None:
        try:
            with self._engine() as send:
                self._prices.wait()
                if not self._is_closing:
                    send()
                    self._processed.set()
                    self._released.wait()
        except BaseException as failure:
            self._failure = failure
        finally:
            self._processed.set()

    @contextmanager
    def _engine(self) -> Iterator[Callable[[], None]]:
        """Return the function that sends the trades and waits for their bars."""
        state = self._paths.stream_runtime
        try:
            started = self._up(state)
        except RuntimeUnavailable as absent:
            self._report(f"stream: {absent} The brokerless replay makes the bars instead.")
            yield self._through_replay
            return
        try:
            yield self._through_kafka
        finally:
            if started:
                control.down(state)

    def _up(self, state: Path) -> bool:
        """Whether the stream was started here; one that runs already is used and left alone."""
        while is_running(state):
            status = read_status(state)
            if status and status.phase == "healthy":
                return False
            # A stream is starting, or that of a killed demo is stopping.
            time.sleep(0.5)
        if not self._wanted:
            raise RuntimeUnavailable(NOT_WANTED)
        began = time.monotonic()
        control.up(state, SUPERVISOR, tied=True)
        self._report(f"{'stream up':<22} {'':<26} {time.monotonic() - began:6.1f} s")
        return True

    def _through_kafka(self) -> None:
        brokers = connection(self._settings, self._paths)
        there = read_held(RAW_TOPIC, brokers.confluent())
        self._send(open_sink("confluent-kafka", RAW_TOPIC, brokers), there)
        wait_until_processed(self._paths.stream_runtime, brokers)

    def _through_replay(self) -> None:
        log = FileLog(self._paths.replay_log)
        ends = log.end_offsets([RAW_TOPIC])[RAW_TOPIC]
        whole = {partition: (0, end) for partition, end in ends.items()}
        rows = log.read(RAW_TOPIC, whole).select("kafka_partition", "record_ms", "value")
        self._send(FileSink(log, RAW_TOPIC, replay.PARTITIONS), held_of(rows.iter_rows()))
        replay.run(log, self._settings.stream_bar_seconds)

    def _send(self, sink: Sink, there: Held) -> None:
        trades = newest_trades(self._paths.simulated_prices, SESSIONS, self._settings.seed)
        produce(trades, sink, there, self._settings.stream_bar_seconds)
