"""The `stream` section of the figures: engine, positions, counts and parity."""

from datetime import date, datetime
from typing import Any

import duckdb

from financial_pipeline.publishing.manifest import Manifest
from financial_pipeline.publishing.views import rows_if_published

LAYER = "stream"
STATUS = f"{LAYER}/status"
PARITY = f"{LAYER}/parity"
POSITIONS = """
select
    topic,
    count(*)::bigint as partitions,
    sum(end_offset)::bigint as end_offset,
    sum(next_offset)::bigint as landed_offset,
    sum(lag)::bigint as lag,
    min(watermark_at) as watermark_at,
    max(observed_at) as observed_at
from stream.status
group by topic
order by topic
"""
DAYS = """
select session_date::varchar as session_date, * exclude (session_date, engine)
from stream.parity
order by session_date
"""
# The bars and alerts of all trading days, as the batch has checked and corrected them.
HISTORY = """
select
    bars.session_date::varchar as session_date,
    count(*)::bigint as bars,
    count(*) filter (bars.is_regular_hours)::bigint as regular_hours_bars,
    count(*) filter (bars.revision > 0)::bigint as corrected_bars,
    (
        select count(*)::bigint
        from marts.fct_market_alerts as alerts
        where alerts.session_date = bars.session_date
    ) as alerts
from marts.fct_market_bars as bars
group by bars.session_date
order by bars.session_date
"""
MARTS = {"exports/fct_market_bars", "exports/fct_market_alerts"}


def stream_figures(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> dict[str, Any]:
    """Return `engine`, `topics`, `tables`, `late`, `dead_letters`, `parity` and `history`.

    `engine` is `flink` or `replay`. Ages are seconds by the world's clock: of the simulated world
    the start of its last day, else the moment of the observation. Empty where nothing landed.
    """
    tables = [table for _, table in sorted(manifest.tables.items()) if table.layer == LAYER]
    if not tables:
        return {}
    rows = {table.name: table.rows for table in tables}
    clock = manifest.world.get("clock")
    return {
        "engine": "+".join(sorted({str(table.facts.get("engine")) for table in tables})),
        "topics": [
            _position(row, clock)
            for row in rows_if_published(connection, manifest, {STATUS}, POSITIONS)
        ],
        "tables": [{"name": name, "rows": count} for name, count in rows.items()],
        "late": rows.get("late_messages", 0),
        "dead_letters": rows.get("dead_letters", 0),
        "parity": rows_if_published(connection, manifest, {PARITY}, DAYS),
        "history": rows_if_published(connection, manifest, MARTS, HISTORY),
    }


def _position(row: dict[str, Any], clock: object) -> dict[str, Any]:
    mark, seen = row["watermark_at"], row["observed_at"]
    now = datetime.combine(date.fromisoformat(str(clock)), datetime.min.time()) if clock else seen
    age = None if mark is None else (now - mark).total_seconds()
    times = {"watermark_at": mark.isoformat() if mark else None, "observed_at": seen.isoformat()}
    return {**row, **times, "watermark_age_seconds": age}
