"""The same job once more in DuckDB SQL, over landed messages: what the batch says the bars are.

`judged.sql`, `bars.sql` and `indicators.sql` hold the rules; this runs them on a frame.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from financial_pipeline.schemas import stream

FOLDER: Final = Path(__file__).parent
SHAPE: Final = "{" + ", ".join(f'"{column.name}": "VARCHAR"' for column in stream.RAW) + "}"
# Verdicts on a message.
AGGREGATED, LATE, HEARTBEAT, DEAD_LETTER = "aggregated", "late", "heartbeat", "dead_letter"


@dataclass(frozen=True)
class Recomputed:
    """Bars, their indicators and alerts, in the columns of their topics."""

    bars: pl.DataFrame
    indicators: pl.DataFrame
    alerts: pl.DataFrame


def _statements(name: str) -> list[str]:
    return (FOLDER / name).read_text("utf-8").split("\n;\n")


def judge_messages(messages: pl.DataFrame, bar_seconds: int = 60) -> pl.DataFrame:
    """Each message of a MESSAGES frame with typed columns, `verdict`, `reason`, `window_start_us`.

    `verdict` is aggregated, late (behind its producer), heartbeat or dead_letter.
    """
    with duckdb.connect() as connection:
        connection.register("messages", messages)
        (query,) = _statements("judged.sql")
        connection.execute(
            query,
            {
                "shape": SHAPE,
                "symbol_length": stream.MAX_SYMBOL_LENGTH,
                "largest": stream.LARGEST_NUMBER - 1,
                "future_ms": stream.FUTURE_TOLERANCE_MS,
                "heartbeat": stream.HEARTBEAT_SYMBOL,
                "oversize": stream.MAX_MESSAGE_BYTES,
                "bar_seconds": bar_seconds,
            },
        )
        return connection.sql("select * from judged order by 1, 2").pl()


def recompute(counted: pl.DataFrame, watermark_us: int, bar_seconds: int = 60) -> Recomputed:
    """The bars of judged messages whose window the watermark has passed, and what follows.

    `counted` are the rows of `judge_messages` that count, chosen by the caller.
    """
    with duckdb.connect() as connection:
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
