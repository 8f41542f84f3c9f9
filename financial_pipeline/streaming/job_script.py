"""The Flink job as one SQL script: the files of its folder in order, with this run's values.

The files hold `${name}` where a value belongs. Secrets enter here, at submission, and nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas import stream
from financial_pipeline.schemas.stream import flink_columns
from financial_pipeline.settings import PROJECT_ROOT

JOB: Final = "market_bars_1m"
JOB_FOLDER: Final = PROJECT_ROOT / "flink" / "jobs" / JOB
# Read in this order.
FILES: Final = ("source.sql", "messages.sql", "bars.sql", "indicators.sql", "alerts.sql")
# The views that the job writes: their topics, and the columns of the keys there.
SINKS: Final = {
    "bars": (stream.BARS_TOPIC, "symbol;window_start_us"),
    "indicators": (stream.INDICATORS_TOPIC, "symbol;window_start_us"),
    "alerts": (stream.ALERTS_TOPIC, "alert_id"),
    "dead_letters": (stream.DEAD_LETTER_TOPIC, "source_partition;source_offset"),
    "late_messages": (stream.LATE_TOPIC, "source_partition;source_offset"),
}
PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")
# Longest transaction of a producer: above any restart, below the broker's 15 minutes.
TRANSACTION_TIMEOUT_MS: Final = 600_000

Delivery = Literal["at-least-once", "exactly-once"]


@dataclass(frozen=True)
class JobValues:
    """The values of one submission; `client` are Kafka client properties, secrets included."""

    bootstrap_servers: str
    delivery: Delivery = "at-least-once"
    bar_seconds: int = 60
    # Tasks of each operator; more than the topic has partitions are idle.
    parallelism: int = 1
    client: Mapping[str, str] = field(default_factory=dict)
    # More `SET` lines: checkpoints, retention.
    configuration: Mapping[str, str] = field(default_factory=dict)
    # Before the names of all topics, of the consumer group and of the transactions: several jobs
    # on one cluster. `raw_topic` is read as it stands, where it is given.
    prefix: str = ""
    raw_topic: str | None = None

    @property
    def job(self) -> str:
        """Name of the job, its consumer group and its transactions."""
        return self.prefix + JOB


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _options(options: Mapping[str, str]) -> str:
    return ",\n  ".join(f"{_quoted(key)} = {_quoted(value)}" for key, value in options.items())


def _placeholders(values: JobValues) -> dict[str, str]:
    client = {"properties.bootstrap.servers": values.bootstrap_servers} | {
        f"properties.{name}": value for name, value in values.client.items()
    }
    timeout = {"properties.transaction.timeout.ms": str(TRANSACTION_TIMEOUT_MS)}
    return {
        "job": values.job,
        "bar_seconds": str(values.bar_seconds),
        "delivery": values.delivery,
        "raw_topic": values.raw_topic or values.prefix + stream.RAW_TOPIC,
        "source_options": _options(client),
        "sink_options": _options(client | timeout),
    }


def _fill(name: str, placeholders: Mapping[str, str]) -> str:
    """The text of a file of the job, with its values."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in placeholders:
            raise PipelineError(f"{name} asks for ${{{match[1]}}}, which no setting fills.")
        return placeholders[match[1]]

    return PLACEHOLDER.sub(value, (JOB_FOLDER / name).read_text("utf-8"))


def _sink(view: str, placeholders: Mapping[str, str], prefix: str) -> tuple[str, str]:
    """The table of a view's topic, and the statement that writes the view to it."""
    topic, key = SINKS[view]
    # The JSON format writes bytes as base64.
    kinds = {f"`{name}`": "bytes" if name == "payload" else k for name, k in flink_columns(topic)}
    columns = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    own = {"view": view, "topic": prefix + topic, "key": key, "columns": columns}
    insert = f"insert into {view}_topic select {', '.join(kinds)} from {view};"
    return _fill("sink.sql", {**placeholders, **own}), insert


def job_script(values: JobValues) -> str:
    """The whole script for the SQL driver: settings, tables, views and the statement set.

    Raises `PipelineError` for a placeholder that nothing fills.
    """
    placeholders = _placeholders(values)
    configuration = {
        "pipeline.name": values.job,
        "table.local-time-zone": "UTC",
        "pipeline.object-reuse": "true",
        "parallelism.default": str(values.parallelism),
    } | dict(values.configuration)
    settings = [f"set {_quoted(k)} = {_quoted(v)};" for k, v in configuration.items()]
    parts = [_fill(name, placeholders) for name in FILES]
    sinks = [_sink(view, placeholders, values.prefix) for view in SINKS]
    tables, inserts = zip(*sinks, strict=True)
    lines = [*settings, *parts, *tables, "execute statement set", "begin", *inserts, "end;\n"]
    return "\n".join(lines)
