"""Configuration of a table's columns: names in words, separated thousands, few decimals.

The CSV of a table keeps the names and values as they are.
"""

from typing import Final

import polars as pl
import polars.selectors as cs
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

# Name parts of fractions, which are shown as per cent, and of numbers that are not quantities.
FRACTIONS: Final = {
    "rate",
    "probability",
    "return",
    "volatility",
    "drawdown",
    "pd",
    "caught",
    "declined",
    "share",
    "risk",
    "shortfall",
    "low",
    "high",
    "active",
}
LABELS: Final = {"year", "id", "key", "bin", "partition", "fico"}
# Names that contain such a part but are not fractions.
PLAIN: Final = {"volatility_zscore", "hac_low", "hac_high"}
WORDS: Final = {"fico": "FICO", "usd": "$", "id": "id", "woe": "WoE", "zscore": "z-score"} | {
    name: name.upper()
    for name in ("pd", "psi", "hhi", "auc", "ks", "ead", "dti", "hac", "vwap", "ece")
}
# Numbers from here on are shown without decimals, and below the second bound with four.
LARGE: Final = 1000.0
SMALL: Final = 10.0


def configuration(frame: pl.DataFrame) -> dict[str, ColumnConfig | None]:
    """Return the configuration of each column; None for one that is for programs only."""
    return {name: _column(name, frame[name]) for name in frame.columns}


def in_plain_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the codes of loans in words."""
    purpose = cs.by_name("purpose", require_all=False)
    return frame.with_columns(purpose.str.replace_all("_", " "))


def as_text(name: str, values: pl.Series) -> list[str]:
    """Return the values of a column as text, in the form that `configuration` gives them."""
    if values.dtype == pl.Boolean:
        values = values.replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
    if values.dtype == pl.Date and _is_month(name):
        values = values.dt.strftime("%Y-%m")
    if not values.dtype.is_numeric():
        return ["–" if value is None else str(value) for value in values]
    form = _number(name, values)
    sign = "$" if form.startswith("$") else ""
    spec = ".2%" if form == "percent" else form.lstrip("$").removeprefix("%")
    return ["–" if value is None else f"{sign}{value:{spec}}" for value in values]


def in_words(name: str) -> str:
    """Return a column's name as a heading: `funded_amount_usd` -> `Funded amount $`."""
    words = [WORDS.get(word, word) for word in name.split("_")]
    heading = " ".join(words)
    return heading[:1].upper() + heading[1:]


def _column(name: str, values: pl.Series) -> ColumnConfig | None:
    if name.endswith("_json"):
        return None
    label, kind = in_words(name), values.dtype
    if kind == pl.Date:
        form = "YYYY-MM" if _is_month(name) else "YYYY-MM-DD"
        return st.column_config.DateColumn(label, format=form)
    if kind == pl.Datetime:
        return st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm:ss")
    if kind.is_numeric():
        return st.column_config.NumberColumn(label, format=_number(name, values))
    return st.column_config.Column(label)


def _is_month(name: str) -> bool:
    """Return whether a column of dates has months, by its name."""
    return name.split("_")[-1] == "month"


def _number(name: str, values: pl.Series) -> str:
    parts = set(name.lower().split("_"))
    if parts & LABELS:
        return "%.0f"
    if values.dtype.is_integer():
        return "%,d"
    sizes = values.cast(pl.Float64).abs()
    most = sizes.filter(sizes.is_finite()).max()
    largest = most if isinstance(most, float) else 0.0
    # A dollar-weighted rate is not an amount.
    if "usd" in parts and "weighted" not in parts:
        return "$%,.0f"
    if parts & FRACTIONS and name not in PLAIN and largest <= SMALL:
        return "percent"
    return "%,.0f" if largest >= LARGE else "%,.2f" if largest >= SMALL else "%.4f"
