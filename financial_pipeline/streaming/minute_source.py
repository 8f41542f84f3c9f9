"""Minute bars of today from Yahoo, politely: a budget for each poll, and no cached answers."""

from datetime import date

import pandas as pd

from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings
from financial_pipeline.sources.http_client import HttpClient
from financial_pipeline.sources.yahoo_session import YahooSession
from financial_pipeline.sources.yfinance_prices import keep_caches_in, minute_bars
from financial_pipeline.streaming.minute_polling import Ask


def minute_source(settings: Settings, paths: Paths) -> Ask:
    """What `MinutePolling` asks; the request budget of the settings holds for each round."""
    http = HttpClient(
        cache=paths.http_cache,
        budget=settings.request_budget,
        # An answer is old after a minute.
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
