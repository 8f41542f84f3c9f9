"""Land all waiting messages, repeatedly, through the ledger that the assets also use."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas import stream
from financial_pipeline.streaming import parity, tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.logs import MARKET_TOPICS
from financial_pipeline.streaming.macro_landing import MacroLanded, land_macro
from financial_pipeline.streaming.tables import World

# All topics that a command lands.
TOPICS: Final = (*MARKET_TOPICS, stream.MACRO_TOPIC)
# Prefix of the run ids of commands; assets compare the days of their own runs.
COMMAND: Final = "command-"
# While messages keep arriving, a day that differs is compared at this interval, seconds.
COMPARISONS: Final = 5
# With a data root in object storage a follower lands every 30 seconds.
FOLLOWED_SECONDS: Final = 45.0


@dataclass(frozen=True)
class MicroBatch:
    """The result of one pass: landed messages by topic, and the trading days to compare.

    These are the days that it landed, and those of a command that ended before it compared its own.
    """

    messages: dict[str, int]
    days: list[str]
    macro: MacroLanded = field(default_factory=MacroLanded)


def land_waiting(landing: Landing, world: World) -> MicroBatch:
    """Land all that waits and publish it; another process may do the same at once."""
    run_id = f"{COMMAND}{uuid.uuid4()}"
    landed = {
        topic: landing.land_rest(topic, ranges, run_id)
        for topic, ranges in landing.waiting(MARKET_TOPICS).items()
    }
    tables.publish_landed(landing, world)
    macro = land_macro(landing, run_id)
    tables.publish_status(landing, TOPICS, world, datetime.now(UTC).replace(tzinfo=None))
    messages = {
        topic: sum(one.rows for one in ranges) for topic, ranges in landed.items() if ranges
    }
    return MicroBatch(messages, landing.ledger.uncompared_days(MARKET_TOPICS, COMMAND), macro)


def check_follower(landing: Landing, seconds: float = FOLLOWED_SECONDS) -> None:
    """Make sure that another process lands the messages that wait now, without landing any.

    Raises PipelineError if some partition does not move within the given seconds.
    """
    deadline = time.monotonic() + seconds
    stuck = _starts(landing)
    while stuck and time.monotonic() < deadline:
        time.sleep(min(1.0, seconds))
        stuck &= _starts(landing)
    if stuck:
        names = ", ".join(sorted({topic for topic, _, _ in stuck}))
        raise PipelineError(
            f"Messages of {names} wait for more than {seconds:.0f} s and nobody lands them; start"
            " `financial-pipeline stream land --follow`."
        )


def _starts(landing: Landing) -> set[tuple[str, int, int]]:
    """Return topic, partition and first offset of all that waits."""
    return {
        (topic, partition, start)
        for topic, ranges in landing.waiting(TOPICS).items()
        for partition, (start, _) in ranges.items()
    }


def compare_days(landing: Landing, days: list[str], world: World) -> pl.DataFrame:
    """Compare these trading days (ISO, sorted) with the batch, publish and return the parity."""
    newest = landing.ledger.newest_range()
    found = parity.compare(landing, days[0], days[-1])
    tables.publish_parity(landing, found, world)
    # Includes days without a row, of which nothing is settled yet.
    landing.ledger.note_compared(dict.fromkeys(days, newest))
    return found.rows


def compare_after_all(landing: Landing, days: list[str], world: World) -> pl.DataFrame:
    """Compare as `compare_days` does; if a day differs, first land the messages that arrived
    meanwhile.

    The job writes indicators, alerts and late messages after the bars that they belong to, so a
    command that lands in between would find an apparent difference.
    """
    rows = compare_days(landing, days, world)
    for _ in range(COMPARISONS - 1):
        if rows["passed"].all() or not landing.waiting(MARKET_TOPICS):
            break
        days = sorted({*days, *land_waiting(landing, world).days})
        rows = compare_days(landing, days, world)
    return rows


def sentences(rows: pl.DataFrame) -> Iterator[str]:
    """A line for each trading day of a parity table."""
    for row in rows.sort("session_date").to_dicts():
        verdict = "equal to the batch" if row["passed"] else "DIFFERS from the batch"
        counts = (
            f"aggregated {row['aggregated']:,}, late {row['late']:,}, dead-lettered"
            f" {row['dead_lettered']:,}, heartbeats {row['heartbeats']:,}"
        )
        yield (
            f"{row['session_date']}: {row['produced']:,} messages ({counts}),"
            f" {row['bars_compared']:,} bars, {verdict}"
        )
