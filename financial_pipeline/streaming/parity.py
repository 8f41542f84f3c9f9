"""Batch against stream: landed input recomputed in DuckDB, compared with the job day by day.

Only settled messages are compared: windows that both sides have closed, and dead or late messages
whose record is older than that. The rest is counted as `open`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from financial_pipeline.schemas import stream
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.stream_tables import PARITY, STREAM_TABLES
from financial_pipeline.streaming import recompute
from financial_pipeline.streaming.landed_messages import (
    heartbeat_counts,
    typed_rows,
    with_window_start,
)
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.recompute import Recomputed

# Relative difference up to which two derived numbers are the same.
TOLERANCE: Final = 1e-12
COMPARED: Final = ("market_bars_1m", "market_indicators_1m", "market_alerts")
# The id of the newest range that had landed before a comparison; no published table has it.
NEWEST: Final = "newest_range"
ROWS: Final = {**PARITY, NEWEST: pl.Int64()}


@dataclass(frozen=True)
class Parity:
    """Rows of the form ROWS, and the authoritative bars with their indicators and alerts."""

    rows: pl.DataFrame
    bars: pl.DataFrame
    indicators: pl.DataFrame
    alerts: pl.DataFrame

    def faults(self) -> dict[str, str]:
        """Trading day (ISO) -> its fault, in one sentence; days that passed are not."""
        explained = pl.sum_horizontal("aggregated", "late", "dead_lettered", "heartbeats")
        bad = self.rows.filter(~pl.col("passed")).with_columns(
            unexplained=pl.col("produced") - explained
        )
        return {
            row["session_date"].isoformat(): (
                f"{row['session_date']}: {row['bars_differing']} bars, indicators or alerts differ"
                f" from the batch, and of {row['produced']} messages {row['unexplained']} are"
                " unexplained"
            )
            for row in bad.to_dicts()
        }

    def compared(self) -> dict[str, int]:
        """Return the newest range that each trading day (ISO) was compared with."""
        return {row["session_date"].isoformat(): row[NEWEST] for row in self.rows.to_dicts()}

    def without(self, days: Sequence[str]) -> "Parity":
        """Return the comparison without these trading days (ISO)."""
        is_kept = ~pl.col("session_date").cast(pl.String).is_in(days)
        frames = (self.rows, self.bars, self.indicators, self.alerts)
        return Parity(*(frame.filter(is_kept) for frame in frames))


def closed_until(landing: Landing) -> int:
    """The event time (microseconds) up to which input and bars have both landed."""
    raw = landing.ledger.watermarks(stream.RAW_TOPIC)
    made = landing.ledger.watermarks(stream.BARS_TOPIC)
    return min(min(raw.values(), default=0), max(made.values(), default=0))


def _stream_rows(landing: Landing, name: str, first: str, last: str) -> pl.DataFrame:
    table = STREAM_TABLES[name]
    messages = landing.read_days(str(table.topic), first, last)
    if messages.is_empty():
        return pl.DataFrame(schema=table.columns)
    return typed_rows(messages, table)


def differing(table: Table[pl.DataType], batch: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """The keys (with `session_date`) of rows that only one side has, or that differ.

    Integers, decimals and text must be equal; floats to TOLERANCE; revisions are not compared.
    """
    keys = [*table.keys, "session_date"]
    both = batch.with_columns(_batch=True).join(
        made.with_columns(_made=True), on=keys, how="full", coalesce=True, suffix="_made"
    )
    differs = pl.col("_batch").is_null() | pl.col("_made").is_null()
    for name, kind in table.columns.items():
        if name in (*keys, "revision") or name not in batch.columns:
            continue
        left, right = pl.col(name), pl.col(f"{name}_made")
        if kind == pl.Float64():
            # A z-score near zero is a difference of much larger numbers, so the tolerance is in
            # units of deviation.
            least = 1.0 if name.endswith("zscore") else 0.0
            limit = TOLERANCE * pl.max_horizontal(left.abs(), right.abs(), least)
            near = ((left - right).abs() <= limit).fill_null(False)
            differs |= ~(near | (left.is_null() & right.is_null()))
        else:
            differs |= left.ne_missing(right)
    return both.filter(differs).select(keys)


def _last_start(landing: Landing) -> int:
    """The start (microseconds) of the last window that input and bars have both closed."""
    return closed_until(landing) - landing.bar_seconds * 1_000_000


def _with_settled(judged: pl.DataFrame, last: int) -> pl.DataFrame:
    windowed = pl.col("verdict").is_in([recompute.AGGREGATED, recompute.HEARTBEAT])
    moment = pl.when(windowed).then("window_start_us").otherwise(pl.col("record_ms") * 1000)
    return judged.with_columns(is_settled=moment <= last)


def _origins(landing: Landing, name: str, first: str, last: str) -> pl.DataFrame:
    """Partition, offset and record time of the messages on the late or the dead-letter topic."""
    rows = _stream_rows(landing, name, first, last)
    return rows.rename({"source_partition": "kafka_partition", "source_offset": "kafka_offset"})


def _judge(landing: Landing, first: str, last: str, late: pl.DataFrame) -> pl.DataFrame:
    """The input of the days with verdicts, `trading_date`, `is_settled` and `is_repeated`."""
    messages = landing.read_days(stream.RAW_TOPIC, first, last)
    judged = recompute.judge_messages(messages, landing.bar_seconds)
    # Messages refused by the job's own watermark are late too; the input alone does not show this.
    behind = late.select("kafka_partition", "kafka_offset", _is_behind=True)
    judged = judged.join(behind, on=["kafka_partition", "kafka_offset"], how="left")
    verdict = (
        pl.when(pl.col("_is_behind") & (pl.col("verdict") == recompute.AGGREGATED))
        .then(pl.lit(recompute.LATE))
        .otherwise("verdict")
    )
    counts = pl.col("verdict").is_in([recompute.AGGREGATED, recompute.LATE])
    judged = judged.with_columns(verdict=verdict).sort("kafka_partition", "kafka_offset")
    # Outside of sessions, these landed on the session before, as did their counterparts of the job.
    has_no_session = pl.col("verdict").is_in([recompute.DEAD_LETTER, recompute.HEARTBEAT])
    return _with_settled(judged, _last_start(landing)).with_columns(
        is_repeated=counts & ~pl.struct("symbol", "sequence", counts).is_first_distinct(),
        trading_date=pl.when(has_no_session).then("trading_date").otherwise("session_date"),
    )


def _with_stamps(batch: Recomputed, mended: pl.DataFrame) -> list[pl.DataFrame]:
    """Bars, indicators and alerts of the batch: the corrected bars, and all later ones of their
    session, with revision 1.
    """
    since = mended.group_by("symbol", "session_date").agg(_since=pl.col("window_start_us").min())
    follows = pl.col("window_start_us") >= pl.col("_since")
    keys = mended.select("symbol", "window_start_us", _is_mended=True)
    frames = []
    for name, rows in zip(COMPARED, (batch.bars, batch.indicators, batch.alerts), strict=True):
        joined = rows.join(since, on=["symbol", "session_date"], how="left").join(
            keys, on=["symbol", "window_start_us"], how="left"
        )
        is_new = pl.col("_is_mended") if name == "market_bars_1m" else follows
        stamped = joined.with_columns(revision=is_new.fill_null(False).cast(pl.Int64))
        frames.append(with_window_start(stamped).select(STREAM_TABLES[name].columns.keys()))
    return frames


def compare(landing: Landing, first: str, last: str) -> Parity:
    """Recompute the trading days `first` to `last` (ISO, both included) and compare them."""
    newest = landing.ledger.newest_range()
    late = _origins(landing, "late_messages", first, last)
    dead = _origins(landing, "dead_letters", first, last)
    judged = _judge(landing, first, last, late)
    mark, ended = closed_until(landing), _last_start(landing)
    counted = judged.filter(pl.col("verdict") == recompute.AGGREGATED)
    same = recompute.recompute(counted, mark, landing.bar_seconds)
    made = {name: _stream_rows(landing, name, first, last) for name in COMPARED}
    closed = pl.col("window_start_us") <= ended
    made = {name: rows.filter(closed) for name, rows in made.items()}
    wrong = {
        name: differing(STREAM_TABLES[name], rows, made[name])
        for name, rows in zip(COMPARED, (same.bars, same.indicators, same.alerts), strict=True)
    }
    readable = judged.filter(pl.col("verdict").is_in([recompute.AGGREGATED, recompute.LATE]))
    best = recompute.recompute(readable.filter(~pl.col("is_repeated")), mark, landing.bar_seconds)
    mended = differing(STREAM_TABLES["market_bars_1m"], best.bars, made["market_bars_1m"])
    counts = heartbeat_counts(landing.read_days(stream.BARS_TOPIC, first, last), mark)
    rows = _rows(judged, {**made, "late": late, "dead": dead}, wrong, mended, counts, ended)
    rows = rows.with_columns(
        pl.lit(newest, pl.Int64()).alias(NEWEST), engine=pl.lit(landing.log.engine)
    )
    return Parity(rows, *_with_stamps(best, mended))


def _per_day(rows: pl.DataFrame, day: str, name: str, value: pl.Expr | None = None) -> pl.DataFrame:
    counted = pl.len() if value is None else value
    return rows.group_by(pl.col(day).alias("session_date")).agg(counted.cast(pl.Int64).alias(name))


def _rows(
    judged: pl.DataFrame,
    made: dict[str, pl.DataFrame],
    wrong: dict[str, pl.DataFrame],
    mended: pl.DataFrame,
    heartbeats: pl.DataFrame,
    last: int,
) -> pl.DataFrame:
    """The parity table's rows of the days."""
    settled = pl.col("record_ms") * 1000 <= last
    bars = made["market_bars_1m"]
    differ = pl.concat(list(rows.select("session_date") for rows in wrong.values()))
    parts = [
        _per_day(judged, "trading_date", "produced", pl.col("is_settled").sum()),
        _per_day(judged, "trading_date", "open", (~pl.col("is_settled")).sum()),
        _per_day(judged, "trading_date", "duplicates", pl.col("is_repeated").sum()),
        _per_day(bars, "session_date", "aggregated", pl.col("message_count").sum()),
        _per_day(bars, "session_date", "bars_compared"),
        _per_day(made["late"].filter(settled), "session_date", "late"),
        _per_day(made["dead"].filter(settled), "trading_date", "dead_lettered"),
        _per_day(heartbeats, "trading_date", "heartbeats", pl.col("count").sum()),
        _per_day(differ, "session_date", "bars_differing"),
        _per_day(mended, "session_date", "bars_mended"),
    ]
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.join(part, on="session_date", how="full", coalesce=True)
    numbers = [name for name, kind in PARITY.items() if kind == pl.Int64()]
    found = rows.with_columns(pl.col(numbers).fill_null(0))
    explained = pl.sum_horizontal("aggregated", "late", "dead_lettered", "heartbeats")
    passed = (pl.col("bars_differing") == 0) & (pl.col("produced") == explained)
    return (
        found.with_columns(passed=passed, engine=pl.lit(""))
        .select(PARITY.keys())
        .sort("session_date")
    )
