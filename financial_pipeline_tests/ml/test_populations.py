"""Cohort and splits: who trains, who tests, and what immature loans must not change."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from financial_pipeline.ml import populations
from financial_pipeline.ml.features import build_features
from financial_pipeline_tests.ml.loans import CUTOFF, Book


def test_d1_cohort_leaves_out_immature_loans_and_the_retired_policy(book: Book) -> None:
    loans = book.loans.with_columns(
        default_d1=pl.when(pl.col("loan_key") > 10).then("default_d1"),
        credit_policy_met=pl.col("loan_key") < 2000,
    )
    cohort = populations.d1_cohort(build_features(book.applications.lazy()), loans.lazy())
    assert cohort["loan_key"].to_list() == list(range(11, 2000))


def test_immature_loans_change_no_target_and_no_split(book: Book, cohort: pl.DataFrame) -> None:
    young = book.loans.with_columns(
        pl.col("loan_key") + 10_000, default_d1=pl.lit(None, pl.Int16), is_matured=pl.lit(False)
    )
    applications = book.applications.with_columns(pl.col("loan_key") + 10_000)
    more = Book(
        pl.concat([book.applications, applications]), pl.concat([book.loans, young]), book.outcomes
    )
    assert more.cohort().equals(cohort)


def test_out_of_time_trains_before_the_cutoff_and_tests_the_next_four_quarters(
    cohort: pl.DataFrame,
) -> None:
    split = populations.out_of_time(cohort, date(2010, 10, 1))
    assert cohort.filter(split.train)["issue_month"].max() == date(2010, 9, 1)
    assert cohort.filter(split.test)["issue_month"].min() == date(2010, 10, 1)
    assert cohort.filter(split.test)["issue_month"].max() == date(2011, 9, 1)
    assert "before 2010-10" in split.label
    assert "2010-10 to 2011-09" in split.label


def test_random_split_is_stratified_seeded_and_covers_both_sets(cohort: pl.DataFrame) -> None:
    split = populations.random_split(cohort, CUTOFF, seed=1)
    again = populations.random_split(cohort, CUTOFF, seed=1)
    target = cohort["default_d1"].to_numpy()
    assert not (split.train & split.test).any()
    assert (split.train | split.test).all()
    assert split.test.mean() == pytest.approx(0.3, abs=0.001)
    assert target[split.train].mean() == pytest.approx(target[split.test].mean(), abs=0.001)
    assert (split.train == again.train).all()


def test_cumulative_loans_cuts_by_loans_at_month_ends_not_by_months() -> None:
    # Nine small months and one large: by months the oldest 60% would hold 6 of 100 loans.
    months = [date(2010, m, 1) for m in range(1, 11) for _ in range(91 if m == 10 else 1)]
    cohort = pl.DataFrame({"issue_month": months, "default_d1": [0] * 100})
    split = populations.cumulative_loans(cohort)
    assert split.train.sum() == 9
    assert split.test.sum() == 0


def test_known_at_cutoff_waits_for_maturity_and_the_charge_off(cohort: pl.DataFrame) -> None:
    split = populations.known_at_cutoff(cohort, date(2013, 9, 1), lag_months=5)
    assert cohort.filter(split.train)["maturity_month"].max() == date(2013, 4, 1)


def test_a_split_with_few_matured_loans_says_how_many(cohort: pl.DataFrame) -> None:
    split = populations.known_at_cutoff(cohort, CUTOFF, lag_months=5)
    assert split.reason == "0 matured training loans, at least 500 are needed"


def test_a_split_with_one_class_says_so(cohort: pl.DataFrame) -> None:
    good = cohort.with_columns(default_d1=pl.lit(0, pl.Int8))
    for split in (
        populations.out_of_time(good, CUTOFF),
        populations.random_split(good, CUTOFF, seed=1),
    ):
        assert split.reason is not None
    assert "both classes" in str(populations.out_of_time(good, CUTOFF).reason)


@pytest.mark.parametrize(
    ("months", "expected"),
    [(0, date(2011, 1, 1)), (13, date(2012, 2, 1)), (-1, date(2010, 12, 1))],
)
def test_months_after_crosses_years(months: int, expected: date) -> None:
    assert populations.months_after(date(2011, 1, 1), months) == expected


def _matured_before(book: Book, month: date, term: int = 60) -> pl.LazyFrame:
    is_young = (pl.col("issue_month") >= month) & (pl.col("term_months") <= term)
    return book.loans.with_columns(is_matured=~is_young).lazy()


def test_latest_cutoff_leaves_four_quarters_of_mostly_matured_vintages(book: Book) -> None:
    first = date(2010, 1, 1)
    assert populations.latest_cutoff(book.loans.lazy(), first) == date(2011, 1, 1)
    young = _matured_before(book, date(2011, 11, 1))
    assert populations.latest_cutoff(young, first) == date(2010, 10, 1)


def test_latest_cutoff_is_none_for_a_young_or_empty_file(book: Book) -> None:
    young = _matured_before(book, date(2011, 11, 1))
    assert populations.latest_cutoff(young, date(2011, 1, 1)) is None
    assert populations.latest_cutoff(book.loans.clear().lazy(), date(2010, 1, 1)) is None
    never = _matured_before(book, date(2000, 1, 1))
    assert populations.latest_cutoff(never, date(2010, 1, 1)) is None


def test_latest_cutoff_accepts_vintages_of_which_only_the_long_term_is_open(book: Book) -> None:
    # Two loans in three have 36 months.
    longer_open = book.loans.with_columns(is_matured=pl.col("term_months") == 36).lazy()
    assert populations.latest_cutoff(longer_open, date(2010, 1, 1)) == date(2011, 1, 1)


def test_split_masks_are_disjoint(cohort: pl.DataFrame) -> None:
    splits = [
        populations.out_of_time(cohort, CUTOFF),
        populations.cumulative_loans(cohort),
        populations.known_at_cutoff(cohort, date(2014, 1, 1), 5),
    ]
    assert not any(np.any(split.train & split.test) for split in splits)
