"""The figures of the Live page: stored messages, their age, and whether the stream runs."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import NOTHING, Card, format_count

BARS: Final = "stream/market_bars_1m"
INDICATORS: Final = "stream/market_indicators_1m"
ALERTS: Final = "stream/market_alerts"
LATE: Final = "stream/late_messages"
DEAD: Final = "stream/dead_letters"
PARITY: Final = "stream/parity"
STATUS: Final = "stream/status"
# The stream counts as stopped after this many seconds without a new observation.
STALL_SECONDS: Final = 120
START: Final = (
    "start it with `financial-pipeline stream up` and land with"
    " `financial-pipeline stream land --follow`."
)
# Topics with rare messages, whose last one is not a watermark.
EVENTS: Final = {"market_alerts"}

SYMBOLS = """
select distinct symbol from stream.market_bars_1m
where symbol not like '\\_\\_%' escape '\\'
order by symbol
"""
NEWEST_BARS = """
select
    make_timestamp(bar.window_start_us) as window_start,
    bar.symbol,
    bar.session_date,
    bar.open::double as open,
    bar.high::double as high,
    bar.low::double as low,
    bar.close::double as close,
    bar.volume,
    bar.vwap,
    bar.message_count
from stream.market_bars_1m as bar
where
    bar.symbol = $symbol
    and bar.session_date
    = (select max(session_date) from stream.market_bars_1m where symbol = $symbol)
order by window_start
"""
NEWEST_INDICATORS = """
select
    make_timestamp(window_start_us) as window_start,
    log_return,
    rolling_volatility,
    return_zscore,
    volume_zscore,
    realised_variance
from stream.market_indicators_1m
where
    symbol = $symbol
    and session_date
    = (select max(session_date) from stream.market_indicators_1m where symbol = $symbol)
order by window_start
"""
NEWEST_ALERTS = """
select
    make_timestamp(window_start_us) as window_start,
    symbol,
    replace(rule, '_', ' ') as rule,
    severity,
    zscore,
    close::double as close
from stream.market_alerts
order by window_start_us desc, symbol
limit 500
"""
POSITIONS = "select * from stream.status order by topic, partition"
DAYS = "select * from stream.parity order by 1 desc"
REASON = "replace(reason, '_', ' ') as reason"
REASONS = {
    LATE: f"select {REASON}, count(*)::bigint as messages from stream.late_messages group by all",
    DEAD: f"select {REASON}, count(*)::bigint as messages from stream.dead_letters group by all",
}


@dataclass(frozen=True)
class Pulse:
    """State of the stream: ages in seconds, None if the status has no time."""

    observed_at: datetime | None
    watermark_at: datetime | None
    lag: int
    engine: str
    # The start of the simulated world's last day; None for real data.
    clock: datetime | None = None

    def silence(self, now: datetime) -> float | None:
        """Return the seconds since the stream was last observed."""
        return None if self.observed_at is None else (now - self.observed_at).total_seconds()

    @property
    def watermark_age(self) -> float | None:
        """Seconds that the watermark was behind the clock when it was observed.

        Simulated trades of the past are compared with the clock of their world.
        """
        if self.observed_at is None or self.watermark_at is None:
            return None
        seconds = (self.observed_at - self.watermark_at).total_seconds()
        if self.clock is None or self.watermark_at >= self.clock + timedelta(days=1):
            return seconds
        return max((self.clock - self.watermark_at).total_seconds(), 0.0)


def pulse(release: Release) -> Pulse:
    """Return the newest observation over all topics and partitions."""
    rows = release.rows(POSITIONS, STATUS).to_dicts()
    observed = [_instant(row["observed_at"]) for row in rows if row["observed_at"]]
    # The newest alert may be old although the stream is up to date.
    moving = [row for row in rows if row["watermark_at"] and row["topic"] not in EVENTS]
    marks = [_instant(row["watermark_at"]) for row in moving]
    return Pulse(
        max(observed, default=None),
        min(marks, default=None),
        sum(row["lag"] or 0 for row in rows),
        ", ".join(sorted({str(row["engine"]) for row in rows})),
        datetime.combine(release.today, time.min, UTC) if release.is_synthetic else None,
    )


def _instant(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def stall_words(now: datetime, seen: Pulse) -> str | None:
    """Return the text of the banner if the stream is stopped; None while it runs."""
    silence = seen.silence(now)
    if silence is None:
        return f"The stream was never observed; {START}"
    if silence > STALL_SECONDS:
        waiting = f" Not landed yet: {format_count(seen.lag, 'message')}." if seen.lag else ""
        return (
            f"The stream is stopped; {START} It was last observed {span(silence)} ago, at"
            f" {seen.observed_at:%Y-%m-%d %H:%M:%S} UTC.{waiting}"
        )
    return None


def cards(release: Release, seen: Pulse) -> list[Card]:
    """Make cards of watermark, lag, late and dead-letter counts."""

    def count(key: str) -> str:
        return NOTHING if release.missing(key) else f"{release.table(key).rows:,}"

    mark = f"{seen.watermark_at:%Y-%m-%d %H:%M:%S} UTC" if seen.watermark_at else "unknown"
    age = seen.watermark_age
    when = f"observed {seen.observed_at:%H:%M:%S} UTC" if seen.observed_at else "never observed"
    return [
        Card(
            "Watermark age",
            NOTHING if age is None else span(age),
            f"watermark {mark}",
            "How far event time was behind the clock when the stream was last observed.",
        ),
        Card("Lag", f"{seen.lag:,}", f"messages · {when}", "End offsets less next offsets."),
        Card("Bars", count(BARS), f"engine {seen.engine}", "One-minute bars stored."),
        Card(
            "Alerts",
            count(ALERTS),
            "bars, all stored",
            "Bars whose return or volume is 4 deviations away, at most one alert each.",
        ),
        Card("Late", count(LATE), "messages behind the watermark", "Kept, never dropped."),
        Card("Dead letters", count(DEAD), "messages that break a rule", "Kept with the reason."),
    ]


def parity_words(row: dict[str, Any]) -> str:
    """Describe one trading day's comparison of stream and batch."""
    verdict = "equal" if row["passed"] else "NOT equal"
    return (
        f"{format_count(row['bars_compared'], 'bar')} compared, {row['bars_differing']:,} differ:"
        f" stream and batch are {verdict}."
    )


def span(seconds: float) -> str:
    """Format seconds in the largest fitting unit."""
    if abs(seconds) < 120:
        return f"{seconds:.0f} s"
    if abs(seconds) < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if abs(seconds) < 172_800 else f"{seconds / 86_400:,.0f} days"
