"""The dialect of loan files, and their typing on Spark."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.schemas.lending_club import TEXT_COLUMNS
from financial_pipeline.schemas.loan_rules import (
    ANY_PRINCIPAL_SHARE,
    LARGEST_PRINCIPAL_SHARE,
    MANY_YOUNG,
    OVER,
    SIGNED_COLUMNS,
)
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import LENDING_CLUB_LOANS
from financial_pipeline.settings import Settings
from financial_pipeline.sources import lending_club as source
from financial_pipeline.sources.loan_alignment import verify_alignment
from financial_pipeline.sources.loan_layout import LoanLayout, find_layout, header_names
from financial_pipeline.sources.loan_payments import doubtful_shares
from financial_pipeline.sources.loan_text import TextForms, as_upstream, code_forms, survey
from financial_pipeline.sources.loan_units import PER_CENT, in_per_cent, unit_factors
from financial_pipeline.sources.row_filter import Finding
from financial_pipeline.staging.dialect import Dialect, other_header
from financial_pipeline.staging.loan_keys import settle_repeated_ids
from financial_pipeline.transforms import lending_club_loans as transform


def _type_on_spark(
    raw: pl.LazyFrame,
    *,
    scratch: Path,
    rate_divisor: float,
    has_ids: bool,
    first_issue_month: date,
    snapshot_month: date,
    largest_principal: float,
) -> pl.LazyFrame:
    """Judge like the Polars expressions of that name; months are dates here.

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
        snapshot_month=snapshot_month,
        largest_principal=largest_principal,
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


# Prefix of the name of a total that is the factor of a column.
FACTOR = "factor of "
# The share of loans whose principal exceeds the loan, in a file where they are more than a few
# errors.
EXCESS = "excess principal"
# The shares of fully paid loans without their principal, and of charged-off loans that owe some.
UNPAID = "unpaid principal"
OWING = "principal owed after the charge-off"
# Loans whose term has not passed, in a file without any live one among them.
RESOLVED = "resolved loans only"
# The first rows, which decide about units in a file that parses at once, and as many of all rows,
# which confirm that.
SURVEYED_ROWS = 200_000


class LoanDialect(Dialect):
    """One loan file: its header, whether it has ids, and how it writes its values."""

    contract = LENDING_CLUB_LOANS
    month = "issue_d"
    text_columns = sorted(TEXT_COLUMNS)

    def __init__(self, file: RawFile, layout: LoanLayout, settings: Settings) -> None:
        self.columns = layout.columns
        self.header_line = layout.header_line
        # Amounts never begin with a letter, but the column name does.
        self._amount = layout.columns.index("loan_amnt")
        self._file = file
        self._layout = layout
        self._has_ids = not file.landed.form.endswith(source.WITHOUT_IDS)
        self._settings = settings
        self._factors: dict[str, float] = {}
        self._doubts: dict[str, float] = {}

    def note_kind(self, fields: Sequence[str], header: Sequence[str]) -> str | None:
        """The kind of note that a record is, or None; errors as `other_header`."""
        kind = source.note_kind(fields, self._layout.header_fields)
        if kind or len(fields) <= self._amount or not fields[self._amount].strip()[:1].isalpha():
            return kind
        names = header_names(fields)
        if names and names != header_names(self._layout.header_fields):
            raise other_header(self._file)
        return "repeated_header" if names else None

    def fast(self, plain: Path, scratch: Path) -> pl.LazyFrame:
        """Numbers and months parsed on the way in; any other form fails the read.

        Spark is given text, as it parses for itself.
        """
        text = source.scan(plain, self._layout, transform.text_schema())
        if self._settings.loan_staging_engine == "spark":
            return self._from_text(text, scratch)
        codes = code_forms(text)
        signed = pl.col([name for name in SIGNED_COLUMNS if name in self.columns])
        signs = text.select(signed.str.contains("%", literal=True).any())
        schema = transform.parsed_schema(
            percent_as_text=any(signs.collect(engine="streaming").row(0))
        )
        parsed = source.scan(plain, self._layout, schema)
        rewritten = {"id", "term", *SIGNED_COLUMNS, *codes}
        known = as_upstream(parsed, TextForms(words=codes), only=rewritten)
        return self._typed(known, text.head(SURVEYED_ROWS), scratch)

    def careful(self, clean: Path, scratch: Path) -> pl.LazyFrame:
        """Everything read as text; the forms of values and their units from the whole file."""
        text = source.scan(clean, replace(self._layout, header_line=0), transform.text_schema())
        return self._from_text(text, scratch)

    def _from_text(self, text: pl.LazyFrame, scratch: Path) -> pl.LazyFrame:
        upstream = as_upstream(text, survey(text))
        return self._typed(upstream, upstream, scratch)

    def _typed(self, raw: pl.LazyFrame, sample: pl.LazyFrame, scratch: Path) -> pl.LazyFrame:
        """The typed rows; `sample` decides about the units."""
        self._factors = factors = self._judge(sample)
        is_frequent = EXCESS in self._doubts
        month = self._file.landed.snapshot_date
        assert month is not None
        on_spark = self._settings.loan_staging_engine == "spark"
        type_loans = partial(_type_on_spark, scratch=scratch) if on_spark else transform.type_loans
        return type_loans(
            in_per_cent(raw, factors),
            rate_divisor=PER_CENT / factors["int_rate"],
            has_ids=self._has_ids,
            first_issue_month=self._settings.first_issue_month,
            snapshot_month=month,
            largest_principal=ANY_PRINCIPAL_SHARE if is_frequent else LARGEST_PRINCIPAL_SHARE,
        )

    def _judge(self, sample: pl.LazyFrame) -> dict[str, float]:
        """The factors of columns; raises RefusedFile if units or columns do not fit each other."""
        try:
            place = str(self._file.landed.path)
            factors = unit_factors(sample, place)
            verify_alignment(sample, factors["int_rate"], place)
        except PipelineError as error:
            raise RefusedFile(self._file.sha256, str(error)) from error
        shares = zip((EXCESS, UNPAID, OWING), doubtful_shares(sample), strict=True)
        most = self._settings.max_quarantine_share
        self._doubts = {name: share for name, share in shares if share > most}
        return factors

    def is_confirmed(self, fragments: Sequence[Path]) -> bool:
        """Whether loans from the whole of a long file have the units that its first ones had."""
        rows = pl.scan_parquet(list(fragments))
        step = -(-rows.select(pl.len()).collect().item() // SURVEYED_ROWS)
        if step <= 1:
            return True
        was_frequent = EXCESS in self._doubts
        rate, term = pl.col("int_rate") * PER_CENT, pl.col("term").cast(pl.String)
        sample = rows.filter(pl.col("line_number") % step == 0).with_columns(rate, term)
        return len(self._judge(sample)) == 1 and was_frequent == (EXCESS in self._doubts)

    def finish(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Months as dates; loans without an upstream id get their fingerprint."""
        rows = transform.months_to_dates(rows)
        return rows if self._has_ids else rows.with_columns(transform.fingerprints(rows))

    def settle(self, fragments: Mapping[Path, Sequence[str]]) -> pl.DataFrame:
        """Make `loan_id` unique within the file."""
        return settle_repeated_ids([*fragments], self._has_ids)

    def totals(self, found: Sequence[Finding], fragments: Sequence[Path]) -> dict[str, float]:
        """Sums of the two amounts, dollars that footers claim, and how the file is odd."""
        footers = [total for item in found if (total := source.footer_total(item.text)) is not None]
        claimed = {"footer_total": sum(footers)} if footers else {}
        claimed |= {f"{FACTOR}{name}": f for name, f in self._factors.items() if f != 1.0}
        claimed |= self._doubts
        if young := _resolved_young(fragments, self._file.landed.snapshot_date):
            claimed[RESOLVED] = young
        if not fragments:
            return {"loan_amnt": 0.0, "funded_amnt": 0.0} | claimed
        sums = pl.scan_parquet(list(fragments)).select(pl.col("loan_amnt", "funded_amnt").sum())
        return sums.collect(engine="streaming").row(0, named=True) | claimed


def _resolved_young(fragments: Sequence[Path], snapshot: date | None) -> int:
    """Return how many loans are younger than their term, if they are many and none is live."""
    if not fragments:
        return 0
    matures = pl.col("issue_d").dt.offset_by(pl.format("{}mo", "term"))
    is_live = pl.col("loan_status").is_in(OVER).not_()
    young = pl.scan_parquet(list(fragments)).filter(matures > snapshot)
    found = young.select(pl.len(), live=is_live.sum()).collect(engine="streaming")
    loans, live = found.row(0)
    return 0 if live or loans < MANY_YOUNG else int(loans)


def loan_dialect(file: RawFile, plain: Path, settings: Settings) -> LoanDialect:
    """The dialect of one archived loan file; errors as `find_layout`."""
    return LoanDialect(file, find_layout(plain), settings)
