"""Daily and minute prices through `yfinance`, in the form of its history, checked before use.

Every option whose default has changed between versions is passed; none is left to a release.
"""

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pandas as pd

from financial_pipeline.sources.http_client import ProviderFailure
from financial_pipeline.sources.yahoo_session import PROVIDER, YahooSession

PRICES: Final = ("Open", "High", "Low", "Close", "Adj Close")
ACTIONS: Final = ("Dividends", "Stock Splits")
COLUMNS: Final = (*PRICES, "Volume", *ACTIONS)
MINUTE_COLUMNS: Final = ("Open", "High", "Low", "Close", "Volume")
# Sessions without a close that a history may have: a number, and a share of all.
MOST_BROKEN: Final = 3
BROKEN_SHARE: Final = 0.01
# Seven significant digits are what Yahoo's single-precision prices contain.
NUMBER_FORMAT: Final = "%.9g"


def daily_history(symbol: str, first: date, last: date, session: YahooSession) -> bytes:
    """Sessions `first` to `last` of one symbol as a CSV in the form of yfinance's history.

    Open, high, low and close are split-adjusted and contain their dividends; `Adj Close` does not.
    Raises ProviderFailure for an answer that is no sound data.
    """
    frame = _history(symbol, first, last + timedelta(days=1), "1d", session)
    check_shape(symbol, frame, COLUMNS)
    days = pd.DatetimeIndex(frame.index).tz_localize(None).normalize()
    wanted = (days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last))
    inside = frame[list(COLUMNS)].set_axis(days)[wanted]
    check_history(symbol, inside)
    kept = inside.dropna(subset=["Close"])
    if kept.empty:
        raise _failure(symbol, "empty_answer", f"no session from {first} to {last}")
    kept.index.name = "Date"
    return kept.to_csv(
        date_format="%Y-%m-%d", float_format=NUMBER_FORMAT, lineterminator="\n"
    ).encode()


def minute_bars(symbol: str, day: date, session: YahooSession) -> pd.DataFrame:
    """One-minute bars of one day: MINUTE_COLUMNS, index the bar's start with its time zone.

    Rows without prices are left out. Errors as `daily_history`.
    """
    frame = _history(symbol, day, day + timedelta(days=1), "1m", session)
    check_shape(symbol, frame, MINUTE_COLUMNS)
    check_prices(symbol, frame, MINUTE_COLUMNS[:4])
    return frame[list(MINUTE_COLUMNS)].dropna(subset=["Close"])


def keep_caches_in(folder: Path) -> None:
    """Let yfinance keep its time zones and cookies in this folder, not in the user's home."""
    # Imported where it is used: a process that only loads the asset graph sends Yahoo no request.
    import yfinance

    folder.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(folder))


def _history(
    symbol: str, start: date, end: date, interval: str, session: YahooSession
) -> pd.DataFrame:
    import yfinance
    from yfinance.data import YfData
    from yfinance.exceptions import YFException, YFRateLimitError

    # Its cache keeps answers longer than the day on which they were right.
    YfData.cache_get.cache_clear()
    yfinance.config.debug.hide_exceptions = False
    # The failure repeats its log messages once.
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    try:
        return yfinance.Ticker(symbol, session=session).history(
            interval=interval,
            start=start.isoformat(),
            end=end.isoformat(),
            prepost=False,
            actions=True,
            auto_adjust=False,
            back_adjust=False,
            repair=False,
            keepna=True,
            rounding=False,
            timeout=10,
        )
    except ProviderFailure as failure:
        raise _failure(symbol, failure.reason, failure.detail) from None
    except OSError as error:
        detail = f"a side request of yfinance failed ({type(error).__name__})"
        raise _failure(symbol, "unreachable", detail) from None
    except YFRateLimitError:
        raise _failure(symbol, "throttled", "Yahoo answers too many requests") from None
    except YFException as error:
        raise _refused_or(session, symbol, "empty_answer", str(error).rstrip(".")) from None
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        # After a refusal yfinance asks for another cookie, whose answer it may not be able to read.
        detail = f"yfinance could not read the answer ({type(error).__name__})"
        raise _refused_or(session, symbol, "changed_layout", detail) from None


def _refused_or(session: YahooSession, symbol: str, reason: str, detail: str) -> ProviderFailure:
    """Return the failure of a refused chart, or of an accepted one the given failure."""
    if session.refusal:
        return _failure(symbol, "refused", session.refusal)
    return _failure(symbol, reason, detail)


def _failure(symbol: str, reason: str, detail: str) -> ProviderFailure:
    return ProviderFailure(PROVIDER, reason, f"{symbol}: {detail}")


def check_shape(symbol: str, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise ProviderFailure unless the frame has rows, dated in a time zone, and these columns.

    `columns` must all be there, in any order; `Capital Gains`, which funds have, may be added.
    """
    if frame is None or frame.empty:
        raise _failure(symbol, "empty_answer", "an empty table")
    found = [str(name) for name in frame.columns]
    extra = set(found) - {*COLUMNS, "Capital Gains"}
    if frame.columns.nlevels > 1 or set(columns) - set(found) or extra:
        raise _failure(symbol, "changed_layout", f"a table with the columns {', '.join(found)}")
    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise _failure(symbol, "changed_layout", "a table whose rows have no dated time zone")


def check_history(symbol: str, frame: pd.DataFrame) -> None:
    """Raise ProviderFailure if many traded sessions lack their close.

    Up to three, or 1%, are left out and missing; an open, high or low may be missing.
    """
    broken = frame.loc[frame["Close"].isna() & (frame["Volume"] > 0)]
    if len(broken) > max(MOST_BROKEN, BROKEN_SHARE * len(frame)):
        check_prices(symbol, frame, ["Close"])


def check_prices(symbol: str, frame: pd.DataFrame, prices: Sequence[str]) -> None:
    """Raise ProviderFailure if a row was traded (it has volume) but lacks one of its prices."""
    broken = frame.loc[frame[list(prices)].isna().any(axis=1) & (frame["Volume"] > 0)]
    if not broken.empty:
        raise _failure(
            symbol,
            "volume_without_prices",
            f"{len(broken)} rows with volume but no prices, the first on {broken.index[0].date()}",
        )
