"""CSV for people: text that a spreadsheet would run as a formula gets an apostrophe in front."""

from typing import Final

import polars as pl

# Characters that start a formula in Excel, LibreOffice and Google Sheets; signed numbers are not
# formulas.
FORMULA: Final = r"(?s)^[=+\-@\t\r]."
NUMBER: Final = r"^[+-]\d[\d., ]*(?:[eE][+-]?\d+)?%?$"


def csv(frame: pl.DataFrame) -> str:
    """Return the rows as CSV that a spreadsheet shows and does not run."""
    texts = [pl.col(name) for name, kind in frame.schema.items() if kind == pl.String]
    return frame.with_columns(_safe(text) for text in texts).write_csv()


def _safe(text: pl.Expr) -> pl.Expr:
    is_formula = text.str.contains(FORMULA) & ~text.str.contains(NUMBER)
    return pl.when(is_formula).then(text.str.replace("^", "'")).otherwise(text)
