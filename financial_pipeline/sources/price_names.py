"""The bank of a price file: named by its content, else by the name of the file."""

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.compression import decompressed, plain_stem
from financial_pipeline.sources.physical_lines import Record, read_records
from financial_pipeline.sources.price_layout import PriceLayout

# The rest of a file name after a symbol that makes it another one: a letter behind `-`, `.`, `=`
# or `^`, or a word of one or two letters, of a preferred share, of a market or of a currency.
SECURITY_SUFFIX: Final = re.compile(r"[-.=^][A-Z]")
SECURITY_WORD: Final = re.compile(
    r"[A-Z]{1,2}|PR[A-Z]|PREF(ERRED)?|PFD|ADR|GDR|CDR|WARRANTS?|WTS|LON|LSE|FRA|XETRA|TSX|MEX|BMV"
    r"|MXN|EUR|GBP|GBX|CAD|CHF|JPY|BRL|ARS|PESOS"
)
# Words of a file name that name no security; `us_d` are the market and the frequency of Stooq, and
# the others the exchange of the banks, vendors, and what people call a price file.
PLAIN_WORDS: Final = re.compile(
    r"(?<![A-Z0-9])(US[._]D|US|NYSE|WIKI|YAHOO|YFINANCE|STOOQ|TIINGO|DAILY|ADJUSTED|RAW|TICKER"
    r"|HISTORY|HISTORICAL|HISTORICALDATA|PRICES?|STOCKS?|DATA|OHLCV?)(?![A-Z0-9])"
)
# `to` between two years or days; elsewhere it is the suffix of Toronto.
RANGE_WORD: Final = re.compile(r"(?<=\d)[ _-]*TO[ _-]*(?=\d)")


# Names of a table of the whole market.
SHOWN_SYMBOLS: Final = 5


def symbols_of(path: Path, found: PriceLayout, symbols: Sequence[str]) -> list[str]:
    """The banks of a file, in column order: from its content, else from its name.

    Raises PipelineError, with the list of configured symbols, for any other one.
    """
    if found.symbol_column is not None:
        return _as_promised(path, _symbols_of_lines(path, found, symbols), symbols)
    expected = ", ".join(symbols)
    if None not in found.columns:
        named = [str(symbol) for symbol in found.columns]
        if foreign := [symbol for symbol in named if symbol not in symbols]:
            raise PipelineError(
                f"{path} contains prices of {', '.join(foreign)}; expected only the configured"
                f" symbols {expected}: drop its columns, or"
                f" {configuration_line(symbols, foreign)}."
            )
        return _as_promised(path, named, symbols)
    named = [symbol for symbol in symbols if _names(path, symbol, symbols)]
    if len(named) != 1:
        stem = plain_stem(path).upper()
        raise PipelineError(
            f"{path} contains prices, but its name is not exactly one of the configured symbols"
            f" {expected}; a suffix such as -PK or .MX is another security. Name the file"
            f" {symbols[0]}.csv or {symbols[0]}_2018.csv if it is one of them, or"
            f" {configuration_line(symbols, [stem])}."
        )
    return named


def _as_promised(path: Path, named: list[str], symbols: Sequence[str]) -> list[str]:
    """The banks of a file's content; raises PipelineError if its name is that of another one."""
    other = [symbol for symbol in symbols if _names(path, symbol, symbols)]
    if other and not set(other) & set(named):
        raise PipelineError(
            f"{path} is named {other[0]} but contains prices of {', '.join(named)}; rename the"
            " file, or export the bank that its name promises."
        )
    return named


def line_symbol(record: Record, found: PriceLayout) -> str:
    """The symbol that a line of a table of several banks names; empty if it names none."""
    place, fields = found.symbol_column, record.fields or []
    return fields[place].strip().upper() if place is not None and place < len(fields) else ""


def _symbols_of_lines(path: Path, found: PriceLayout, symbols: Sequence[str]) -> list[str]:
    """The configured symbols that the lines of a table name; lines of others are left out."""
    with TemporaryDirectory() as folder, decompressed(path, Path(folder)) as plain:
        records = read_records(plain, found.width, max(found.header_lines))
        tickers = [name for name in dict.fromkeys(line_symbol(r, found) for r in records) if name]
    if not tickers:
        raise PipelineError(f"{path} has a column of symbols without any; export it again.")
    if named := [symbol for symbol in symbols if symbol in tickers]:
        return named
    shown = ", ".join(tickers[:SHOWN_SYMBOLS]) + (", ..." if len(tickers) > SHOWN_SYMBOLS else "")
    raise PipelineError(
        f"{path} contains prices of {shown} and of none of the configured symbols"
        f" {', '.join(symbols)}; {configuration_line(symbols, tickers[:1])} to read {tickers[0]}."
    )


def configuration_line(symbols: Sequence[str], foreign: Sequence[str]) -> str:
    """Return the advice for further symbols: `set FINANCIAL_PIPELINE_SYMBOLS=JPM,MS`."""
    return f"set FINANCIAL_PIPELINE_SYMBOLS={','.join([*symbols, *foreign])}"


def _names(path: Path, symbol: str, symbols: Sequence[str]) -> bool:
    """Whether a file name is a symbol, or the symbol and words that are no part of one.

    `JPM_2017`, `daily_JPM` and `JPM (1)` are JPM; `BAC-PK`, `JPM.MX`, `JPM_2017_MX` and `PREF_C`
    are other securities.
    """
    stem = _without_plain_words(plain_stem(path).upper(), symbols)
    if not re.match(rf"{re.escape(symbol)}(?![A-Z0-9])", stem):
        return False
    rest = stem.removeprefix(symbol)
    words = re.findall(r"[A-Z0-9]+", rest)
    is_other = any(SECURITY_WORD.fullmatch(word) or word in symbols for word in words)
    return not is_other and not SECURITY_SUFFIX.match(rest)


def _without_plain_words(stem: str, symbols: Sequence[str]) -> str:
    words = PLAIN_WORDS.sub(lambda found: found[0] if found[0] in symbols else "", stem)
    return RANGE_WORD.sub("_", words).strip("-_. ")
