"""The trading day that a landed message belongs to, whatever topic it came from."""

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from financial_pipeline.schemas import stream
from financial_pipeline.streaming import macro, recompute

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
    """The day of each message of `judge_messages`: session, event, or, for the dead, record."""
    return judged.select(
        pl.when(pl.col("verdict") == recompute.DEAD_LETTER)
        .then(exchange_date(pl.col("record_ms") * 1000))
        .when(pl.col("verdict") == recompute.HEARTBEAT)
        .then(exchange_date(pl.col("event_us")))
        .otherwise(pl.col("session_date"))
        .alias("trading_date")
    ).to_series()


def message_day(content: dict[str, Any]) -> date | None:
    """The day of a message that the job wrote."""
    if content.get("session_date"):
        return date.fromisoformat(content["session_date"])
    moment = content.get("window_start_us") or content["record_ms"] * 1000
    instant = datetime.fromtimestamp(moment / 1e6, UTC)
    return instant.astimezone(ZoneInfo(EXCHANGE_ZONE)).date()


def with_days(
    topic: str, messages: pl.DataFrame, sessions: Sequence[date]
) -> tuple[pl.DataFrame, pl.Series]:
    """The messages with `trading_date`, and the watermark of each (microseconds, or null).

    That of a macro release is the day of its publication, session or not.
    """
    if topic == stream.MACRO_TOPIC:
        nothing = pl.Series([None] * messages.height, dtype=pl.Int64)
        return messages.with_columns(trading_date=_release_days(messages)), nothing
    if topic == stream.RAW_TOPIC:
        judged = recompute.judge_messages(messages)
        marks = judged["says_us"]
        days = judged_days(judged)
    else:
        read: Callable[[bytes], dict[str, Any]] = json.loads
        contents = [read(value) for value in messages["value"]]
        days = pl.Series([message_day(content) for content in contents], dtype=pl.Date)
        marks = pl.Series([_window_end(content) for content in contents], dtype=pl.Int64)
    return messages.with_columns(trading_date=on_session(days, sessions)), marks


def _release_days(messages: pl.DataFrame) -> pl.Series:
    """The publication of each release; the day of the record where a message is none."""
    found = [macro.decode(value) for value in messages["value"]]
    days = [None if one is None else date.fromisoformat(one.realtime_start) for one in found]
    recorded = messages.select(pl.from_epoch("record_ms", time_unit="ms").dt.date()).to_series()
    return pl.Series(days, dtype=pl.Date).fill_null(recorded)


def _window_end(content: dict[str, Any]) -> int | None:
    start = content.get("window_start_us")
    return None if start is None else int(start) + int(content["bar_seconds"]) * 1_000_000
