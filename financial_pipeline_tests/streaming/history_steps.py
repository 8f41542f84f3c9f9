"""The steps of a simulated history: what producers, jobs, landings and brokers do."""

import random
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.changes import state
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import channel_tables
from financial_pipeline.publishing.publication import Publication, publish
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas import stream
from financial_pipeline.streaming import micro_batch, replay, tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.logs import MARKET_TOPICS
from financial_pipeline_tests.io_scenarios import WHOLE
from financial_pipeline_tests.streaming.history_model import Model, check_whole
from financial_pipeline_tests.streaming.simulated_log import PARTS, Job, SimulatedLog
from financial_pipeline_tests.streaming.simulated_producer import Producer

WORLD = {"source": "simulated"}
# The share of histories in which days are compared with the batch.
COMPARING = 0.3
SENTENCES = (
    "was deleted and created again",
    "--skip-lost",
    "cannot be read from the ledger's offset on",
    "while this publication was built",
    "answers now",
)


class Steps:
    """One data root, the log that lands in it, and what its model expects."""

    def __init__(self, root: Path, rng: random.Random) -> None:
        self.root, self.rng, self.paths = root, rng, Paths(root / "data")
        self.landing: Landing | None = None
        self.process_id, self.clock_skew, self.batches = 1, 0.0, 0
        self.source, self.checked = 0, set[str]()
        # The batch computes for longer than everything else takes.
        self.compares = rng.random() < COMPARING
        self.start_over()

    def start_over(self) -> None:
        """Begin with a new log that has no topics but the raw one."""
        self.log = SimulatedLog(self.rng.choice(("flink", "flink", "replay")))
        self.log.create(stream.RAW_TOPIC)
        self.model, self.job = Model(self.log), Job(self.log)
        self.producer = Producer(self.rng, self.log, self.model)
        self.was_made_again = self.is_replaying = False
        self.restart()

    def restart(self) -> None:
        """Let the next step run in a new process."""
        self.landing, self.process_id = None, self.process_id + 1

    def process(self) -> Landing:
        """Return the landing of the process that runs."""
        self.landing = self.landing or Landing(self.paths, self.log)
        return self.landing

    @property
    def is_flink(self) -> bool:
        return self.log.engine == "flink"

    def produce(self) -> None:
        """Send some messages."""
        self.producer.produce()

    def turn_clock(self) -> None:
        """Turn the clock of the machine, or that of the broker."""
        self.clock_skew = self.rng.choice((0.0, 90_000.0, 10_000_000.0, -90_000.0))
        self.producer.record_skew_us = self.rng.choice((0, 0, 100, -30, -100)) * 1_000_000

    def run_job(self) -> None:
        """Let the job read what there is."""
        raw = self.log.topics[stream.RAW_TOPIC]
        if not self.is_flink:
            # Commands replay one after the other.
            if not self.is_replaying:
                self._replay()
        elif raw is self.producer.topic:
            self.job.run(self.rng, raw)

    def _replay(self) -> None:
        self.is_replaying = True
        try:
            replay.run(self.log)
        finally:
            self.is_replaying = False

    def land(self) -> None:
        """Land a part of what waits, of some topics, as assets do."""
        landing, count = self.process(), self.rng.randint(1, len(MARKET_TOPICS))
        waiting = landing.waiting(tuple(self.rng.sample(MARKET_TOPICS, count)))
        for topic, ranges in waiting.items():
            chosen = self.rng.sample(sorted(ranges), self.rng.randint(1, len(ranges)))
            part = {one: ranges[one] for one in chosen}
            if self.rng.random() < 0.5:
                part = {one: (s, self.rng.randint(s + 1, e)) for one, (s, e) in part.items()}
            landing.land(topic, part, f"{micro_batch.COMMAND}land")

    def publish(self) -> None:
        """Publish all landed rows."""
        tables.publish_landed(self.process(), WORLD)

    def land_waiting(self) -> None:
        """Do what the command does: land everything, publish it, and the status."""
        micro_batch.land_waiting(self.process(), WORLD)

    def catch_up(self) -> None:
        """Send, read, land and publish more."""
        self.produce()
        self.run_job()
        self.land_waiting()

    def compare(self) -> None:
        """Compare the days that wait for it with the batch, and publish the parity."""
        landing = self.process()
        days = landing.ledger.uncompared_days(MARKET_TOPICS, micro_batch.COMMAND)
        if self.compares and days:
            micro_batch.compare_days(landing, days, WORLD)

    def skip_lost(self) -> None:
        """Step over messages that the log deleted before they landed."""
        self.process().skip_lost(MARKET_TOPICS, "skip")

    def batch(self) -> None:
        """Build a table of the batch if its source changed, as commands do."""
        self.batches += 1
        publication = Publication(self.paths, f"command-{self.batches}")
        wanted = state.Built("code", "settings", None, {"source": str(self.source)})
        table = channel_tables(self.paths, "batch").get(WHOLE.key)
        held = state.read(self.paths).get(WHOLE.key)
        if (
            table is None
            or held is None
            or held.wrote != table.content_hash
            or (held.reads != wanted.reads)
        ):
            state.forget(self.paths, [WHOLE.key])
            made = write_table(self.paths, WHOLE, pl.DataFrame({"n": [self.source]}))
            publication.register(made)
            publish(self.paths, [publication.run], WORLD)
            entry = state.Built("code", "settings", None, wanted.reads, made.content_hash)
            state.remember(self.paths, {WHOLE.key: entry})
        (file,) = (self.paths.data_root / channel_tables(self.paths, "batch")[WHOLE.key].folder
                   ).glob("*.parquet")  # fmt: skip
        assert pl.read_parquet(file)["n"].to_list() == [self.source]
        self.source = self.rng.randrange(3)

    def delete_oldest(self) -> None:
        """Let the broker delete the oldest messages of a partition, landed or not."""
        ends = self.model.ends if self.rng.random() < 0.6 else self._readable_ends()
        deletable = [
            (self.log.topics[name], part, end)
            for (name, part), end in ends.items()
            if end > self.log.topics[name].firsts[part]
        ]
        if self.is_flink and deletable and not self.was_made_again:
            topic, part, end = self.rng.choice(deletable)
            topic.firsts[part] = self.rng.randint(topic.firsts[part] + 1, end)

    def _readable_ends(self) -> dict[tuple[str, int], int]:
        """Return the ends of all partitions; of the raw ones, how far the job has read."""
        ends = {
            (name, part): len(records)
            for name, topic in self.log.topics.items()
            for part, records in topic.records.items()
        }
        return ends | {(stream.RAW_TOPIC, part): end for part, end in self.job.read.items()}

    def make_again(self) -> None:
        """Delete a topic and create it again, with as many messages or fewer."""
        name = self.rng.choice(list(self.log.topics))
        if self.is_flink:
            self.was_made_again = True
            old, new = self.log.topics[name], self.log.create(name)
            for part in PARTS if self.rng.random() < 0.7 else ():
                new.records[part] += [(1, b"other", b"{}")] * len(old.records[part])

    def other_cluster(self) -> None:
        """Answer as another cluster; nothing may land from it."""
        if not self.model.ends:
            return
        mine, self.log.identity = self.log.identity, "kafka:two"
        self.restart()
        try:
            with pytest.raises(PipelineError, match="kafka:two answers now"):
                self.process().waiting(MARKET_TOPICS)
        finally:
            self.log.identity = mine
            self.restart()

    def check(self) -> None:
        """Require that the ledger and its files agree with the log, and every table is whole."""
        self.model.check_ledger(self.paths.landed_stream(self.log.engine))
        check_whole(self.paths, self.checked)

    def judge_refusal(self, refusal: PipelineError) -> None:
        """Require that a refusal is one known sentence or two, on one line."""
        text = str(refusal)
        assert "\n" not in text
        assert any(sentence in text for sentence in SENTENCES), text
