"""Landed aggregate messages as typed rows of their published table."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from financial_pipeline.schemas import stream
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.stream_tables import (
    POLARS_TYPES,
    WINDOW_START_AT,
    Schema,
)
from financial_pipeline.streaming.topic_decoder import decode_row

TEXT_OR_NUMBER = {POLARS_TYPES["price"], POLARS_TYPES["amount"]}


def _texts(content: Mapping[str, Any], columns: Schema) -> dict[str, str | None]:
    found = {name: content.get(name) for name in columns}
    return {
        name: None if value is None else _text(value, columns[name])
        for name, value in found.items()
    }


def _text(value: object, kind: pl.DataType) -> str:
    # A whole number may come in scientific notation, which decimals do not read.
    return f"{Decimal(str(value)):f}" if kind in TEXT_OR_NUMBER else str(value)


def _cast(name: str, kind: pl.DataType) -> pl.Expr:
    return pl.col(name).str.to_date() if kind == pl.Date() else pl.col(name).cast(kind)


def typed_rows(messages: pl.DataFrame, table: Table[pl.DataType]) -> pl.DataFrame:
    """Return the rows of landed messages, without heartbeats and unreadable messages.

    `messages` are in landed form; a key that came more than once is there once.
    """
    columns = {
        name: kind
        for name, kind in table.columns.items()
        if name not in (WINDOW_START_AT, "trading_date")
    }
    rows = [
        {**_texts(content, columns), "trading_date": day}
        for value, day in messages.select("value", "trading_date").iter_rows()
        if (content := decode_row(str(table.topic), value)[0]) is not None
        and content.get("symbol") != stream.HEARTBEAT_SYMBOL
    ]
    schema: Schema = {**dict.fromkeys(columns, pl.String()), "trading_date": pl.Date()}
    typed = pl.DataFrame(rows, schema=schema).with_columns(
        _cast(name, kind) for name, kind in columns.items() if kind != pl.String()
    )
    if WINDOW_START_AT in table.columns:
        typed = with_window_start(typed)
    return typed.select(table.columns.keys()).unique(table.keys, keep="last").sort(table.keys)


def with_window_start(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `window_start_at`, UTC, from `window_start_us`."""
    return rows.with_columns(
        pl.from_epoch("window_start_us", time_unit="us").alias(WINDOW_START_AT)
    )


def heartbeat_counts(messages: pl.DataFrame, mark: int) -> pl.DataFrame:
    """`trading_date` and `count` of each window of the bars topic that ends by `mark`."""
    windows: dict[int, tuple[object, int]] = {}
    for value, day in messages.select("value", "trading_date").iter_rows():
        content, _ = decode_row(stream.BARS_TOPIC, value)
        if content is None:
            continue
        start, width = content["window_start_us"], content["bar_seconds"] * 1_000_000
        if content.get("symbol") == stream.HEARTBEAT_SYMBOL and start + width <= mark:
            windows[start] = day, content["message_count"]
    schema = {"trading_date": pl.Date(), "count": pl.Int64()}
    return pl.DataFrame(list(windows.values()), schema=schema, orient="row")
