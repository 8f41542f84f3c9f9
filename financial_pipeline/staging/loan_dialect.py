"""The dialect of loan files, and their typing on Spark."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from financial_pipeline.schemas.lending_club import TEXT_COLUMNS
from financial_pipeline.schemas.loan_rules import PERCENT_COLUMNS
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import LENDING_CLUB_LOANS
from financial_pipeline.settings import Settings
from financial_pipeline.sources import lending_club as source
from financial_pipeline.sources.lending_club import LoanLayout
from financial_pipeline.sources.row_filter import Finding
from financial_pipeline.staging.dialect import Dialect
from financial_pipeline.staging.loan_keys import settle_repeated_ids
from financial_pipeline.transforms import lending_club_loans as transform


def _type_on_spark(
    raw: pl.LazyFrame,
    *,
    scratch: Path,
    rate_divisor: float,
    has_ids: bool,
    first_issue_month: date,
) -> pl.LazyFrame:
    """As the Polars expressions of that name, but that months are dates.

    `raw` has text and `row`, by which the result is sorted; files are written to `scratch`, which
    Spark's workers must see. Raises PipelineError if Spark cannot start.
    """
    # Spark takes seconds to import, and most runs never ask for it.
    from financial_pipeline.spark.lending_club_loans import type_loans as type_on_spark
    from financial_pipeline.spark.session import start_session

    session = start_session()
    rows, typed = scratch / "rows.parquet", scratch / "typed"
    raw.sink_parquet(rows)
    result = type_on_spark(
        session.read.parquet(str(rows.resolve())),
        rate_divisor=rate_divisor,
        has_ids=has_ids,
        first_issue_month=first_issue_month,
    )
    result.write.parquet(str(typed.resolve()))
    return pl.concat([pl.scan_parquet(part) for part in _in_row_order(typed)])


def _in_row_order(folder: Path) -> list[Path]:
    """The files of a Spark result, each of which contains rows that follow each other."""
    first = {
        part: pl.scan_parquet(part).select(pl.col("row").first()).collect().item()
        for part in folder.glob("*.parquet")
    }
    filled = [part for part, row in first.items() if row is not None]
    return sorted(filled or first, key=lambda part: first[part] or 0)


SNIFFED_ROWS = 1_000
# Rates above this are per cent: no loan costs 100 per cent.
LARGEST_FRACTION = 1.0


class LoanDialect(Dialect):
    """One loan file: its header, whether it has ids, and the unit of its rates."""

    contract = LENDING_CLUB_LOANS
    month = "issue_d"
    text_columns = sorted(TEXT_COLUMNS)
    evidence = ("int_rate",)

    def __init__(self, layout: LoanLayout, has_ids: bool, settings: Settings) -> None:
        self.columns = layout.columns
        self.header_line = layout.header_line
        self._layout = layout
        self._has_ids = has_ids
        self._first_issue_month = settings.first_issue_month
        self._rate_divisor = transform.PER_CENT
        self._engine = settings.loan_staging_engine

    def note_kind(self, fields: Sequence[str], header: Sequence[str]) -> str | None:
        """The kind of note that a record is, or None."""
        return source.note_kind(fields, header)

    def fast(self, plain: Path, scratch: Path) -> pl.LazyFrame:
        """Numbers parsed on the way in; percent signs and the unit of rates from the first rows.

        Spark is given text, as it parses for itself.
        """
        head = source.scan(plain, self._layout, transform.text_schema()).head(SNIFFED_ROWS)
        sniffed = head.select(PERCENT_COLUMNS).collect()
        signs = sniffed.select(pl.all().str.contains("%", literal=True).any()).row(0)
        self._rate_divisor = transform.rate_divisor(sniffed)
        schema = transform.parsed_schema(percent_as_text=any(signs))
        if self._engine == "spark":
            schema = transform.text_schema()
        return self._typed(source.scan(plain, self._layout, schema), scratch)

    def careful(self, clean: Path, scratch: Path) -> pl.LazyFrame:
        """Everything read as text; the unit of rates from the whole file."""
        raw = source.scan(clean, replace(self._layout, header_line=0), transform.text_schema())
        self._rate_divisor = transform.rate_divisor(raw.select("int_rate").collect())
        return self._typed(raw, scratch)

    def _typed(self, raw: pl.LazyFrame, scratch: Path) -> pl.LazyFrame:
        on_spark = partial(_type_on_spark, scratch=scratch)
        type_loans = on_spark if self._engine == "spark" else transform.type_loans
        return type_loans(
            raw,
            rate_divisor=self._rate_divisor,
            has_ids=self._has_ids,
            first_issue_month=self._first_issue_month,
        )

    def is_doubtful(self, refused: pl.DataFrame) -> bool:
        """Whether rates taken for fractions turn out to be per cent further down."""
        is_fraction = self._rate_divisor != transform.PER_CENT
        return is_fraction and bool((refused["int_rate"] > LARGEST_FRACTION).any())

    def finish(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Months as dates; loans without an upstream id get their fingerprint."""
        rows = transform.months_to_dates(rows)
        return rows if self._has_ids else rows.with_columns(transform.fingerprints(rows))

    def settle(self, fragments: Sequence[Path]) -> pl.DataFrame:
        """Make `loan_id` unique within the file."""
        return settle_repeated_ids(fragments, self._has_ids)

    def totals(self, found: Sequence[Finding], fragments: Sequence[Path]) -> dict[str, float]:
        """Sums of the two amounts, and the dollars that the footers claim, if there are any."""
        footers = [total for item in found if (total := source.footer_total(item.text)) is not None]
        claimed = {"footer_total": sum(footers)} if footers else {}
        if not fragments:
            return {"loan_amnt": 0.0, "funded_amnt": 0.0} | claimed
        sums = pl.scan_parquet(list(fragments)).select(pl.col("loan_amnt", "funded_amnt").sum())
        return sums.collect(engine="streaming").row(0, named=True) | claimed


def loan_dialect(file: RawFile, plain: Path, settings: Settings) -> LoanDialect:
    """The dialect of one archived loan file; errors as `find_layout`."""
    has_ids = not file.landed.form.endswith(source.WITHOUT_IDS)
    return LoanDialect(source.find_layout(plain), has_ids, settings)
