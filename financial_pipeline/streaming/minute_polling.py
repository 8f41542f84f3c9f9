"""Live minute bars by polling: new completed bars onto a sink while the exchange is open.

A bar is sent once every symbol has come as far, or lags too long to be waited for; later bars of a
slow symbol are late, and counted. Requests run in a thread, so heartbeats never wait.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pandas as pd

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.market_event import MarketEvent, price_text
from financial_pipeline.schemas.stream import WATERMARK_DELAY_US
from financial_pipeline.settings import Settings
from financial_pipeline.sources.http_client import HttpClient, ProviderFailure
from financial_pipeline.sources.market_calendar import EXCHANGE_ZONE, session_hours
from financial_pipeline.sources.yahoo_session import YahooSession
from financial_pipeline.sources.yfinance_prices import keep_caches_in, minute_bars
from financial_pipeline.streaming.producing import HEARTBEAT_SECONDS, Producer

MICROSECONDS: Final = 1_000_000
WIDTH: Final = timedelta(minutes=1)
WIDTH_US: Final = 60 * MICROSECONDS
# The poll stops waiting for a symbol that is this far behind the others (microseconds).
PATIENCE_US: Final = 3 * WIDTH_US
# Prices of the last minutes still arrive after the close.
AFTER_CLOSE: Final = timedelta(minutes=2)
# The answer for a symbol without a trade yet today, which is not an error.
NOTHING_YET: Final = "empty_answer"

# The minute bars of a symbol and day, as `yfinance_prices.minute_bars` gives them.
Ask = Callable[[str, date], pd.DataFrame]
Bars = dict[str, list[MarketEvent]]


def utc_now() -> datetime:
    """The machine's clock: live bars are of the day that it is."""
    return datetime.now(UTC)


def require_open(now: datetime) -> tuple[datetime, datetime]:
    """Opening and close (UTC) of the session that has begun today; raises PipelineError else."""
    local = now.astimezone(EXCHANGE_ZONE)
    hours = session_hours(local.date())
    if hours is None or now < hours[0]:
        opens = "has no session" if hours is None else f"opens at {_clock(hours[0])}"
        raise PipelineError(
            f"The New York Stock Exchange {opens} on {local:%A, %Y-%m-%d} (it is {_clock(now)}"
            " there), so there are no minute bars to poll."
        )
    return hours


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(EXCHANGE_ZONE):%H:%M}"


def completed_bars(
    symbol: str, frame: pd.DataFrame, now: datetime, hours: tuple[datetime, datetime]
) -> list[MarketEvent]:
    """The bars of a session that are over at an instant, as events, ascending.

    A row that is no whole minute is the price of the moment, and no bar.
    """
    found = []
    for at, row in frame.sort_index().iterrows():
        start = pd.Timestamp(at).to_pydatetime().astimezone(UTC)  # type: ignore[arg-type]
        is_bar = not start.second and hours[0] <= start < hours[1]
        if is_bar and start + WIDTH <= now:
            found.append(_event(symbol, start, row))
    return found


def _event(symbol: str, start: datetime, row: "pd.Series[float]") -> MarketEvent:
    event_us = int(start.timestamp()) * MICROSECONDS
    opened, high, low, close = (price_text(row[name]) for name in ("Open", "High", "Low", "Close"))
    volume = int(row["Volume"])
    return MarketEvent(
        event_us,
        symbol,
        event_us // 1000,
        opened,
        high,
        low,
        close,
        volume,
        None,
        price_text(Decimal(close) * volume),
        "close",
        start.astimezone(EXCHANGE_ZONE).date().isoformat(),
        "yfinance",
        event_us + WIDTH_US,
    )


def horizon(bars: Mapping[str, list[MarketEvent]], *, is_over: bool) -> int:
    """Up to which event time bars may be sent: as far as all symbols are, or patience lasts."""
    newest = [own[-1].event_us if own else 0 for own in bars.values()]
    leader = max(newest, default=0)
    return leader if is_over else max(min(newest, default=0), leader - PATIENCE_US)


@dataclass
class MinutePolling:
    """Polls `symbols` every `seconds` and hands new bars to `producer` until the session is over.

    `tell` gets one sentence when a provider fails, and another when it answers again.
    """

    producer: Producer
    ask: Ask
    symbols: tuple[str, ...]
    seconds: float
    tell: Callable[[str], None]
    now: Callable[[], datetime] = field(default_factory=lambda: utc_now)
    sleep: Callable[[float], None] = time.sleep
    polls: int = 0
    _beat_us: int = 0
    _reported: str = ""
    _bars: Bars = field(default_factory=dict)

    def run(self) -> None:
        """Raises PipelineError outside trading hours, and where the first poll gets no answer."""
        hours = require_open(self.now())
        self._beat_us = int(hours[0].timestamp()) * MICROSECONDS
        while True:
            due = self.now() + timedelta(seconds=self.seconds)
            self._poll(hours)
            is_over = self.now() >= hours[1] + AFTER_CLOSE
            self._send(is_over)
            if is_over:
                return
            while self.now() < due:
                self._beat()
                self.sleep(HEARTBEAT_SECONDS)

    def _poll(self, hours: tuple[datetime, datetime]) -> None:
        """Ask for all symbols in another thread; a failing symbol keeps its earlier bars."""
        failures: list[ProviderFailure] = []
        faults: list[BaseException] = []

        def ask_all() -> None:
            try:
                failures.extend(filter(None, (self._ask(name, hours) for name in self.symbols)))
            except Exception as error:
                faults.append(error)

        worker = threading.Thread(target=ask_all, daemon=True)
        worker.start()
        while worker.is_alive():
            self._beat()
            worker.join(HEARTBEAT_SECONDS)
        if faults:
            raise faults[0]
        if failures and not self.polls and len(failures) == len(self.symbols):
            raise failures[0]
        self.polls += 1
        self._say(str(failures[0]) if failures else "")

    def _ask(self, symbol: str, hours: tuple[datetime, datetime]) -> ProviderFailure | None:
        now = self.now()
        try:
            frame = self.ask(symbol, now.astimezone(EXCHANGE_ZONE).date())
        except ProviderFailure as failure:
            self._bars.setdefault(symbol, [])
            return None if failure.reason == NOTHING_YET else failure
        self._bars[symbol] = completed_bars(symbol, frame, now, hours)
        return None

    def _say(self, failure: str) -> None:
        if failure and failure != self._reported:
            self.tell(f"{failure} Polling continues.")
        elif self._reported and not failure:
            self.tell("All symbols answer again.")
        self._reported = failure

    def _send(self, is_over: bool) -> None:
        until, there = horizon(self._bars, is_over=is_over), self.producer.held.events
        # One instant for all symbols; otherwise those of a slow answer would be behind the
        # watermark of the others.
        now_us = int(self.now().timestamp() * MICROSECONDS)
        fresh = [
            bar._replace(known_us=now_us)
            for own in self._bars.values()
            for bar in own
            if bar.event_us <= until and (bar.symbol, bar.sequence) not in there
        ]
        self.producer.run(sorted(fresh, key=lambda bar: (bar.event_us, bar.symbol)))
        there.update((bar.symbol, bar.sequence) for bar in fresh)
        if until:
            # The windows of what was sent are closed, and the next minute is not late yet.
            self._beat_us = max(self._beat_us, until + WIDTH_US + WATERMARK_DELAY_US)
        self._beat()
        self.producer.sink.flush()

    def _beat(self) -> None:
        self.producer.heartbeat(self._beat_us)


def minute_source(settings: Settings, paths: Paths) -> Ask:
    """Return the source that `MinutePolling` polls; the request budget applies to each round."""
    http = HttpClient(
        cache=paths.http_cache,
        budget=settings.request_budget,
        # An answer is out of date after a minute.
        cache_seconds=0,
        pause_seconds=settings.request_pause_seconds,
    )
    keep_caches_in(paths.data_root / "cache" / "yfinance")
    session = YahooSession(http, settings.yahoo_url)

    def ask(symbol: str, day: date) -> pd.DataFrame:
        if symbol == settings.symbols[0]:
            http.spent = 0
        return minute_bars(symbol, day, session)

    return ask
