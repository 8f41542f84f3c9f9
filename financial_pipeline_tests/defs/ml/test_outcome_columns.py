"""Outcome columns are read a few at a time, and each value belongs to the loan of its place."""

import polars as pl
from polars.testing import assert_frame_equal, assert_series_equal

from financial_pipeline.defs.ml.tables import outcome_columns
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.schemas.lending_club import CLASS_X
from financial_pipeline_tests.ml.loans import Book


def test_outcomes_follow_the_order_of_the_keys(paths: Paths, book: Book) -> None:
    # Staging has the loans in another order, in a file of which one loan is missing.
    file = paths.staging("lending_club_loans") / "2010-01-01.parquet"
    staged = pl.read_parquet(file)
    file.unlink()
    kept = staged.filter(pl.col("loan_id") != "loan-30")
    kept.head(1_000).write_parquet(file)
    kept.tail(-1_000).write_parquet(file.with_stem("2010-02-01"))
    keys = pl.Series("loan_key", [2_000, 7, 30, 1_999])
    columns, funded = outcome_columns(Publication(paths, "test"), keys)
    rows = [1_999, 6, 29, 1_998]
    expected = book.outcomes.select(sorted(CLASS_X))[rows]
    missing = pl.Series([False, False, True, False])
    expected = expected.select(pl.when(~missing).then(pl.all()))
    assert_frame_equal(pl.DataFrame(list(columns)), expected)
    assert_series_equal(funded, book.loans["funded_amount_usd"][rows].cast(pl.Float64))
