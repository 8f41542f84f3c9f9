"""The dialect of rejections files, which have no key: a row is known by its content."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.publishing.partition_files import COMPRESSION
from financial_pipeline.schemas.loan_rules import STATES
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import LENDING_CLUB_REJECTIONS, PROVENANCE
from financial_pipeline.settings import Settings
from financial_pipeline.sources import rejections as source
from financial_pipeline.sources.rejections import RejectionLayout
from financial_pipeline.sources.row_filter import Finding
from financial_pipeline.staging.dialect import Dialect, other_header
from financial_pipeline.transforms import lending_club_rejections as transform

MONTH: Final = "application_month"
UNKNOWN_STATES: Final = "unknown states"
FRAGMENT_COLUMNS: Final = {**LENDING_CLUB_REJECTIONS, MONTH: pl.Date()}
CONTENT: Final = pl.struct([name for name in FRAGMENT_COLUMNS if name not in PROVENANCE])


class RejectionDialect(Dialect):
    """One rejections file: its header, and whether its slashed dates start with the month."""

    contract = FRAGMENT_COLUMNS
    month = MONTH
    text_columns = tuple(transform.TEXTS.values())

    def __init__(self, layout: RejectionLayout, file: RawFile, settings: Settings) -> None:
        self.columns = layout.columns
        self.header_line = layout.header_line
        # Amounts never begin with a letter, but the column name does.
        self._amount = layout.columns.index(source.REQUIRED[0])
        self._layout = layout
        self._file = file
        self._first = settings.first_application_month

    def note_kind(self, fields: Sequence[str], header: Sequence[str]) -> str | None:
        """The kind of note that a record is, or None; errors as `other_header`."""
        kind = source.note_kind(fields, self._layout.header_fields)
        if kind or len(fields) <= self._amount or not fields[self._amount].strip()[:1].isalpha():
            return kind
        names = source.column_names(fields)
        if not {*source.REQUIRED} <= {*names}:
            return None
        if names != self.columns:
            raise other_header(self._file)
        return "repeated_header"

    def fast(self, plain: Path, scratch: Path) -> pl.LazyFrame:
        """The typed rows below the header."""
        return self._typed(plain, self._layout)

    def careful(self, clean: Path, scratch: Path) -> pl.LazyFrame:
        """The typed rows of a file without header."""
        return self._typed(clean, replace(self._layout, header_line=0))

    def is_repeated(self, rows: pl.DataFrame) -> pl.Series:
        """Without a key, rows that are alike would count twice if a file is appended to itself."""
        return ~rows.select(CONTENT.hash()).to_series().is_first_distinct()

    def settle(self, fragments: Mapping[Path, Sequence[str]]) -> pl.DataFrame:
        """Refuse repetitions of a row across the fragments of one month, and mixed units."""
        self._verify_units(fragments)
        places = Counter(month for months in fragments.values() for month in months)
        shared = [
            path for path, months in fragments.items() if any(places[month] > 1 for month in months)
        ]
        found = digests(shared).select("digest").collect(engine="streaming")["digest"].sort()
        repeated = found.filter(found == found.shift(1)).unique()
        again = digests(shared).filter(pl.col("digest").is_in(repeated.implode()))
        rows = again.collect(engine="streaming").sort("line_number")
        faults = rows.filter(~pl.col("digest").is_first_distinct())
        for path in shared if faults.height else ():
            part = pl.read_parquet(path)
            kept = part.join(faults, on="line_number", how="anti", maintain_order="left")
            if kept.height < part.height:
                kept.write_parquet(path, compression=COMPRESSION, statistics=False)
        return faults.select("line_number", reason=pl.lit("duplicate"))

    def totals(self, found: Sequence[Finding], fragments: Sequence[Path]) -> dict[str, float]:
        """The number of applications from a state that is none of the dimension's."""
        if not fragments:
            return {}
        states = pl.scan_parquet(list(fragments)).select((~pl.col("state").is_in(STATES)).sum())
        return {UNKNOWN_STATES: states.collect(engine="streaming").item()}

    def _dti_factor(self, sample: pl.LazyFrame) -> float:
        try:
            return transform.dti_factor(sample)
        except ValueError as error:
            raise RefusedFile(
                self._file.sha256,
                f"{self._file.landed.path} is refused: {error}; the column is in another unit:"
                " export it in dollars and per cent as Lending Club does.",
            ) from error

    def _verify_units(self, fragments: Collection[Path]) -> None:
        """Raise RefusedFile if applications from the whole of a long file have other units."""
        rows = pl.scan_parquet(list(fragments)) if fragments else pl.LazyFrame()
        step = -(-rows.select(pl.len()).collect().item() // transform.SURVEYED_ROWS)
        if step > 1:
            texts = [pl.col(n).cast(pl.String).alias(name) for name, n in transform.NUMBERS.items()]
            # Typed ratios are in per cent.
            ratio = pl.format("{}%", "dti").alias(transform.DTI)
            sample = rows.filter(pl.col("line_number") % step == 0).select("dti", *texts)
            self._dti_factor(sample.with_columns(ratio))

    def _typed(self, path: Path, layout: RejectionLayout) -> pl.LazyFrame:
        raw = source.scan(path, layout)
        factor = self._dti_factor(raw.head(transform.SURVEYED_ROWS))
        return transform.type_rejections(
            raw,
            month_first=self._file.landed.form == source.MONTH_FIRST,
            first_application_month=self._first,
            last_application_date=self._file.landed.last_date,
            dti_factor=factor,
        )


def rejection_dialect(file: RawFile, plain: Path, settings: Settings) -> RejectionDialect:
    """The dialect of one archived rejections file; errors as `find_layout`."""
    return RejectionDialect(source.find_layout(plain), file, settings)


def digests(fragments: Sequence[Path]) -> pl.LazyFrame:
    """Line and date of each row, and a digest of its content."""
    if not fragments:
        schema = {"line_number": pl.Int64(), "application_date": pl.Date(), "digest": pl.UInt64()}
        return pl.LazyFrame(schema=schema)
    rows = pl.scan_parquet(list(fragments))
    return rows.select("line_number", "application_date", digest=CONTENT.hash())
