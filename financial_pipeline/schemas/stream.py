"""The messages of every topic: names, versioned columns, and their types in Flink.

A message is one UTF-8 JSON object. Instants are whole microseconds since 1970 UTC (`_us`), record
timestamps whole milliseconds (`_ms`), as Kafka keeps them. Decimals are JSON strings in what we
produce and plain JSON numbers in what Flink writes: read both with `parse_float=Decimal`. The
tables that the Flink job writes are defined by these lists. `stream.schema.json` next to this file
says the same for other programs; tests compare it, and the row of the job's judge.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["integer", "price", "amount", "real", "text", "date"]
FLINK_TYPES: Final[dict[Kind, str]] = {
    "integer": "bigint",
    "price": "decimal(18, 4)",
    "amount": "decimal(38, 4)",
    "real": "double",
    "text": "string",
    "date": "date",
}


@dataclass(frozen=True)
class Column:
    """One field of a message: its JSON name, kind, whether it may be null, and what it says."""

    name: str
    kind: Kind
    description: str
    nullable: bool = False


SCHEMA_VERSION: Final = 1

RAW_TOPIC: Final = "raw_market_ohlcv"
BARS_TOPIC: Final = "market_bars_1m"
INDICATORS_TOPIC: Final = "market_indicators_1m"
ALERTS_TOPIC: Final = "market_alerts"
DEAD_LETTER_TOPIC: Final = "raw_market_ohlcv_dlq"
LATE_TOPIC: Final = "raw_market_ohlcv_late"
MACRO_TOPIC: Final = "raw_macro_observations"

# A message that only advances time; in the bars topic, the count of such messages per window.
HEARTBEAT_SYMBOL: Final = "__heartbeat__"
# The watermark stays this far behind the highest event time (microseconds).
WATERMARK_DELAY_US: Final = 5_000_000
# An event this far ahead of its record's timestamp is dead-lettered (milliseconds).
FUTURE_TOLERANCE_MS: Final = 60_000
MAX_SYMBOL_LENGTH: Final = 16
MAX_SOURCE_LENGTH: Final = 255
# A longer message is `oversize`; its dead letter keeps this many bytes.
MAX_MESSAGE_BYTES: Final = 65_535
# Valid times and numbers of a message: 0 <= value < LARGEST_NUMBER.
LARGEST_NUMBER: Final = 10**16

# Reasons of dead letters, in the order in which they are judged.
NULL_VALUE: Final = "null_value"
OVERSIZE: Final = "oversize"
NOT_A_JSON_OBJECT: Final = "not_a_json_object"
WRONG_VERSION: Final = "wrong_version"
BAD_SYMBOL: Final = "bad_symbol"
BAD_TIME: Final = "bad_time"
FROM_THE_FUTURE: Final = "from_the_future"
BAD_PRICE: Final = "bad_price"
BAD_QUANTITY: Final = "bad_quantity"
NO_SESSION: Final = "no_session"
BAD_SOURCE: Final = "bad_source"
DEAD_LETTER_REASONS: Final = (
    NULL_VALUE,
    OVERSIZE,
    NOT_A_JSON_OBJECT,
    WRONG_VERSION,
    BAD_SYMBOL,
    BAD_TIME,
    FROM_THE_FUTURE,
    BAD_PRICE,
    BAD_QUANTITY,
    NO_SESSION,
    BAD_SOURCE,
)
# Reasons of late messages: by the producer's own watermark, which is the same on every replay;
# and, only where producers disagree about the time, behind the watermark of the job.
BEHIND_ITS_PRODUCER: Final = "behind_its_producer"
BEHIND_THE_JOB: Final = "behind_the_job"

_VERSION = Column("schema_version", "integer", "Version of this contract.")
_SYMBOL = Column("symbol", "text", "Ticker; the Kafka key, so that one symbol keeps its order.")
_SESSION = Column("session_date", "date", "Trading day in New York.")
_SOURCE = Column("source", "text", "Who produced it: simulated, yfinance or a file's name.", True)
_REVISION = Column("revision", "integer", "0 from the stream; higher where the batch mended it.")
_PRICES = (
    Column("open", "price", "Price of the lowest (event time, sequence), dollars."),
    Column("high", "price", "Highest price, dollars."),
    Column("low", "price", "Lowest price, dollars."),
    Column("close", "price", "Price of the highest (event time, sequence), dollars."),
    Column("volume", "integer", "Shares."),
    Column("trades", "integer", "Trades; null where the source does not count them.", True),
)
_BASIS = Column(
    "vwap_basis", "text", "trades: notional as the source gave it; close: close x volume."
)
_WINDOW = (
    Column("window_start_us", "integer", "Start of the bar (inclusive), microseconds since 1970."),
    Column("bar_seconds", "integer", "Width of the bar, seconds."),
)

# One trade or bar, or a heartbeat (reserved symbol; only version, times, symbol and sequence).
RAW: Final = (
    _VERSION,
    Column("event_us", "integer", "Event time: the start of the bar, microseconds since 1970."),
    Column("watermark_us", "integer", "The producer's highest event time so far less the delay."),
    _SYMBOL,
    Column("sequence", "integer", "Strictly increasing per symbol; the same on every replay."),
    *_PRICES,
    Column("notional", "price", "Sum of price x shares, dollars."),
    _BASIS,
    Column(
        "session_date", "date", "Trading day in New York; null: no session, or a heartbeat.", True
    ),
    _SOURCE,
)
# One bar per symbol and window that had messages; reserved symbol: heartbeats, counted only.
BARS: Final = (
    _VERSION,
    _SYMBOL,
    _SESSION,
    *_WINDOW,
    *_PRICES,
    Column("notional", "amount", "Sum of price x shares, dollars."),
    Column("vwap", "real", "notional / volume, dollars; null without volume.", True),
    Column("vwap_basis", "text", "close as soon as one message of the bar had that basis."),
    Column("message_count", "integer", "Messages that went into the bar."),
    _REVISION,
    _SOURCE,
)
# One row per bar, of the bars of the same session up to it.
INDICATORS: Final = (
    _VERSION,
    _SYMBOL,
    _SESSION,
    *_WINDOW,
    Column("close", "price", "Close of the bar, dollars."),
    Column("log_return", "real", "ln(close / previous close of the session); null first.", True),
    Column("rolling_volatility", "real", "Sample deviation of the last 60 returns.", True),
    Column("return_zscore", "real", "Return against the 60 returns before it.", True),
    Column("volume_zscore", "real", "ln volume against that of the 60 bars before it.", True),
    Column("realised_variance", "real", "Sum of squared returns of the session so far.", True),
    _REVISION,
    _SOURCE,
)
# At most one row per bar: the worst severity that none of the ten bars before it reached.
ALERTS: Final = (
    _VERSION,
    Column("alert_id", "text", "MD5 of symbol|window_start_us|bar_seconds."),
    _SYMBOL,
    _SESSION,
    *_WINDOW,
    Column("rule", "text", "return_zscore or volume_zscore, whichever is worse."),
    Column("severity", "text", "warning from 4 deviations, critical from 6."),
    Column("zscore", "real", "What the bar measured."),
    Column("close", "price", "Close of the bar, dollars."),
    _REVISION,
    _SOURCE,
)
_ORIGIN = (
    Column("reason", "text", "Why it is here; see the reasons of this module."),
    Column("source_partition", "integer", "Partition of the message in the raw topic."),
    Column("source_offset", "integer", "Offset of the message in the raw topic."),
    Column("record_ms", "integer", "Its record timestamp, milliseconds since 1970."),
)
# One row per message that could not be read or breaks a rule.
DEAD_LETTERS: Final = (
    _VERSION,
    *_ORIGIN,
    Column(
        "payload",
        "text",
        "Its bytes in base64 (the first 65,535 characters); null for a null value.",
        True,
    ),
    Column("payload_bytes", "integer", "Its length, bytes.", True),
)
# One row per readable message behind the watermark; the raw columns as they came.
LATE: Final = (*_ORIGIN, *RAW)
# One value of a series as it was known from `realtime_start` on.
MACRO: Final = (
    _VERSION,
    Column("series_id", "text", "FRED series; the Kafka key."),
    Column("observation_date", "date", "First day of the period observed."),
    Column("realtime_start", "date", "Vintage: the day on which this value was published."),
    Column(
        "realtime_end",
        "date",
        "Last day on which it stood, where no other value followed; else null.",
        True,
    ),
    Column("value", "text", "As FRED writes it, in the series' units; null where missing.", True),
    Column("source", "text", "fred, alfred or simulated."),
)

TOPICS: Final[dict[str, tuple[Column, ...]]] = {
    RAW_TOPIC: RAW,
    BARS_TOPIC: BARS,
    INDICATORS_TOPIC: INDICATORS,
    ALERTS_TOPIC: ALERTS,
    DEAD_LETTER_TOPIC: DEAD_LETTERS,
    LATE_TOPIC: LATE,
    MACRO_TOPIC: MACRO,
}

# The columns of a heartbeat; its other columns are null or absent.
HEARTBEAT_COLUMNS: Final = {
    RAW_TOPIC: ("schema_version", "event_us", "symbol", "sequence", "watermark_us"),
    BARS_TOPIC: (
        "schema_version",
        "symbol",
        "window_start_us",
        "bar_seconds",
        "message_count",
        "revision",
    ),
}


def flink_columns(topic: str) -> list[tuple[str, str]]:
    """Names and Flink SQL types of a topic's message, in order."""
    return [(column.name, FLINK_TYPES[column.kind]) for column in TOPICS[topic]]
