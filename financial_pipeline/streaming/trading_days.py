"""The trading day of a landed message of any topic."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from financial_pipeline.schemas import stream
from financial_pipeline.streaming import macro, recompute
from financial_pipeline.streaming.topic_decoder import decode_row

EXCHANGE_ZONE: Final = "America/New_York"


def exchange_date(moment: pl.Expr) -> pl.Expr:
    """The date in New York of microseconds since 1970."""
    instants = pl.from_epoch(moment, time_unit="us").dt.replace_time_zone("UTC")
    return instants.dt.convert_time_zone(EXCHANGE_ZONE).dt.date()


def on_session(dates: pl.Series, sessions: Sequence[date]) -> pl.Series:
    """Each date, or the last session before it where it is none (the first one before all)."""
    found = [
        None if day is None else sessions[max(bisect_right(sessions, day) - 1, 0)]
        for day in dates.unique()
    ]
    return dates.replace_strict(dates.unique(), found, return_dtype=pl.Date)


def judged_days(judged: pl.DataFrame) -> pl.Series:
    """The day of each message of `judge_messages`: session, window, or, for the dead, record."""
    return judged.select(
        pl.when(pl.col("verdict") == recompute.DEAD_LETTER)
        .then(exchange_date(pl.col("record_ms") * 1000))
        .when(pl.col("verdict") == recompute.HEARTBEAT)
        .then(exchange_date(pl.col("window_start_us")))
        .otherwise(pl.col("session_date"))
        .alias("trading_date")
    ).to_series()


def _message_day(content: dict[str, Any] | None, record_ms: int) -> date:
    """Return the day of a message of the job; of an unreadable one (None), that of its record."""
    if content and content.get("session_date"):
        return date.fromisoformat(content["session_date"])
    moment = record_ms * 1000
    if content:
        moment = content.get("window_start_us") or content.get("record_ms", record_ms) * 1000
    return _exchange_day(min(max(moment, 0), stream.LARGEST_NUMBER))


def _exchange_day(moment_us: int) -> date:
    instant = datetime.fromtimestamp(moment_us / 1e6, UTC)
    return instant.astimezone(ZoneInfo(EXCHANGE_ZONE)).date()


def with_days(
    topic: str, messages: pl.DataFrame, sessions: Sequence[date], bar_seconds: int
) -> tuple[pl.DataFrame, pl.Series]:
    """Return the messages with `trading_date` and `unreadable`, and the watermark of each.

    `unreadable` is the reason why a message breaks the contract, or null: such a message is landed
    unchanged, on the day of its record. Watermarks are microseconds or null. The day of a macro
    release is the day of its publication, session or not.
    """
    timed = messages.with_columns(pl.col("record_ms").clip(0, stream.LARGEST_NUMBER // 1000))
    if topic == stream.MACRO_TOPIC:
        return _with_release_days(messages, timed["record_ms"])
    if topic == stream.RAW_TOPIC:
        # `judge_messages` sorts by partition and offset, as every log does.
        judged = recompute.judge_messages(timed, bar_seconds)
        days, marks, reasons = judged_days(judged), judged["says_us"], judged["reason"]
    else:
        decoded = [decode_row(topic, value) for value in messages["value"]]
        pairs = zip(decoded, timed["record_ms"], strict=True)
        days = pl.Series([_message_day(one[0], moment) for one, moment in pairs], dtype=pl.Date)
        marks = pl.Series([_window_end(content) for content, _ in decoded], dtype=pl.Int64)
        reasons = pl.Series([reason for _, reason in decoded], dtype=pl.String)
    return messages.with_columns(trading_date=on_session(days, sessions), unreadable=reasons), marks


def _with_release_days(
    messages: pl.DataFrame, record_ms: pl.Series
) -> tuple[pl.DataFrame, pl.Series]:
    """Return macro messages with days and reasons, and no watermarks."""
    found = [macro.decode(value) for value in messages["value"]]
    days = [None if one is None else date.fromisoformat(one.realtime_start) for one in found]
    recorded = pl.Series(record_ms).cast(pl.Datetime("ms")).dt.date()
    reasons = ["not_a_release" if one is None else None for one in found]
    dated = messages.with_columns(
        trading_date=pl.Series(days, dtype=pl.Date).fill_null(recorded),
        unreadable=pl.Series(reasons, dtype=pl.String),
    )
    return dated, pl.Series([None] * messages.height, dtype=pl.Int64)


def _window_end(content: dict[str, Any] | None) -> int | None:
    if content is None or content.get("window_start_us") is None:
        return None
    return int(content["window_start_us"]) + int(content["bar_seconds"]) * 1_000_000
