"""The published `stream/*` tables: columns with Polars types, grain and key.

The tables of a topic have the columns of its messages, as `stream.py` describes them.
"""

from typing import Final

import polars as pl

from financial_pipeline.schemas import stream
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.stream import Column, Kind

POLARS_TYPES: Final[dict[Kind, pl.DataType]] = {
    "integer": pl.Int64(),
    "price": pl.Decimal(18, 4),
    "amount": pl.Decimal(38, 4),
    "real": pl.Float64(),
    "text": pl.String(),
    "date": pl.Date(),
}
Schema = dict[str, pl.DataType]
# Left out of tables: a property of the message, not of its content.
VERSION: Final = "schema_version"
# Start of the window or the event, UTC without zone, in addition to the microseconds.
WINDOW_START_AT: Final = "window_start_at"


def schema_of(columns: tuple[Column, ...]) -> Schema:
    """The Polars schema of a topic's columns; with `window_start_at` where there is a window."""
    schema = {
        column.name: POLARS_TYPES[column.kind] for column in columns if column.name != VERSION
    }
    if "window_start_us" in schema:
        schema[WINDOW_START_AT] = pl.Datetime("us")
    return schema


def _stream(
    name: str,
    grain: str,
    keys: tuple[str, ...],
    columns: Schema,
    *,
    topic: str | None = None,
    partition: str = "session_date",
    unhashed: tuple[str, ...] = (),
) -> Table[pl.DataType]:
    """Return the contract of a stream table; its partition is the trading day of a row."""
    return Table(
        layer="stream",
        name=name,
        grain=grain,
        keys=keys,
        columns=columns,
        partition=partition,
        unhashed=unhashed,
        topic=topic,
        domain="market",
    )


# One row per trading day: where each message of the input went, and whether batch equals stream.
PARITY: Final[Schema] = {
    "session_date": pl.Date(),
    "produced": pl.Int64(),
    "aggregated": pl.Int64(),
    "late": pl.Int64(),
    "dead_lettered": pl.Int64(),
    "heartbeats": pl.Int64(),
    # Messages of windows that the watermark has not passed yet.
    "open": pl.Int64(),
    # Messages that repeat an earlier symbol and sequence.
    "duplicates": pl.Int64(),
    "bars_compared": pl.Int64(),
    "bars_differing": pl.Int64(),
    # Bars that the batch corrected: duplicates removed, late messages added.
    "bars_mended": pl.Int64(),
    "passed": pl.Boolean(),
    # flink or replay: the engine that computed the bars.
    "engine": pl.String(),
}

# One row per topic and partition, as last seen.
STATUS: Final[Schema] = {
    "topic": pl.String(),
    "partition": pl.Int64(),
    # The first offset that has not landed, and the end of the topic.
    "next_offset": pl.Int64(),
    "end_offset": pl.Int64(),
    "lag": pl.Int64(),
    # Event time of the landed messages, UTC; null if the messages have none.
    "watermark_at": pl.Datetime("us"),
    "observed_at": pl.Datetime("us"),
    "engine": pl.String(),
}

BAR_KEYS: Final = ("symbol", "window_start_us", "bar_seconds")
ORIGIN_KEYS: Final = ("source_partition", "source_offset")

STREAM_TABLES: Final[dict[str, Table[pl.DataType]]] = {
    table.name: table
    for table in (
        _stream(
            "market_bars_1m",
            "One row per symbol and bar, at its highest revision.",
            BAR_KEYS,
            schema_of(stream.BARS),
            topic=stream.BARS_TOPIC,
        ),
        _stream(
            "market_indicators_1m",
            "One row per symbol and bar, from the bars of its session up to it.",
            BAR_KEYS,
            schema_of(stream.INDICATORS),
            topic=stream.INDICATORS_TOPIC,
        ),
        _stream(
            "market_alerts",
            "One row per alert.",
            ("alert_id",),
            schema_of(stream.ALERTS),
            topic=stream.ALERTS_TOPIC,
        ),
        _stream(
            "late_messages",
            "One row per message that came behind the watermark.",
            ORIGIN_KEYS,
            schema_of(stream.LATE),
            topic=stream.LATE_TOPIC,
        ),
        _stream(
            "dead_letters",
            "One row per message that could not be read or breaks a rule.",
            ORIGIN_KEYS,
            {"trading_date": pl.Date(), **schema_of(stream.DEAD_LETTERS)},
            topic=stream.DEAD_LETTER_TOPIC,
            partition="trading_date",
        ),
        _stream(
            "parity",
            "One row per trading day: where each message went, and whether batch equals stream.",
            ("session_date",),
            PARITY,
            # A paced producer sends heartbeats by its own clock.
            unhashed=("produced", "heartbeats", "open"),
        ),
        _stream(
            "status",
            "One row per topic and partition, as last seen.",
            ("topic", "partition"),
            STATUS,
            partition="",
            unhashed=("next_offset", "end_offset", "lag", "observed_at"),
        ),
    )
}
