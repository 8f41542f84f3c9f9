"""The acceptance bands of methodology 7.2, on a million loans at the snapshot of March 2019."""

import math

import polars as pl
import pytest

from financial_pipeline.simulator.loan_states import State
from financial_pipeline_tests.simulator.conftest import (
    SEED,
    default_rates,
    drawn_book,
    matured,
    resolved,
)

# Matured loans (D1), per cent and half-width of the band, grades A to G.
BANDS = [(5.5, 3), (11, 3), (17, 3), (22, 3), (28, 3), (34, 3), (38, 6)]
Z = 1.959964


def wilson(defaults: int, loans: int) -> tuple[float, float]:
    rate = defaults / loans
    centre = (rate + Z**2 / (2 * loans)) / (1 + Z**2 / loans)
    half = Z * math.sqrt(rate * (1 - rate) / loans + Z**2 / (4 * loans**2)) / (1 + Z**2 / loans)
    return 100 * (centre - half), 100 * (centre + half)


def test_matured_default_rates_lie_in_their_bands_at_a_million_loans(million_loans):
    rates = default_rates(matured(million_loans))
    for rate, (expected, width) in zip(rates, BANDS, strict=True):
        assert abs(rate - expected) <= width
    assert rates[:6] == sorted(rates[:6])


def test_resolved_loans_of_every_grade_default_more_than_matured_ones(million_loans):
    pairs = zip(
        default_rates(resolved(million_loans)), default_rates(matured(million_loans)), strict=True
    )
    assert all(biased > fair for biased, fair in pairs)


@pytest.mark.parametrize("seed", [SEED, 1, 2])
def test_intervals_of_fifty_thousand_loans_overlap_the_bands(seed):
    population = matured(drawn_book(seed, 50_000))
    counts = population.group_by("grade").agg(pl.col("is_default").sum(), pl.len()).sort("grade")
    for (_, defaults, loans), (expected, width) in zip(counts.rows(), BANDS, strict=True):
        low, high = wilson(defaults, loans)
        assert low <= expected + width
        assert high >= expected - width


def test_overall_rates_are_near_the_real_ones(million_loans):
    assert matured(million_loans)["is_default"].mean() == pytest.approx(0.148, abs=0.02)
    assert resolved(million_loans)["is_default"].mean() == pytest.approx(0.200, abs=0.025)


@pytest.mark.parametrize(
    ("year", "active", "twelve_months"),
    [(2014, 5.1, 3.4), (2015, 10.3, 4.0), (2016, 30.9, 4.7), (2017, 59.0, 4.4)],
)
def test_vintages_run_off_as_in_the_prototype(million_loans, year, active, twelve_months):
    vintage = million_loans.filter(pl.col("issue") // 12 == year)
    still_open = 100 * (vintage["state"] < State.CHARGED_OFF).mean()
    early = 100 * (vintage["is_default"] & (vintage["exit_month"] <= 12)).mean()
    assert still_open == pytest.approx(active, abs=5)
    assert early == pytest.approx(twelve_months, abs=0.8)


def test_open_loans_show_the_delinquent_shares_of_the_status_counts(million_loans):
    states = million_loans.filter(pl.col("state") < State.CHARGED_OFF)["state"]
    shares = {state: 100 * (states == state).mean() for state in State}
    assert shares[State.ISSUED] == 0
    assert shares[State.CURRENT] == pytest.approx(96.25, abs=0.25)
    assert shares[State.GRACE] == pytest.approx(0.92, abs=0.1)
    assert shares[State.D16_30] == pytest.approx(0.48, abs=0.1)
    assert shares[State.D31_120] == pytest.approx(2.35, abs=0.2)


def test_recoveries_of_matured_defaults_are_about_a_tenth_of_the_balance(million_loans):
    defaults = matured(million_loans).filter("is_default")
    assert defaults["recoveries"].sum() / defaults["exposure"].sum() == pytest.approx(
        0.11, abs=0.02
    )


def test_no_loan_defaults_before_its_fifth_month(million_loans):
    assert million_loans.filter("is_default")["exit_month"].min() == 5


def test_prepayment_ends_before_the_last_month_but_one(million_loans):
    paid = million_loans.filter(~pl.col("is_default"))
    gaps = (paid["term"] - paid["exit_month"]).unique().sort().to_list()
    assert gaps[:2] == [0, 2]
