"""The leak alarm: every outcome column is caught under another name and scale."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from financial_pipeline.ml.features import FEATURE_SETS
from financial_pipeline.ml.leak_alarm import (
    LeakAlarm,
    _best_auc,
    _columns,
    check_inputs,
    check_model,
    check_whitelist,
)
from financial_pipeline.schemas.lending_club import CLASS_X
from financial_pipeline_tests.ml.loans import Book

INPUTS = FEATURE_SETS["platform_informed"]


def single_feature_auc(column: pl.Series, target: NDArray[np.int8]) -> float | None:
    """The AUC that a column reaches alone, the one with the highest lower bound; None if constant.

    Values score as they are, in either direction; few levels also by their default rate; and
    whether the value is missing is tried as a score too.
    """
    found = dict(_columns([column.alias("column")]))
    best = _best_auc(found["column"], target) if found else None
    return best[1] if best else None


def _disguises(column: pl.Series) -> list[pl.Series]:
    """The column renamed, and rescaled where it has a scale."""
    if column.dtype == pl.String:
        return [column, column.replace({"late": "zzz", "fine": "aaa"})]
    numbers = column.to_physical().cast(pl.Float64)
    return [column, numbers * 2.5 + 7, numbers * -0.01, (numbers / numbers.abs().max()).exp()]


def _alarm(inputs: pl.DataFrame, target: np.ndarray, outcomes: pl.DataFrame) -> str:
    with pytest.raises(LeakAlarm) as refusal:
        check_inputs(inputs, target, outcomes)
    return str(refusal.value)


@pytest.mark.parametrize("name", sorted(CLASS_X))
def test_every_outcome_column_is_caught_renamed_and_rescaled(book: Book, name: str) -> None:
    target = np.zeros(book.loans.height, dtype=np.int8)
    for disguise in _disguises(book.outcomes[name]):
        message = _alarm(disguise.alias("dti").to_frame(), target, book.outcomes)
        assert "Column dti" in message
        assert name in message


def test_an_outcome_column_with_its_gaps_filled_is_caught(book: Book) -> None:
    partly_known = [
        name
        for name in sorted(CLASS_X)
        if book.outcomes[name].dtype == pl.Float64
        and 30 < book.outcomes[name].count() < book.outcomes.height
    ]
    assert len(partly_known) >= 5
    target = np.zeros(book.loans.height, dtype=np.int8)
    for name in partly_known:
        filled = book.outcomes[name].fill_null(book.outcomes[name].median()).alias("filled")
        assert name in _alarm(filled.to_frame(), target, book.outcomes)


def test_honest_features_raise_no_alarm(book: Book, cohort: pl.DataFrame) -> None:
    check_inputs(cohort.select(INPUTS), cohort["default_d1"].to_numpy(), book.outcomes)


def test_constant_outcome_columns_are_passed_over(cohort: pl.DataFrame) -> None:
    constant = pl.DataFrame(
        {"pymnt_plan": ["n"] * cohort.height, "out_prncp": [0.0] * cohort.height}
    )
    check_inputs(cohort.select(INPUTS), cohort["default_d1"].to_numpy(), constant)


def test_a_single_feature_that_separates_too_well_is_named(cohort: pl.DataFrame) -> None:
    target = cohort["default_d1"].to_numpy()
    noise = np.random.default_rng(1).normal(size=len(target))
    leaky = cohort.select(INPUTS).with_columns(open_acc=pl.Series(-2.0 * target + noise))
    message = _alarm(leaky, target, pl.DataFrame({"out_prncp": [0.0] * len(target)}))
    assert "Column open_acc alone has an AUC of 0.9" in message


def test_single_feature_auc_sees_missingness_levels_and_direction() -> None:
    target = np.array([0, 1] * 400, dtype=np.int8)
    known = pl.Series([1.0, None] * 400)
    levels = pl.Series(["b", "a", "b", "c"] * 200)
    falling = pl.Series(-target.astype(float))
    for column in (known, levels, falling):
        assert single_feature_auc(column, target) == pytest.approx(1.0)
    assert single_feature_auc(pl.Series([1.0] * 800), target) is None


@pytest.mark.parametrize("column", ["total_pymnt", "brand_new", "grade", "addr_state"])
def test_a_column_off_the_whitelist_is_named(column: str) -> None:
    with pytest.raises(LeakAlarm, match=f"Column {column} "):
        check_whitelist([*INPUTS, column], INPUTS)


def test_a_model_above_the_limit_is_refused_with_its_strongest_feature() -> None:
    with pytest.raises(LeakAlarm, match="look first at its strongest feature, dti"):
        check_model("borrower_only", 0.90, 150, 850, lambda: "dti")

    def unasked() -> str:
        pytest.fail("only a refusal names a feature")

    check_model("borrower_only", 0.801, 150, 850, unasked)
    check_model("borrower_only", 0.95, 5, 95, unasked)
    check_model("borrower_only", None, 150, 850, unasked)


def test_a_few_defaults_that_one_feature_ranks_first_are_no_leak() -> None:
    """Five defaults in 1,120 loans: the count of accounts has an AUC of 1 by chance."""
    target = np.zeros(1_120, dtype=np.int8)
    target[:5] = 1
    accounts = pl.DataFrame({"open_acc": np.arange(1_120)[::-1] // 4 * 1.0})
    assert single_feature_auc(accounts["open_acc"], target) == pytest.approx(0.999, abs=1e-3)
    check_inputs(accounts, target, pl.DataFrame({"out_prncp": [0.0] * 1_120}))


def _nearly_all_pay() -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
    """Loans of which one in 200 defaults: payments are the amount and a little interest."""
    rng = np.random.default_rng(5)
    funded = rng.integers(40, 1_400, 4_000) * 25.0
    paid = np.where(rng.random(4_000) < 0.005, 0.3, rng.uniform(1.05, 1.25, 4_000))
    asked = funded + 25.0 * (rng.random(4_000) < 0.03)
    return (
        pl.DataFrame({"loan_amnt": asked}),
        pl.DataFrame({"total_pymnt": funded * paid}),
        pl.Series(funded),
    )


def test_an_amount_that_ranks_like_the_payments_is_no_leak_and_a_copy_of_them_is() -> None:
    amounts, payments, funded = _nearly_all_pay()
    target = np.zeros(len(funded), dtype=np.int8)
    with pytest.raises(LeakAlarm, match=r"loan_amnt has a rank correlation of 0\.99"):
        check_inputs(amounts, target, payments)
    check_inputs(amounts, target, payments, funded)
    noise = np.random.default_rng(6).normal(1, 0.005, len(funded))
    for copy in (payments["total_pymnt"] * 2 + 7, payments["total_pymnt"] * noise):
        with pytest.raises(LeakAlarm, match="Column dti has a rank correlation"):
            check_inputs(copy.alias("dti").to_frame(), target, payments, funded)


def test_a_principal_paid_in_full_by_everyone_is_the_amount_and_no_leak() -> None:
    funded = pl.Series([5_000.0, 10_000.0, 15_000.0, 20_000.0] * 200)
    amounts, repaid = funded.alias("loan_amnt").to_frame(), funded.alias("total_rec_prncp")
    check_inputs(amounts, np.zeros(800, dtype=np.int8), repaid.to_frame(), funded)


def test_the_real_outcome_columns_are_caught_and_the_real_features_are_not(
    real_book: Book, real_cohort: pl.DataFrame
) -> None:
    rows = real_cohort.select(pl.col("loan_key") - 1).to_series()
    outcomes = real_book.outcomes[rows]
    target = real_cohort["default_d1"].to_numpy()
    check_inputs(real_cohort.select(INPUTS), target, outcomes)
    varied = [name for name in outcomes.columns if outcomes[name].n_unique() > 1]
    assert len(varied) == 18
    for name in varied:
        disguised = _disguises(outcomes[name])[-1].alias("dti").to_frame()
        message = _alarm(disguised, target, outcomes)
        assert "Column dti" in message, name
