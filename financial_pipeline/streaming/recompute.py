"""The same job once more over landed messages: the bars according to the batch.

`judgement.py` judges each message; `bars.sql` and `indicators.sql` compute on those that count.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.publishing.duckdb_session import in_memory
from financial_pipeline.schemas import stream
from financial_pipeline.schemas.stream_tables import POLARS_TYPES
from financial_pipeline.streaming.judgement import judge

FOLDER: Final = Path(__file__).parent
# Verdicts on a message.
AGGREGATED, LATE, HEARTBEAT, DEAD_LETTER = "aggregated", "late", "heartbeat", "dead_letter"
FIELDS: Final = tuple(column.name for column in stream.RAW)
# Columns that `judge_messages` adds.
JUDGED: Final = {
    **{column.name: POLARS_TYPES[column.kind] for column in stream.RAW},
    "reason": pl.String(),
    "says_us": pl.Int64(),
    "verdict": pl.String(),
}


@dataclass(frozen=True)
class Recomputed:
    """Bars, their indicators and alerts, in the columns of their topics."""

    bars: pl.DataFrame
    indicators: pl.DataFrame
    alerts: pl.DataFrame


def _statements(name: str) -> list[str]:
    return (FOLDER / name).read_text("utf-8").split("\n;\n")


def _row(value: bytes | None, record_ms: int) -> tuple[object, ...]:
    """The columns of JUDGED of one message."""
    found = judge(value, record_ms)
    if found.reason:
        verdict = DEAD_LETTER
    elif found.is_heartbeat:
        verdict = HEARTBEAT
    else:
        verdict = LATE if found.is_late else AGGREGATED
    fields = [found.fields.get(name) for name in FIELDS]
    return *fields, found.reason, found.watermark_us, verdict


def _series(name: str, place: int, rows: list[tuple[object, ...]]) -> pl.Series:
    values = [row[place] for row in rows]
    if JUDGED[name] != POLARS_TYPES["price"]:
        return pl.Series(name, values, JUDGED[name])
    # Ten times as fast as from Decimal objects.
    texts = [None if value is None else str(value) for value in values]
    return pl.Series(name, texts, pl.String()).cast(JUDGED[name])


def judge_messages(messages: pl.DataFrame, bar_seconds: int = 60) -> pl.DataFrame:
    """Each message of a MESSAGES frame with typed columns, `verdict`, `reason`, `window_start_us`.

    `verdict` is aggregated, late (behind its producer), heartbeat or dead_letter; `says_us` is the
    watermark of the message, microseconds. Rows are in order of partition and offset.
    """
    ordered = messages.sort("kafka_partition", "kafka_offset")
    rows = [_row(*pair) for pair in ordered.select("value", "record_ms").iter_rows()]
    judged = pl.DataFrame(
        [_series(name, place, rows) for place, name in enumerate(JUDGED)], schema=JUDGED
    )
    width = bar_seconds * 1000
    start = pl.col("event_us") // 1000 // width * width * 1000
    return ordered.hstack(judged).with_columns(window_start_us=start)


def recompute(counted: pl.DataFrame, watermark_us: int, bar_seconds: int = 60) -> Recomputed:
    """The bars of judged messages whose window the watermark has passed, indicators and alerts.

    `counted` are the rows of `judge_messages` that count, chosen by the caller.
    """
    with in_memory() as connection:
        connection.register("counted", counted)
        (query,) = _statements("bars.sql")
        connection.execute(query, {"bar_seconds": bar_seconds, "watermark_us": watermark_us})
        for statement in _statements("indicators.sql"):
            connection.execute(statement)
        return Recomputed(
            *(
                connection.sql(f"select * from {name} order by window_start_us, symbol").pl()
                for name in ("bars", "indicators", "alerts")
            )
        )


def watermark(judged: pl.DataFrame, partitions: int) -> int:
    """The watermark after all judged messages: the lowest of the partitions, 0 if one is bare."""
    said = judged.filter(pl.col("says_us").is_not_null())
    marks = dict(said.group_by("kafka_partition").agg(pl.col("says_us").max()).iter_rows())
    return min(marks.values()) if len(marks) >= partitions else 0
