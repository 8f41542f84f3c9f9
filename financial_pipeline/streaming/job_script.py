"""The Flink job as one SQL script: the files of its folder in order, with this run's values.

The files hold `${name}` where a value belongs. Secrets enter here, at submission, and nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas import stream
from financial_pipeline.schemas.stream import flink_columns
from financial_pipeline.settings import PROJECT_ROOT

JOB: Final = "market_bars_1m"
JOB_FOLDER: Final = PROJECT_ROOT / "flink" / "jobs" / JOB
# Read in this order; the last one holds the statements of the set.
VIEWS: Final = ("messages", "bars", "indicators", "alerts")
# The topics that the job writes, by their names in the placeholders.
SINKS: Final = {
    "bars": stream.BARS_TOPIC,
    "indicators": stream.INDICATORS_TOPIC,
    "alerts": stream.ALERTS_TOPIC,
    "dead_letter": stream.DEAD_LETTER_TOPIC,
    "late": stream.LATE_TOPIC,
}
PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")
# What a producer may have open at most: above any restart, below the broker's 15 minutes.
TRANSACTION_TIMEOUT_MS: Final = 600_000

Delivery = Literal["at-least-once", "exactly-once"]


@dataclass(frozen=True)
class JobValues:
    """What one submission fills in; `client` are Kafka client properties, secrets included."""

    bootstrap_servers: str
    delivery: Delivery = "at-least-once"
    bar_seconds: int = 60
    # Tasks of each operator; more than the topic has partitions are idle.
    parallelism: int = 1
    client: Mapping[str, str] = field(default_factory=dict)
    # More `SET` lines: checkpoints, retention.
    configuration: Mapping[str, str] = field(default_factory=dict)
    # Ends the job where the topic ends now (tests of the queries).
    is_bounded: bool = False
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


def _columns(topic: str) -> str:
    # The JSON format writes bytes as base64.
    kinds = {name: "bytes" if name == "payload" else kind for name, kind in flink_columns(topic)}
    return ", ".join(f"`{name}` {kind}" for name, kind in kinds.items())


def _placeholders(values: JobValues) -> dict[str, str]:
    client = {"properties.bootstrap.servers": values.bootstrap_servers} | {
        f"properties.{name}": value for name, value in values.client.items()
    }
    source = client | ({"scan.bounded.mode": "latest-offset"} if values.is_bounded else {})
    sink = client | {
        "connector": "kafka",
        "key.format": "json",
        "value.format": "json",
        "value.json.encode.decimal-as-plain-number": "true",
        "sink.delivery-guarantee": values.delivery,
        "properties.transaction.timeout.ms": str(TRANSACTION_TIMEOUT_MS),
    }
    written = {f"{name}_topic": values.prefix + topic for name, topic in SINKS.items()}
    columns = {f"{name}_columns": _columns(topic) for name, topic in SINKS.items()}
    return {
        "job": values.job,
        "group": values.job,
        "bar_seconds": str(values.bar_seconds),
        "raw_topic": values.raw_topic or values.prefix + stream.RAW_TOPIC,
        "source_options": _options(source),
        "sink_options": _options(sink),
        **written,
        **columns,
    }


def _filled(path: Path, placeholders: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in placeholders:
            raise PipelineError(f"{path.name} asks for ${{{match[1]}}}, which no setting fills.")
        return placeholders[match[1]]

    return PLACEHOLDER.sub(value, path.read_text("utf-8"))


def job_script(values: JobValues, source: Path | None = None, sink: Path | None = None) -> str:
    """The whole script for the SQL driver: settings, tables, views and the statement set.

    `source` and `sink` replace the job's own files where the queries run on something else.
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
    files = [
        source or JOB_FOLDER / "source.sql",
        sink or JOB_FOLDER / "sink.sql",
        *(JOB_FOLDER / f"{name}.sql" for name in VIEWS),
    ]
    parts = [_filled(path, placeholders) for path in files]
    query = _filled(JOB_FOLDER / "query.sql", placeholders)
    return "\n".join([*settings, *parts, f"execute statement set\nbegin\n{query}end;\n"])
