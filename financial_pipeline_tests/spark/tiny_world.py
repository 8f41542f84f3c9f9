"""A small world of marts with every oddity that the metrics must survive; frames by mart name.

Prices have a bank listed late, a bank that misses sessions, a day that is no session, a flat
stretch and days without a range; macro values are revised; loans are partly outside the policy and
immature.
"""

from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline_tests.spark import tiny_prices

SEED: Final = 11
LOANS: Final = 6000
FIRST_ISSUE: Final = date(2010, 1, 1)
ISSUE_MONTHS: Final = 60
SNAPSHOTS: Final = (date(2016, 10, 1), date(2016, 11, 1), date(2016, 12, 1))
LAG: Final = 5
FOREVER: Final = date(9999, 12, 31)
MONEY: Final = pl.Decimal(18, 2)


def months_after(column: str, count: str) -> pl.Expr:
    """The month that lies `count` months after another; both are columns."""
    return pl.col(column).dt.offset_by(pl.format("{}mo", pl.col(count)))


def marts() -> dict[str, pl.DataFrame]:
    """All marts that the metrics read."""
    random = np.random.default_rng(SEED)
    loans = _loans(random)
    return {
        "fct_loans": loans,
        "fct_loan_applications": _applications(random, loans),
        "fct_loan_performance_monthly": _performance(random, loans),
        "fct_loan_rejections": _rejections(random),
        "fct_daily_prices": tiny_prices.prices(random),
        "agg_macro_indicators": _indicators(random),
    }


def _loans(random: np.random.Generator) -> pl.DataFrame:
    grade = random.integers(0, 7, LOANS)
    term = np.where(random.random(LOANS) < 0.7, 36, 60)
    drawn = pl.DataFrame(
        {
            "loan_key": np.arange(LOANS),
            "issue_offset": random.integers(0, ISSUE_MONTHS, LOANS),
            "grade": [("ABCDEFG")[place] for place in grade],
            "term_months": term.astype(np.int32),
            "credit_policy_met": random.random(LOANS) > 0.05,
            "is_bad": random.random(LOANS) < 0.05 + 0.04 * grade,
            "event": random.integers(1, term + 1),
            "funded_amount_usd": random.integers(40, 1400, LOANS) * 25,
            "interest_rate": np.round(0.06 + 0.03 * grade + random.random(LOANS) * 0.01, 4),
            "fico_midpoint": 662.0 + 5 * random.integers(0, 30, LOANS),
            "installment_usd": np.round(random.integers(40, 1400, LOANS) * 0.9, 2),
            "owed_share": random.random(LOANS) * 0.8 + 0.1,
        }
    )
    dated = drawn.with_columns(
        issue_month=pl.lit(FIRST_ISSUE).dt.offset_by(pl.format("{}mo", "issue_offset")),
        snapshot_month=pl.lit(SNAPSHOTS[-1]),
        fico_midpoint=pl.when(pl.col("loan_key") % 9 > 0).then("fico_midpoint"),
    ).with_columns(
        maturity_month=months_after("issue_month", "term_months"),
        event_month=months_after("issue_month", "event"),
    )
    return dated.pipe(_with_outcomes).drop("issue_offset", "owed_share", "event_month", "is_bad")


def _with_outcomes(dated: pl.DataFrame) -> pl.DataFrame:
    happened = pl.col("event_month") <= pl.col("snapshot_month")
    age = (
        (pl.col("snapshot_month").dt.year() - pl.col("issue_month").dt.year()) * 12
        + pl.col("snapshot_month").dt.month().cast(pl.Int32)
        - pl.col("issue_month").dt.month().cast(pl.Int32)
    )
    stated = dated.with_columns(
        loan_state=pl.when(happened & pl.col("is_bad"))
        .then(pl.lit("BAD"))
        .when(happened)
        .then(pl.lit("PAID"))
        .otherwise(
            pl.when(pl.col("loan_key") % 7 == 0)
            .then(pl.lit("D31_120"))
            .otherwise(pl.lit("CURRENT"))
        ),
        duration_months=pl.when(happened).then("event").otherwise(age).cast(pl.Int32),
        age=age,
    )
    bad = pl.col("loan_state") == "BAD"
    owed = (pl.col("funded_amount_usd") * pl.col("owed_share")).round(2)
    money = stated.with_columns(
        is_active=~happened,
        default_month=pl.when(bad).then("event_month"),
        ead_usd=pl.when(bad).then(owed).cast(MONEY),
        net_loss_usd=pl.when(bad).then((owed * 0.9).round(2)).cast(MONEY),
        funded_amount_usd=pl.col("funded_amount_usd").cast(MONEY),
        installment_usd=_installment().cast(MONEY),
    )
    return money.with_columns(**_flags(happened, bad)).drop("age", "event")


def _installment() -> pl.Expr:
    """The level payment, but for every fifth loan."""
    rate = pl.col("interest_rate") / 12
    growth = ((1 + rate).log() * pl.col("term_months")).exp()
    level = pl.col("funded_amount_usd") * rate / (1 - 1 / growth)
    return pl.when(pl.col("loan_key") % 5 > 0).then(level.round(2)).otherwise("installment_usd")


def _flags(happened: pl.Expr, bad: pl.Expr) -> dict[str, pl.Expr]:
    policy = pl.col("credit_policy_met")
    matured = pl.col("maturity_month") <= pl.col("snapshot_month")

    def window(months: int) -> pl.Expr:
        known = policy & (pl.col("age") >= months + LAG)
        return pl.when(known).then(bad & (pl.col("duration_months") <= months))

    flags = {
        "default_d0": pl.when(happened & policy).then(bad),
        "default_d1": pl.when(happened & policy & matured).then(bad),
        "default_d2": bad | (pl.col("loan_state") == "D31_120"),
        "default_d3_12": window(12),
        "default_d3_24": window(24),
    }
    return {name: flag.cast(pl.Int16) for name, flag in flags.items()}


def _applications(random: np.random.Generator, loans: pl.DataFrame) -> pl.DataFrame:
    states, purposes = random.integers(0, 9, LOANS), random.integers(0, 4, LOANS)
    return loans.select(
        "issue_month",
        "grade",
        funded_amnt=pl.col("funded_amount_usd").cast(pl.Float64),
        addr_state=pl.Series([f"S{place}" for place in states]),
        purpose=pl.Series([f"purpose {place}" for place in purposes]),
    )


def _performance(random: np.random.Generator, loans: pl.DataFrame) -> pl.DataFrame:
    rows = loans.select(
        "loan_key",
        "issue_month",
        "term_months",
        "grade",
        "loan_state",
        "duration_months",
        "funded_amount_usd",
        months_on_book=pl.int_ranges(0, pl.col("duration_months") + 1),
    ).explode("months_on_book")
    is_last = pl.col("months_on_book") == pl.col("duration_months")
    walk = pl.Series(random.choice(["CURRENT", "GRACE", "D16_30", "D31_120"], rows.height))
    return rows.with_columns(
        performance_month=months_after("issue_month", "months_on_book"),
        default_event=(is_last & (pl.col("loan_state") == "BAD")).cast(pl.Int16),
        loan_state=pl.when(is_last).then("loan_state").otherwise(walk),
        months_on_book=pl.col("months_on_book").cast(pl.Int32),
        opening_balance_usd=pl.col("funded_amount_usd"),
        closing_balance_usd=pl.col("funded_amount_usd") - pl.lit(10).cast(MONEY),
        scheduled_principal_usd=pl.lit(8).cast(MONEY),
        paid_principal_usd=pl.lit(10).cast(MONEY),
        source=pl.lit("simulated"),
    ).with_columns(is_reconstructed=~pl.col("performance_month").is_in(SNAPSHOTS))


def _rejections(random: np.random.Generator) -> pl.DataFrame:
    offsets = random.integers(0, ISSUE_MONTHS + 3, 9000)
    return pl.DataFrame({"offset": offsets}).select(
        application_month=pl.lit(FIRST_ISSUE).dt.offset_by(pl.format("{}mo", "offset"))
    )


def _indicators(random: np.random.Generator) -> pl.DataFrame:
    months = [date(2008 + count // 12, count % 12 + 1, 1) for count in range(108)]
    level = 7 + np.cumsum(random.normal(0, 0.15, 108))
    series = {
        "unrate": (months, level),
        "unrate_change_12m": (months[12:], level[12:] - level[:-12]),
        "cpi_yoy": (months, 2 + np.cumsum(random.normal(0, 0.2, 108))),
        "gdp_growth_saar": (months[::3], random.normal(2, 2, 36)),
    }
    frames = [_vintages(name, days, values, random) for name, (days, values) in series.items()]
    bill_days = [day for day in tiny_prices.session_dates() if day.day != 20]
    bills = pl.DataFrame(
        {
            "indicator_id": ["bill_rate_discount"] * len(bill_days),
            "observation_date": bill_days,
            "realtime_start": [day + timedelta(days=1) for day in bill_days],
            "realtime_end": [FOREVER] * len(bill_days),
            "value": np.round(0.01 + 0.01 * random.random(len(bill_days)), 4),
        }
    ).with_columns(value=pl.when(pl.col("observation_date").dt.day() != 7).then("value"))
    return pl.concat([*frames, bills])


def _vintages(
    name: str, days: list[date], values: np.ndarray, random: np.random.Generator
) -> pl.DataFrame:
    """A first release after forty days and a revision two hundred days later."""
    first = pl.DataFrame({"observation_date": days, "value": values}).with_columns(
        indicator_id=pl.lit(name), realtime_start=pl.col("observation_date") + timedelta(days=40)
    )
    revised = first.with_columns(
        realtime_start=pl.col("realtime_start") + timedelta(days=200),
        value=pl.col("value") + pl.Series(random.normal(0, 0.3, len(days))),
    )
    ends = first["realtime_start"] + timedelta(days=200)
    both = pl.concat(
        [first.with_columns(realtime_end=ends), revised.with_columns(realtime_end=pl.lit(FOREVER))]
    )
    return both.select(
        "indicator_id", "observation_date", "realtime_start", "realtime_end", "value"
    )
