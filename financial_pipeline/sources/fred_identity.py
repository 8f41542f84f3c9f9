"""The FRED series that a file may contain: exact ids that are known or configured, and no others.

An upper-case header after a date is also that of a table of closing prices, so ids are compared
with the known ones, and the refusal describes the expected form.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.macro_series import known_series
from financial_pipeline.settings import Settings
from financial_pipeline.sources.compression import plain_stem
from financial_pipeline.sources.fred_layout import (
    DATE_NAMES,
    dated_stem,
    header_cells,
    value_columns,
)

PRICE_WORDS: Final = frozenset(
    "OPEN HIGH LOW CLOSE ADJ_CLOSE ADJCLOSE ADJUSTED_CLOSE LAST PRICE VOLUME VWAP BID ASK"
    " PX_OPEN PX_HIGH PX_LOW PX_LAST PX_VOLUME".split()
)
UNIT_WORDS: Final = frozenset(
    "USD EUR GBP JPY CAD CHF DOLLARS PERCENT PCT RATE YIELD INDEX LEVEL UNIT UNITS BPS".split()
)
# FRED adds the code of a transformation to the id.
TRANSFORMATIONS: Final = ("CHG", "CH", "PCH", "PC", "PCA", "CCH", "CCA", "LOG", "NBD")
LONGEST_TICKER: Final = 5
PRICE_SHAPE: Final = (
    "write one file per bank, named after its symbol (JPM.csv), with the header"
    " Date,Open,High,Low,Close,Adj Close,Volume"
)


def setting_line(series: Sequence[str]) -> str:
    """The line of `.env` that adds these series to the configured ones."""
    names = dict.fromkeys((*Settings().fred_series, *series))
    listed = ",".join(f'"{name}"' for name in names)
    return f"FINANCIAL_PIPELINE_FRED_SERIES='[{listed}]'"


def price_table(names: Sequence[str]) -> str | None:
    """Explain why a header with a date column is one of prices, and how to shape it; else None."""
    upper = [name.upper().replace(" ", "_") for name in names]
    if words := [name for name in upper if name in PRICE_WORDS]:
        return f"has price columns ({', '.join(words)}), which are no FRED series; {PRICE_SHAPE}"
    if banks := [name for name in upper if name.split("_")[0] in Settings().symbols]:
        listed = ", ".join(banks)
        return f"has one column per ticker ({listed}), which are no FRED series; {PRICE_SHAPE}"
    return None


def price_header(lines: Sequence[str]) -> str | None:
    """`price_table` of a file that starts with these lines; None without a date column."""
    _, names = header_cells(lines)
    if not any(name.lower() in DATE_NAMES for name in names):
        return None
    return price_table([names[place] for place in value_columns(names)])


def verify_series(path: Path, series: Sequence[str]) -> None:
    """Raise PipelineError unless each id is known and the file is not named after another one."""
    known = known_series(Settings().fred_series)
    unknown = [name for name in series if name not in known]
    if unknown:
        raise PipelineError(f"{path} {_reason(unknown, known)}.")
    named, _ = dated_stem(plain_stem(path).upper())
    if named in known and named not in series:
        raise PipelineError(
            f"{path} is named {named} but contains {', '.join(series)}; rename the file, or"
            " download the series that its name promises."
        )


def _reason(unknown: Sequence[str], known: frozenset[str]) -> str:
    if reason := price_table(unknown):
        return reason
    listed = ", ".join(unknown)
    if any(name in UNIT_WORDS for name in unknown):
        return (
            f"names its column after a unit ({listed}), not after a FRED series; write the series"
            " id there (DATE,UNRATE), or `date,value` in a file named UNRATE.csv"
        )
    for name in unknown:
        base, _, code = name.rpartition("_")
        # The code of an index is followed by the day of its base.
        if code.rstrip("0123456789") in TRANSFORMATIONS and base in known:
            return (
                f"contains the transformed series {name}; download {base} with units=lin, because"
                " every change is computed here from levels"
            )
    advice = f"if it is a FRED series, set {setting_line(unknown)} in .env"
    if all(len(name) <= LONGEST_TICKER for name in unknown):
        advice += f"; if it is a ticker, {PRICE_SHAPE}"
    return f"contains {listed}, which is no known FRED series; {advice}"
