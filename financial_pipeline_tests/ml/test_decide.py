"""Thresholds and their economics: golden vector G4, brute force, and the real reference rows."""

import numpy as np
import polars as pl
import pytest

from financial_pipeline.ml import decide
from financial_pipeline.ml.populations import out_of_time
from financial_pipeline.ml.train import fit_model
from financial_pipeline_tests.ml.loans import CUTOFF, Book
from financial_pipeline_tests.ml.test_discrimination import G4_PD, G4_TARGET

AT = decide.Prices(gain=0.2, loss=0.4)


def _cash(bad: np.ndarray, seed: int = 2) -> decide.LoanCash:
    rng = np.random.default_rng(seed)
    size = len(bad)
    funded = rng.uniform(1_000, 35_000, size)
    return decide.LoanCash(funded, rng.uniform(0.05, 0.3, size), rng.uniform(0, 1, size), bad == 1)


def _random_book(size: int) -> tuple[np.ndarray, decide.LoanCash]:
    rng = np.random.default_rng(4)
    pd = rng.beta(2, 10, size)
    return pd, _cash((rng.random(size) < pd).astype(int))


def test_confusion_matrix_reproduces_golden_vector_g4() -> None:
    table = decide.threshold_table(G4_PD, _cash(G4_TARGET), AT)
    row = decide.threshold_row(table, 0.35)
    assert [row[name] for name in ("tp", "fp", "fn", "tn")] == [3, 3, 1, 3]


def test_rates_reproduce_golden_vector_g4() -> None:
    row = decide.threshold_row(decide.threshold_table(G4_PD, _cash(G4_TARGET), AT), 0.35)
    rates = {
        "approved": 4,
        "approval_rate": 0.4,
        "bad_rate_approved": 0.25,
        "bads_caught": 0.75,
        "goods_declined": 0.5,
        "precision": 0.5,
        "f1": pytest.approx(0.6),
    }
    assert {name: row[name] for name in rates} == rates


def test_a_row_of_the_table_has_its_own_threshold_and_approved_money() -> None:
    pd, cash = _random_book(500)
    table = decide.threshold_table(pd, cash, AT)
    assert (table["threshold"][0], table["threshold"][-1]) == (0.0, 1.0)
    for threshold in (0.0, 0.1, 0.25, 1.0):
        row = decide.threshold_row(table, threshold)
        assert row["threshold"] == threshold
        assert row["funded_approved_usd"] == pytest.approx(cash.funded[pd < threshold].sum())


@pytest.mark.parametrize("threshold", [0.0, 0.057, 0.29, 0.57, 0.999, 1.0])
def test_table_equals_counting_loan_by_loan(threshold: float) -> None:
    pd, cash = _random_book(3_000)
    pd[:50] = threshold
    row = decide.threshold_row(decide.threshold_table(pd, cash, AT), threshold)
    approved = pd < threshold
    assert row["tn"] == (approved & ~cash.is_bad).sum()
    assert row["fn"] == (approved & cash.is_bad).sum()
    assert row["tp"] + row["fp"] + row["approved"] == len(pd)
    profit = (cash.funded * np.where(cash.is_bad, -cash.loss, cash.gain))[approved].sum()
    assert row["profit_realised_usd"] == pytest.approx(profit)
    expected = (cash.funded * ((1 - pd) * 0.2 - pd * 0.4))[approved].sum()
    assert row["profit_expected_usd"] == pytest.approx(expected)


def test_rates_without_a_denominator_are_null() -> None:
    pd, cash = _random_book(500)
    table = decide.threshold_table(pd, cash, AT)
    assert decide.threshold_row(table, 0)["bad_rate_approved"] is None
    assert decide.threshold_row(table, 1)["precision"] is None


def test_table_of_over_a_million_loans_has_no_more_rows_than_one_of_a_thousand() -> None:
    large, small = (decide.threshold_table(*_random_book(n), AT) for n in (1_300_000, 1_000))
    assert large.height == small.height == 1_001
    assert decide.threshold_row(large, 1)["approved"] == 1_300_000


@pytest.mark.parametrize("threshold", [-0.001, 1.001])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float) -> None:
    pd, cash = _random_book(10)
    with pytest.raises(ValueError, match="probability"):
        decide.threshold_row(decide.threshold_table(pd, cash, AT), threshold)


def test_capacity_gives_the_highest_threshold_that_fits() -> None:
    pd, cash = _random_book(2_000)
    table = decide.threshold_table(pd, cash, AT)
    threshold = decide.threshold_for_capacity(table, 700)
    assert decide.threshold_row(table, threshold)["approved"] <= 700
    assert decide.threshold_row(table, threshold + 0.001)["approved"] > 700
    assert decide.threshold_for_capacity(table, 2_000) == 1.0
    assert decide.threshold_for_capacity(table, 0) == pytest.approx(
        np.floor(pd.min() * 1000) / 1000
    )


def test_cost_matrix_prices_both_errors() -> None:
    row = {"fn": 3, "fp": 5}
    assert decide.decision_cost(row, cost_bad_approved=1_000, cost_good_declined=100) == 3_500


def test_band_is_the_stretch_within_one_percent_of_the_best() -> None:
    profit = np.full(1_001, 0.0)
    profit[300:401] = 99.5
    profit[350] = 100
    profit[600] = 99.9
    assert decide.best_band(profit) == (0.35, 0.3, 0.4)


@pytest.mark.parametrize("best", [0, 1, 5, 999, 1_000])
def test_band_of_a_flat_curve_is_everything(best: int) -> None:
    profit = np.full(1_001, 100.0)
    profit[best] = 100.5
    assert decide.best_band(profit) == (best / 1_000, 0.0, 1.0)


def test_band_contains_what_is_exactly_one_percent_below_the_best() -> None:
    profit = np.zeros(1_001)
    profit[[499, 500, 501]] = 99, 100, 98.99
    assert decide.best_band(profit) == (0.5, 0.499, 0.5)
    losses = np.full(1_001, -200.0)
    losses[[499, 500, 501]] = -101, -100, -101.01
    assert decide.best_band(losses) == (0.5, 0.499, 0.5)


def test_band_of_a_book_that_only_loses_is_declining_everybody() -> None:
    best, low, _ = decide.best_band(-np.arange(1_001.0))
    assert (best, low) == (0, 0)


def test_best_threshold_interval_contains_it_and_is_repeatable() -> None:
    pd, cash = _random_book(2_000)
    (found,) = decide.best_thresholds([pd], cash, seed=1)
    assert [found] == decide.best_thresholds([pd], cash, seed=1)
    # Another model changes nothing of the first.
    assert decide.best_thresholds([1 - pd, pd], cash, seed=1)[1] == found
    assert found["band_low"] <= found["best_threshold"] <= found["band_high"]
    assert 1 < found["best_profit_low_usd"] < found["best_profit_usd"]
    assert found["best_profit_usd"] < found["best_profit_high_usd"]
    assert 0 <= found["best_threshold_low"] <= found["best_threshold"]
    assert found["best_threshold"] <= found["best_threshold_high"] <= 1


def test_break_even_pd_earns_nothing() -> None:
    chance = np.array([AT.break_even_pd])
    assert AT.expected(np.array([1_000.0]), chance)[0] == pytest.approx(0, abs=1e-9)


def test_prices_are_none_without_both_classes() -> None:
    assert decide.prices(_cash(np.zeros(5))) is None
    assert decide.prices(_cash(np.ones(5))) is None


def test_prices_that_cancel_out_have_no_break_even() -> None:
    money = np.array([1_000.0, 1_000.0])
    bad = np.array([False, True])
    cash = decide.LoanCash(money, np.array([0.2, 9.0]), np.array([9.0, -0.2]), bad)
    assert decide.prices(cash) is None
    half = decide.LoanCash(money, np.array([0.2, 9.0]), np.array([9.0, -0.1]), bad)
    assert decide.prices(half) == decide.Prices(gain=0.2, loss=-0.1)


def test_the_break_even_pd_is_gain_over_gain_and_loss() -> None:
    assert AT.break_even_pd == pytest.approx(1 / 3)
    assert decide.Prices(gain=0.3, loss=0.1).break_even_pd == pytest.approx(0.75)


def test_grid_cells_are_the_highest_threshold_at_or_below() -> None:
    pds = np.array([0.0, 0.0005, 0.001, 0.4999, 0.5, 0.9999, 1.0])
    assert decide.grid_cells(pds).tolist() == [0, 0, 1, 499, 500, 999, 1_000]


def test_a_threshold_is_read_to_three_decimals() -> None:
    pd, cash = _random_book(100)
    table = decide.threshold_table(pd, cash, AT)
    assert decide.threshold_row(table, 0.1234)["threshold"] == pytest.approx(0.123)
    assert decide.threshold_row(table, 0.1236)["threshold"] == pytest.approx(0.124)


def test_a_capacity_below_every_count_is_the_lowest_threshold() -> None:
    pd, cash = np.zeros(10), _cash(np.array([0, 1] * 5))
    table = decide.threshold_table(pd, cash, AT)
    assert decide.threshold_for_capacity(table, 3) == 0.0
    assert decide.threshold_for_capacity(table, 10) == 1.0


def _real_cash(book: Book, cohort: pl.DataFrame) -> decide.LoanCash:
    keys = cohort.select("loan_key")
    return decide.loan_cash(keys.join(book.loans, on="loan_key", maintain_order="left"))


def test_real_prices_and_break_even_are_those_of_the_methodology(
    real_book: Book, real_cohort: pl.DataFrame
) -> None:
    found = decide.prices(_real_cash(real_book, real_cohort))
    assert found is not None
    assert found.gain == pytest.approx(0.211, abs=5e-4)
    assert found.loss == pytest.approx(0.416, abs=5e-4)
    assert found.break_even_pd == pytest.approx(0.337, abs=5e-4)


def test_real_threshold_rows_are_near_the_reference_of_the_methodology(
    real_book: Book, real_cohort: pl.DataFrame
) -> None:
    # The reference model also has grade dummies; the shipped one does not, hence the tolerance.
    split = out_of_time(real_cohort, CUTOFF)
    train, test = (real_cohort.filter(pl.Series(m)) for m in (split.train, split.test))
    model = fit_model("platform_informed", train, train["default_d1"].to_numpy())
    table = decide.threshold_table(model.predict(test), _real_cash(real_book, test), AT)
    for threshold, bad_rate, caught in ((0.10, 0.069, 0.818), (0.20, 0.108, 0.465)):
        row = decide.threshold_row(table, threshold)
        assert row["bad_rate_approved"] == pytest.approx(bad_rate, abs=0.005)
        assert row["bads_caught"] == pytest.approx(caught, abs=0.04)


def test_two_loans_of_amount_zero_change_no_price_and_no_profit() -> None:
    loans = pl.DataFrame(
        {
            "funded_amount_usd": [1_000.0, 1_000.0, 0.0, 0.0],
            "interest_received_usd": [150.0, 20.0, 0.0, 5.0],
            "late_fees_received_usd": [0.0] * 4,
            "total_payment_usd": [1_150.0, 620.0, 0.0, 5.0],
            "collection_recovery_fee_usd": [0.0, 20.0, 0.0, 0.0],
            "default_d1": [0, 1, 0, 1],
        }
    )
    cash = decide.loan_cash(loans)
    assert cash.realised.tolist() == pytest.approx([150.0, -400.0, 0.0, 0.0])
    assert (cash.gain[2:].tolist(), cash.loss[2:].tolist()) == ([0.0, 0.0], [0.0, 0.0])
    assert decide.prices(cash) == decide.Prices(gain=0.15, loss=pytest.approx(0.4))
    assert decide.prices(decide.loan_cash(loans[2:])) is None
