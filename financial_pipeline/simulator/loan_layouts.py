"""The layouts in which upstream published loan files, and the oddities found in them.

accepted: 151 columns, plain numbers (`3600.0`, `13.99`), ids filled.
loanstats: 145 columns without FICO, a note line first, every value quoted, per-cent strings, no
ids, a section for loans outside the credit policy, blank lines and two footers with totals.
loan_csv: the same 145 columns with plain numbers, no ids, no note.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final, Literal

import numpy as np
import polars as pl

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.simulator.loan_columns import POLICY_PREFIX
from financial_pipeline.sources.simulated import SITE

NOTE_LINE: Final = f"Notes offered by Prospectus (https://{SITE}/info/prospectus.action)"
SECTION_LINE: Final = "Loans that do not meet the credit policy"
SCORE_COLUMNS: Final = frozenset(
    """
    fico_range_low fico_range_high last_fico_range_low last_fico_range_high
    sec_app_fico_range_low sec_app_fico_range_high
    """.split()
)
COLUMNS_145: Final = tuple(name for name in LOAN_COLUMNS if name not in SCORE_COLUMNS)
# Upstream pads the rate to this width: `  7.90%`.
RATE_WIDTH: Final = 7

NULL_DTI_SHARE: Final = 0.0007
FULL_DTI_SHARE: Final = 0.0002
ZERO_INCOME_SHARE: Final = 0.00005
HUGE_INCOME_SHARE: Final = 0.00002
OVER_LIMIT_SHARE: Final = 0.0004
DUPLICATE_SHARE: Final = 0.0002


class Layout(StrEnum):
    """The upstream file forms."""

    ACCEPTED = "accepted"
    LOANSTATS = "loanstats"
    LOAN_CSV = "loan_csv"


@dataclass(frozen=True)
class Quirks:
    """Which oddities a file has: the defaults are those of every upstream file.

    `odd_values`: missing dti, dti 999, income 0 and 9,000,000, utilisation above 100 per cent.
    `footers`: two lines with totals at the end (loanstats always has them). `percent_strings`:
    `13.99%` also in the plain layouts. `duplicates`: some rows twice, identical.
    """

    odd_values: bool = True
    footers: bool = True
    percent_strings: bool = False
    duplicates: bool = False


UPSTREAM_QUIRKS: Final = Quirks()
NO_QUIRKS: Final = Quirks(odd_values=False, footers=False)


def with_odd_values(rng: np.random.Generator, fixed: pl.DataFrame) -> pl.DataFrame:
    """Put the odd values of upstream into a few rows of the columns fixed at origination."""
    size = fixed.height

    def few(share: float) -> pl.Series:
        return pl.Series(rng.random(size) < share)

    over_limit = pl.Series(np.round(100 + rng.exponential(25.0, size), 1))
    own_dti = pl.when(few(FULL_DTI_SHARE)).then(pl.lit(999.0)).otherwise("dti")
    zero = pl.when(few(ZERO_INCOME_SHARE)).then(pl.lit(0.0)).otherwise("annual_inc")
    return fixed.with_columns(
        dti=pl.when(~few(NULL_DTI_SHARE)).then(own_dti),
        annual_inc=pl.when(few(HUGE_INCOME_SHARE)).then(pl.lit(9_000_000.0)).otherwise(zero),
        revol_util=pl.when(few(OVER_LIMIT_SHARE)).then(over_limit).otherwise("revol_util"),
    )


def few_rows(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that a file with duplicates contains twice."""
    chosen = pl.Series(rng.random(rows.height) < DUPLICATE_SHARE, dtype=pl.Boolean)
    return rows.filter(chosen, ~pl.col("loan_status").str.starts_with(POLICY_PREFIX))


@dataclass
class LoanFileWriter:
    """Writes one loan file in a layout: header at once, rows as they come, footers at the end."""

    file: BinaryIO
    layout: Layout = Layout.ACCEPTED
    quirks: Quirks = UPSTREAM_QUIRKS
    line_end: str = "\n"
    funded: float = 0.0
    # Rows outside the credit policy wait for their section; there are at most 0.2 per cent.
    waiting: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.layout is Layout.LOANSTATS:
            self._line(NOTE_LINE)
        schema = dict.fromkeys(self._columns, pl.String)
        pl.DataFrame(schema=schema).write_csv(
            self.file, quote_style=self._quotes, line_terminator=self.line_end
        )

    def append(self, rows: pl.DataFrame) -> None:
        """Write rows of the 151 columns in this file's layout."""
        self.funded += float(rows["funded_amnt"].sum()) if rows.height else 0.0
        if self.layout is Layout.LOANSTATS and rows.height:
            exception = pl.col("loan_status").str.starts_with(POLICY_PREFIX)
            self.waiting.append(rows.filter(exception))
            rows = rows.filter(~exception)
        self._write(rows)

    def repeat(self, rows: pl.DataFrame) -> None:
        """Write rows once more; the totals count each loan once."""
        self._write(rows)

    def finish(self) -> None:
        """Write the section of loans outside the policy and the footers, if there are any."""
        totals = [
            f"Total amount funded in policy code 1: {self.funded:.0f}",
            "Total amount funded in policy code 2: 0",
        ]
        if self.layout is Layout.LOANSTATS:
            self._lines(["", "", SECTION_LINE])
            for rows in self.waiting:
                self._write(rows)
            self._lines(["", "", *totals])
        elif self.quirks.footers:
            # The published whole file was padded to its width by the program that joined it.
            self._lines([total + "," * (len(self._columns) - 1) for total in totals])

    @property
    def _columns(self) -> tuple[str, ...]:
        return LOAN_COLUMNS if self.layout is Layout.ACCEPTED else COLUMNS_145

    @property
    def _quotes(self) -> Literal["always", "necessary"]:
        return "always" if self.layout is Layout.LOANSTATS else "necessary"

    def _write(self, rows: pl.DataFrame) -> None:
        laid_out = lay_out(rows, self.layout, percent_strings=self.quirks.percent_strings)
        laid_out.write_csv(
            self.file,
            include_header=False,
            quote_style=self._quotes,
            line_terminator=self.line_end,
        )

    def _lines(self, texts: list[str]) -> None:
        for text in texts:
            self._line(text)

    def _line(self, text: str) -> None:
        self.file.write((text + self.line_end).encode())


def lay_out(rows: pl.DataFrame, layout: Layout, *, percent_strings: bool) -> pl.DataFrame:
    """The rows of the 151 columns with the columns and the value texts of a layout."""
    rate = pl.format("{}%", pl.col("int_rate").cast(pl.String))
    utilisation = pl.format("{}%", pl.col("revol_util").cast(pl.String))
    if layout is Layout.ACCEPTED:
        return rows.with_columns(rate, utilisation) if percent_strings else rows
    whole = pl.selectors.float().cast(pl.String).str.strip_suffix(".0")
    # Upstream leaves the address out of these forms; here it says that the loan is simulated.
    bare = rows.with_columns(whole, id=pl.lit(None, pl.String), url=pl.lit(SITE))
    bare = bare.with_columns(pl.col("emp_length").fill_null("n/a")).select(COLUMNS_145)
    if layout is Layout.LOANSTATS:
        padded = [f"{rate:.2f}%".rjust(RATE_WIDTH) for rate in rows["int_rate"]]
        return bare.with_columns(pl.Series("int_rate", padded), _percent("revol_util"))
    if percent_strings:
        return bare.with_columns(_percent("int_rate"), _percent("revol_util"))
    return bare


def _percent(column: str) -> pl.Expr:
    return (pl.col(column) + "%").alias(column)
