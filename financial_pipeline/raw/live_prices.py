"""Fetch new prices: from each configured provider in turn, and from no other.

Prices are written in upstream form, with a provenance record that names their provider.
"""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import cached_json, content_of, replace_file, replace_json, sha256
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, restatements
from financial_pipeline.settings import Settings
from financial_pipeline.sources import bank_prices, landing
from financial_pipeline.sources.http_client import HttpClient, ProviderFailure
from financial_pipeline.sources.market_calendar import last_closed_session
from financial_pipeline.sources.provenance import record_files
from financial_pipeline.sources.yahoo_session import YahooSession
from financial_pipeline.sources.yfinance_prices import daily_history, keep_caches_in

CSV: Final = "CSV drop"
# The sentences of `unserved_symbols`, in the raw folder.
UNSERVED: Final = "unserved_symbols.json"


def fetch_prices(settings: Settings, paths: Paths, http: HttpClient, now: datetime) -> list[str]:
    """Ask the providers for each symbol, up to the last closed session; a sentence for each.

    A symbol that no provider serves is named and its stored prices stay. Raises PipelineError,
    naming the answer of each provider, if that is every symbol.
    """
    providers: dict[str, Callable[[str], str]] = {}
    if "yfinance" in settings.price_providers:
        keep_caches_in(paths.data_root / "cache" / "yfinance")
        session = YahooSession(http, settings.yahoo_url)
        providers["yfinance"] = lambda symbol: _from_yfinance(symbol, settings, paths, session, now)
    providers["csv"] = lambda symbol: _from_drop(symbol, settings, paths)
    chain = [providers[name] for name in settings.price_providers]
    sentences: list[str] = []
    failures: list[PipelineError] = []
    for symbol in settings.symbols:
        try:
            sentences.append(_first_served(symbol, chain))
        except PipelineError as error:
            failures.append(error)
    if failures and not sentences:
        raise failures[0]
    unserved = [str(failure) for failure in failures]
    replace_json(paths.raw / UNSERVED, unserved)
    return sentences + unserved


def unserved_symbols(paths: Paths) -> list[str]:
    """Explain why the newest fetch has no new prices of some symbols, a sentence for each."""
    return list(cached_json(paths.raw / UNSERVED) or [])


def _first_served(symbol: str, chain: list[Callable[[str], str]]) -> str:
    failures: list[ProviderFailure] = []
    for provider in chain:
        try:
            said = [f" ({failure.reason} at {failure.provider})" for failure in failures]
            return f"{symbol}: {provider(symbol)}{''.join(said)}"
        except ProviderFailure as failure:
            failures.append(failure)
    reasons = " ".join(str(failure) for failure in failures) or "No provider is configured."
    raise PipelineError(
        f"No provider served prices of {symbol}, and its published prices are unchanged. {reasons}"
    )


def _from_yfinance(
    symbol: str, settings: Settings, paths: Paths, session: YahooSession, now: datetime
) -> str:
    """Fetch from the overlap on; where that shows a rewritten past, fetch the whole past again."""
    last = last_closed_session(now)
    place = paths.live_landing / "prices" / "yfinance" / f"{symbol}.csv"
    if place.exists():
        # A killed run may have left it unarchived.
        archive.archive(paths, [bank_prices.describe(place, settings.symbols)])
    files = archive.current_files(paths, bank_prices.DATASET)
    stored = restatements.last_stored(files, symbol)
    first = settings.first_session if stored.is_empty() else stored["session_date"][0]
    content = daily_history(symbol, first, last, session)
    changes = restatements.compare(stored, _read_prices(content, symbol, now))
    said = ""
    if restatements.rewrites_history(changes):
        content = daily_history(symbol, settings.first_session, last, session)
        reasons = sorted({row["reason"] for row in changes})
        said = f", the past was restated ({', '.join(reasons)}) and is fetched again"
    replace_file(place, content)
    record_files(place.parent, {place.name: sha256(place)}, provider="yfinance")
    rows = len(content.splitlines()) - 1
    return f"{rows:,} sessions from yfinance{said}"


def _read_prices(content: bytes, symbol: str, now: datetime) -> pl.DataFrame:
    with TemporaryDirectory() as folder:
        place = Path(folder) / f"{symbol}.csv"
        place.write_bytes(content)
        return restatements.read_prices(content_of(place), symbol, now)


def _from_drop(symbol: str, settings: Settings, paths: Paths) -> str:
    """Take a symbol's price files out of the drop folder."""
    found, refused = [], []
    for path in landing.candidates(settings.landing) if settings.landing else []:
        if not landing.is_price_file(path):
            continue
        try:
            subject = bank_prices.describe(path, settings.symbols).subject or ""
        except PipelineError as error:
            # The file of another security does not stop the banks.
            refused.append(str(error))
            continue
        if symbol in subject.split(","):
            found.append(path)
    if not found:
        place = settings.landing or "none is set; pass --landing DIR"
        detail = f"the drop folder ({place}) has no price file of {symbol}"
        raise ProviderFailure(CSV, "no_file", ". ".join([detail, *refused]).rstrip("."))
    paths.live_csv.mkdir(parents=True, exist_ok=True)
    for path in found:
        copy = paths.live_csv / path.name
        shutil.copyfile(path, copy)
        record_files(paths.live_csv, {copy.name: sha256(copy)}, provider="csv")
    return f"{', '.join(path.name for path in found)} from the CSV drop"
