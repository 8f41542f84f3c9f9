"""The D1 cohort and its splits into training and test loans (methodology 1.7).

Splits go by cumulative loans, not by months: the oldest 60% of the months hold few loans.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from financial_pipeline.ml.features import FEATURES, build_features
from financial_pipeline.ml.leak_alarm import check_whitelist

Mask = NDArray[np.bool_]

# No model is fitted with fewer matured training loans.
MIN_TRAINING_LOANS: Final = 500
RANDOM_TEST_SHARE: Final = 0.3
OLDEST_SHARE: Final = 0.6
NEWEST_SHARE: Final = 0.2
QUARTERS_OUT_OF_TIME: Final = 4
MONTHS_OUT_OF_TIME: Final = 3 * QUARTERS_OUT_OF_TIME
MIN_MATURED_SHARE: Final = 0.5
SPLIT, TRAIN, TEST = "split", "train", "out_of_time"
# Columns of the training set that are not inputs, in addition to the split.
KEPT: Final = ("loan_key", "issue_month", "maturity_month", "default_d1")


@dataclass(frozen=True)
class Split:
    """Two disjoint sets of cohort rows, or the reason why there is none."""

    name: str
    label: str
    train: Mask
    test: Mask
    reason: str | None = None


def d1_cohort(features: pl.LazyFrame, loans: pl.LazyFrame) -> pl.DataFrame:
    """One row per matured loan (D1 known, credit policy met), sorted by `loan_key`.

    `features` is the output of `build_features`, `loans` is `fct_loans`. Adds `default_d1`
    (Int8) and `maturity_month`. Loans that are not matured have no target and leave.
    """
    targets = loans.filter(pl.col("default_d1").is_not_null() & pl.col("credit_policy_met"))
    return (
        features.join(
            targets.select("loan_key", pl.col("default_d1").cast(pl.Int8), "maturity_month"),
            on="loan_key",
            how="inner",
        )
        .sort("loan_key")
        .collect(engine="streaming")
    )


def columns_of(cohort: pl.DataFrame, table: pl.LazyFrame) -> pl.DataFrame:
    """The columns of a table of each cohort loan, with its key and outcome, in cohort order.

    Without the features of the cohort, of which a join would make a copy.
    """
    loans = cohort.lazy().select("loan_key", "default_d1")
    return loans.join(table, on="loan_key", how="left", maintain_order="left").collect()


def training_set(applications: pl.LazyFrame, loans: pl.LazyFrame, cutoff: date) -> pl.DataFrame:
    """Return the D1 cohort of a cut-off up to the end of its test window, with its split.

    `applications` is `fct_loan_applications`, `loans` is `fct_loans`. Raises LeakAlarm if a column
    is no listed feature.
    """
    features = build_features(applications)
    in_time = features.filter(pl.col("issue_month") < months_after(cutoff, MONTHS_OUT_OF_TIME))
    is_training = pl.col("issue_month") < cutoff
    cohort = d1_cohort(in_time, loans).select(
        pl.when(is_training).then(pl.lit(TRAIN)).otherwise(pl.lit(TEST)).alias(SPLIT), pl.all()
    )
    inputs = [name for name in cohort.columns if name not in (SPLIT, *KEPT)]
    check_whitelist(inputs, tuple(FEATURES))
    return cohort


def matured_share(loans: pl.LazyFrame, cutoff: date) -> float | None:
    """Return matured loans of `fct_loans` among all that were issued in the test window."""
    end = months_after(cutoff, MONTHS_OUT_OF_TIME)
    in_window = pl.col("issue_month").is_between(cutoff, end, closed="left")
    issued = loans.filter(in_window & pl.col("credit_policy_met"))
    share: float | None = issued.select(pl.col("is_matured").mean()).collect().item()
    return share


def months_after(month: date, months: int) -> date:
    """The first of the month `months` later (negative: earlier)."""
    years, zero_based = divmod(month.year * 12 + month.month - 1 + months, 12)
    return date(years, zero_based + 1, 1)


def latest_cutoff(loans: pl.LazyFrame, first_cutoff: date) -> date | None:
    """The latest quarter of which the next four quarters (its own included) are mostly matured.

    A young vintage still has its matured loans of the shorter term, so half of the loans is
    asked for and not all; each evaluation reports the matured share. None where the file is
    too young for any cut-off from `first_cutoff` on.
    """
    quarters = loans.filter("credit_policy_met").group_by(
        pl.col("issue_month").dt.truncate("1q").alias("quarter")
    )
    shares = dict(quarters.agg(pl.col("is_matured").mean()).collect().rows())
    ready = [quarter for quarter, share in shares.items() if share >= MIN_MATURED_SHARE]
    for last in sorted(ready, reverse=True):
        window = [months_after(last, -3 * step) for step in range(QUARTERS_OUT_OF_TIME)]
        is_mature = all(shares.get(quarter, 1.0) >= MIN_MATURED_SHARE for quarter in window)
        if is_mature and window[-1] >= first_cutoff:
            return window[-1]
    return None


def out_of_time(cohort: pl.DataFrame, cutoff: date) -> Split:
    """Train on loans issued before the cut-off, test on those of the next four quarters."""
    issued = cohort["issue_month"]
    end = months_after(cutoff, MONTHS_OUT_OF_TIME)
    train = (issued < cutoff).to_numpy()
    test = ((issued >= cutoff) & (issued < end)).to_numpy()
    label = (
        f"trained on loans issued before {cutoff:%Y-%m}, outcomes as at the snapshot; tested on "
        f"loans issued {cutoff:%Y-%m} to {months_after(end, -1):%Y-%m}"
    )
    return _check_split(cohort, "out_of_time", label, train, test)


def random_split(cohort: pl.DataFrame, cutoff: date, seed: int) -> Split:
    """70/30 at random, stratified by outcome, over the loans of `out_of_time` (both its sets)."""
    from sklearn.model_selection import train_test_split

    eligible = np.flatnonzero(
        (cohort["issue_month"] < months_after(cutoff, MONTHS_OUT_OF_TIME)).to_numpy()
    )
    target = cohort["default_d1"].to_numpy()[eligible]
    train, test = np.zeros((2, cohort.height), dtype=bool)
    # A stratified split needs two of each class; with fewer the masks stay empty.
    if min(target.sum(), len(target) - target.sum()) >= 2:
        picked, held_out = train_test_split(
            eligible, test_size=RANDOM_TEST_SHARE, stratify=target, random_state=seed
        )
        train[picked], test[held_out] = True, True
    label = "random 70/30, stratified by outcome"
    return _check_split(cohort, "random_split", label, train, test)


def cumulative_loans(cohort: pl.DataFrame) -> Split:
    """Oldest 60% of all matured loans train, newest 20% test, cut at month ends.

    The 20% between them are left for validation.
    """
    counts = cohort.group_by("issue_month").len().sort("issue_month")
    share = counts["len"].cum_sum() / max(cohort.height, 1)
    old = counts.filter(share <= OLDEST_SHARE)["issue_month"]
    # A month tests when all loans before it reach 80%.
    new = counts.filter(share.shift(1, fill_value=0.0) >= 1 - NEWEST_SHARE)["issue_month"]
    train = cohort["issue_month"].is_in(old.implode()).to_numpy()
    test = cohort["issue_month"].is_in(new.implode()).to_numpy()
    label = "trained on the oldest 60% of matured loans, tested on the newest 20%, whole months"
    return _check_split(cohort, "cumulative_loans", label, train, test)


def known_at_cutoff(cohort: pl.DataFrame, cutoff: date, lag_months: int) -> Split:
    """The stricter backtest: train only on loans whose outcome was known at the cut-off.

    A matured loan's outcome is known once a last missed payment could be charged off, which is
    `lag_months` after maturity. The test loans are those of `out_of_time`.
    """
    known = (cohort["maturity_month"] <= months_after(cutoff, -lag_months)).to_numpy()
    test = out_of_time(cohort, cutoff).test
    label = (
        f"trained on loans whose outcome was known by {cutoff:%Y-%m} (maturity and {lag_months} "
        "months passed), tested on the next four quarters"
    )
    return _check_split(cohort, "known_at_cutoff", label, known & ~test, test)


def _check_split(cohort: pl.DataFrame, name: str, label: str, train: Mask, test: Mask) -> Split:
    defaults = int(cohort["default_d1"].to_numpy()[train].sum())
    reason = None
    if train.sum() < MIN_TRAINING_LOANS:
        reason = f"{train.sum()} matured training loans, at least {MIN_TRAINING_LOANS} are needed"
    elif defaults in (0, train.sum()):
        reason = f"{defaults} defaults in {train.sum()} training loans: both classes are needed"
    elif not test.any():
        reason = "no matured loan to test on"
    return Split(name, label, train, test, reason)
