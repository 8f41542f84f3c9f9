"""Messages per second through the whole job, and through parts of it."""

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from financial_pipeline.bench.stream_job import (
    RunningJob,
    Sampler,
    drain_rate,
    own_runtime,
    start_job,
    whole_job,
)
from financial_pipeline.bench.stream_load import Gate, trades
from financial_pipeline.local_cluster.connection import Connection
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.topics import create_topics
from financial_pipeline.schemas import stream
from financial_pipeline.streaming.clients import ClientName, open_sink
from financial_pipeline.streaming.job_script import Delivery
from financial_pipeline.streaming.producing import Producer
from financial_pipeline.streaming.reading import messages

Result = dict[str, Any]
# Messages per minute of event time: at the target rates a window closes every few seconds.
PER_MINUTE: Final = {"confluent-kafka": 200_000, "kafka-python": 40_000}
# The producer waits while more messages than this are unread, so the input rate is sustained.
LAG_LIMIT: Final = {"confluent-kafka": 600_000, "kafka-python": 120_000}
# The longest wait for the last windows to be written.
WRITTEN_SECONDS: Final = 60.0


def measure_sustained(
    folder: Path, client: ClientName, delivery: Delivery, seconds: float
) -> Result:
    """Input for some seconds through bars, indicators, alerts, dead letters and late messages.

    Keys: produced_per_second, through_per_second (until everything is read), catch_up_seconds,
    lag (at each tenth of the time), waited_seconds (of the producer for the job), accounted
    (aggregated + late + dead + heartbeats are the messages of the topic), cpu_us (processor time
    per message of each process) and bearable_per_second (what the cores could bear at that cost
    if nothing else ran on them), busy and frames (what the operators and the TaskManager's threads
    did), and the counts.
    """
    with own_runtime(folder) as runtime:
        job = whole_job(runtime, delivery)
        producer, gate = _producer(runtime, client), Gate(seconds)
        sampler = Sampler(job, gate, LAG_LIMIT[client])
        with sampler.sampling():
            began = time.monotonic()
            producer.run(gate.through(trades(PER_MINUTE[client])))
            ended = time.monotonic()
            producer.close_windows(60)
            read = job.wait_until_drained()
        return {
            "client": client,
            "delivery": delivery,
            "sent": producer.sent,
            "produced_per_second": round(producer.sent / (ended - began)),
            "through_per_second": round(producer.sent / (read - began)),
            "catch_up_seconds": round(read - ended, 1),
            "waited_seconds": round(gate.waited, 1),
            "lag": sampler.tenths(ended - began),
            **_costs(sampler.cpu, producer.sent),
            **_accounts(job, producer.sink.partitions),
            "busy": sampler.busy,
            "frames": dict(sampler.frames.most_common(12)),
        }


def _costs(cpu: dict[str, float], sent: int) -> Result:
    """Processor microseconds per message by process, and the rate at which all cores are busy."""
    each = {name: round(used * 1e6 / max(sent, 1), 2) for name, used in cpu.items()}
    cores = os.cpu_count() or 1
    return {
        "cpu_us": each,
        "bearable_per_second": round(cores * 1e6 / max(sum(each.values()), 1e-9)),
    }


def _producer(runtime: LocalRuntime, client: ClientName) -> Producer:
    return Producer(open_sink(client, stream.RAW_TOPIC, Connection(runtime.bootstrap_servers)))


def _accounts(job: RunningJob, still_open: int) -> Result:
    """Count the fates of the topic's messages, once the last window is written.

    `still_open` heartbeats closed that window from a later one, which nothing closes.
    """
    total, deadline = job.lag()[0], time.monotonic() + WRITTEN_SECONDS
    while True:
        found = _counts(job)
        accounted = sum(found[name] for name in ("aggregated", "late", "dead", "heartbeats"))
        if accounted + still_open >= total or time.monotonic() > deadline:
            return {"messages": total, **found, "accounted": accounted + still_open == total}
        time.sleep(1.0)


def _counts(job: RunningJob) -> Result:
    """By keyed rows, so that a row which was written twice counts once."""
    client, found = job.runtime.client, Counter[str]()
    bars = {}
    for message in messages(stream.BARS_TOPIC, client):
        row = json.loads(message.value() or b"")
        bars[row["symbol"], row["window_start_us"]] = row["message_count"]
    for (symbol, _), count in bars.items():
        found["heartbeats" if symbol == stream.HEARTBEAT_SYMBOL else "aggregated"] += count
    topics = {"late": stream.LATE_TOPIC, "dead": stream.DEAD_LETTER_TOPIC}
    topics |= {"indicators": stream.INDICATORS_TOPIC, "alerts": stream.ALERTS_TOPIC}
    for name, topic in topics.items():
        found[name] = len({message.key() for message in messages(topic, client)})
    names = ("aggregated", "late", "dead", "heartbeats", "indicators", "alerts")
    return {"bars": len(bars), **{name: found[name] for name in names}}


# The bars alone, without verdicts: JSON as Flink reads it, one window, one sink.
BARE_JOB: Final = "bare_bars"
BARE_SCRIPT: Final = """
set 'pipeline.name' = 'bare_bars';
set 'table.local-time-zone' = 'UTC';
set 'pipeline.object-reuse' = 'true';
create table ticks (symbol string, event_us bigint, watermark_us bigint, `close` decimal(18, 4),
  volume bigint, notional decimal(18, 4), event_at as to_timestamp_ltz(event_us / 1000, 3),
  watermark_at as to_timestamp_ltz(watermark_us / 1000, 3), watermark for event_at as watermark_at
) with ('connector' = 'kafka', 'topic' = 'raw_market_ohlcv',
  'properties.bootstrap.servers' = '{servers}', 'properties.group.id' = 'bare_bars',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.ignore-parse-errors' = 'true');
create table bars (symbol string, window_start timestamp(3), low decimal(18, 4),
  high decimal(18, 4), volume bigint, notional decimal(38, 4), messages bigint
) with ('connector' = 'kafka', 'topic' = 'bare_bars',
  'properties.bootstrap.servers' = '{servers}', 'format' = 'json');
execute statement set begin
insert into bars select symbol, window_start, min(`close`), max(`close`), sum(volume),
  sum(notional), count(*)
from table(tumble(table ticks, descriptor(event_at), interval '60' second))
group by symbol, window_start, window_end;
end;
"""


def alone(folder: Path, client: ClientName, seconds: float) -> Result:
    """The producer alone for some seconds; what it sent is then drained by a job of bars only,
    and by the whole job: rates without anybody else at work.
    """
    with own_runtime(folder) as runtime:
        producer, gate = _producer(runtime, client), Gate(seconds)
        began = time.monotonic()
        producer.run(gate.through(trades(PER_MINUTE[client])))
        produced = producer.sent / (time.monotonic() - began)
        producer.close_windows(60)
        create_topics(runtime.client, {BARE_JOB: 3}, 1)
        script = BARE_SCRIPT.replace("{servers}", runtime.bootstrap_servers)
        bars_only = drain_rate(start_job(runtime, script, BARE_JOB))
        whole = drain_rate(whole_job(runtime))
    return {
        "client": client,
        "sent": producer.sent,
        "producer_alone_per_second": round(produced),
        "bars_only_drained_per_second": round(bars_only),
        "whole_job_drained_per_second": round(whole),
    }
