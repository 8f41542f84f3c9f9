"""Simulated marts for measuring the metrics: the loan tables, straight from the simulator.

As in `simulated_marts`, no file is staged or loaded into the warehouse on the way; rows are clean,
so the few rules below suffice. Every month of a loan's life is simulated, and those of the last 13
snapshots count as observed.
"""

import json
import re
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import duckdb
import numpy as np
import polars as pl

from financial_pipeline.settings import PROJECT_ROOT
from financial_pipeline.simulator.borrower_tables import GRADES, PURPOSE_CODES
from financial_pipeline.simulator.borrowers import Borrowers, draw_borrowers
from financial_pipeline.simulator.loan_calendar import issue_months, month_number
from financial_pipeline.simulator.loan_columns import CHUNK_LOANS, chunk_count
from financial_pipeline.simulator.loan_draws import IntArray, Part, generator
from financial_pipeline.simulator.loan_states import State, states_at
from financial_pipeline.simulator.loan_texts import draw_places, lookup
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.simulator.outcomes import DEFAULT_LAG, Outcomes, draw_outcomes
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.sources.market_calendar import session_numbers

TABLES: Final = (
    "fct_loans",
    "fct_loan_applications",
    "fct_loan_performance_monthly",
    "fct_loan_rejections",
)
SNAPSHOT: Final = date(2019, 3, 1)
SNAPSHOTS: Final = 13
# In the order of the simulator's states.
LOAN_STATES: Final = ("CURRENT", "CURRENT", "GRACE", "D16_30", "D31_120", "BAD", "PAID")
MONEY: Final = pl.Decimal(18, 2)
EPOCH_MONTH: Final = month_number(date(1970, 1, 1))
Drawn = TypeVar("Drawn", Borrowers, Outcomes)
INDICATORS: Final = PROJECT_ROOT / "dbt_project/models/marts/agg_macro_indicators.sql"
FOREVER: Final = date(9999, 12, 31)


def write_loan_marts(folder: Path, loans: int, seed: int) -> None:
    """Write the four loan marts of this many simulated loans, each a folder of Parquet files."""
    for name in TABLES:
        (folder / name).mkdir(parents=True)
    for number in range(chunk_count(loans)):
        first = number * CHUNK_LOANS
        last = min(first + CHUNK_LOANS, loans)
        drawn = draw_borrowers(seed, number, issue_months(first, last, loans))
        outcomes = draw_outcomes(seed, number, drawn)
        keys = np.arange(first, last)
        book = _book(keys, drawn, outcomes)
        tables = (
            book.drop("funded_amnt", "addr_state", "purpose"),
            book.select("loan_key", "issue_month", "grade", "funded_amnt", "addr_state", "purpose"),
            _performance(keys, drawn, outcomes),
            # There is one rejected application per loan.
            book.select(application_month="issue_month"),
        )
        for name, rows in zip(TABLES, tables, strict=True):
            rows.write_parquet(folder / name / f"{number:05}.parquet")


def _months(numbers: IntArray) -> pl.Series:
    return pl.Series((numbers - EPOCH_MONTH).astype("datetime64[M]").astype("datetime64[D]"))


def _book(keys: IntArray, loans: Borrowers, outcomes: Outcomes) -> pl.DataFrame:
    """One row per loan as its last snapshot shows it: fct_loans, and more of applicants."""
    snapshot = month_number(SNAPSHOT)
    states = states_at(loans, outcomes, snapshot)
    age = snapshot - loans.issue
    place, _ = draw_places(generator(0, Part.TEXT, int(keys[0])), keys.size)
    bad = states.state == State.CHARGED_OFF
    exposure = pl.Series((loans.funded - states.principal).round(2))
    loss = exposure - pl.Series((states.recoveries - states.collection_fee).round(2))
    is_over = bad | (states.state == State.PAID)
    book = pl.DataFrame(
        {
            "loan_key": keys,
            "issue_month": _months(loans.issue),
            "maturity_month": _months(loans.issue + loans.term),
            "term_months": loans.term.astype(np.int32),
            "grade": lookup(GRADES, loans.grade),
            "loan_state": lookup(LOAN_STATES, states.state),
            "credit_policy_met": loans.policy_met,
            "funded_amount_usd": loans.funded,
            "funded_amnt": loans.funded,
            "installment_usd": loans.installment,
            "interest_rate": loans.rate,
            "fico_midpoint": loans.fico + 2.0,
            "duration_months": np.where(is_over, outcomes.exit_month, age).clip(1).astype(np.int32),
            "exit": _months(loans.issue + outcomes.exit_month),
            "age": age,
            "addr_state": place,
            "purpose": lookup(PURPOSE_CODES, loans.purpose),
        }
    ).with_columns(bad=pl.Series(bad), over=pl.Series(is_over), ead_usd=exposure, loss=loss)
    return _with_outcomes(book)


def _with_outcomes(book: pl.DataFrame) -> pl.DataFrame:
    bad, over, policy = (pl.col(name) for name in ("bad", "over", "credit_policy_met"))
    matured = pl.col("maturity_month") <= SNAPSHOT

    def window(months: int) -> pl.Expr:
        known = policy & (pl.col("age") >= months + DEFAULT_LAG)
        return pl.when(known).then(bad & (pl.col("duration_months") <= months))

    flags = {
        "default_d0": pl.when(over).then(bad),
        "default_d1": pl.when(over & matured & policy).then(bad),
        "default_d2": pl.col("loan_state").is_in(["BAD", "D31_120"]),
        "default_d3_12": window(12),
        "default_d3_24": window(24),
    }
    return book.with_columns(
        pl.col("funded_amount_usd", "installment_usd").cast(MONEY),
        snapshot_month=pl.lit(SNAPSHOT),
        default_month=pl.when(bad).then("exit"),
        is_active=~over,
        ead_usd=pl.when(bad).then("ead_usd").cast(MONEY),
        net_loss_usd=pl.when(bad).then(pl.col("loss").round(2)).cast(MONEY),
        **{name: flag.cast(pl.Int16) for name, flag in flags.items()},
    ).drop("bad", "over", "loss", "exit", "age")


def _take_rows(drawn: Drawn, index: IntArray) -> Drawn:
    needed = [one.name for one in fields(drawn) if one.name != "scores"]
    return replace(drawn, **{name: getattr(drawn, name)[index] for name in needed})


def _performance(keys: IntArray, loans: Borrowers, outcomes: Outcomes) -> pl.DataFrame:
    """One row per loan and month on book until its end or the snapshot."""
    snapshot = month_number(SNAPSHOT)
    last = np.minimum(snapshot - loans.issue, outcomes.exit_month)
    index = np.repeat(np.arange(keys.size), last + 1)
    month = np.arange(index.size) - np.repeat(np.cumsum(last + 1) - last - 1, last + 1)
    of_month = _take_rows(loans, index)
    states = states_at(of_month, _take_rows(outcomes, index), of_month.issue + month)
    bad = states.state == State.CHARGED_OFF
    opening = np.where(month == 0, of_month.funded, np.roll(states.balance, 1))
    closing = np.where(bad, of_month.funded - states.principal, states.balance)
    due = np.clip(of_month.installment - opening * of_month.rate / 12, 0, opening) * (month > 0)
    rows = {
        "loan_key": keys[index],
        "performance_month": _months(of_month.issue + month),
        "months_on_book": month.astype(np.int32),
        "term_months": of_month.term.astype(np.int32),
        "grade": lookup(GRADES, of_month.grade),
        "loan_state": lookup(LOAN_STATES, states.state),
        "opening_balance_usd": opening,
        "closing_balance_usd": closing.round(2),
        "scheduled_principal_usd": due.round(2),
        "paid_principal_usd": (opening - closing).round(2),
        "default_event": bad.astype(np.int16),
        "is_reconstructed": of_month.issue + month <= snapshot - SNAPSHOTS,
    }
    return pl.DataFrame(rows).with_columns(
        pl.col("^.*_usd$").cast(MONEY), source=pl.lit("simulated")
    )


def write_market_marts(folder: Path, seed: int) -> None:
    """Write fct_daily_prices and agg_macro_indicators, each a folder with one Parquet file."""
    with TemporaryDirectory() as work:
        prices = pl.concat(_prices(path) for path in write_prices(Path(work) / "prices", seed))
        observed = pl.concat(_observations(path) for path in write_macro(Path(work) / "fred", seed))
    tables = {"fct_daily_prices": prices, "agg_macro_indicators": _indicators(observed)}
    for name, rows in tables.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        rows.write_parquet(folder / name / "0.parquet")


def _prices(path: Path) -> pl.DataFrame:
    rows = pl.read_csv(path, try_parse_dates=True)
    numbers = session_numbers(rows["Date"])
    return rows.select(
        symbol=pl.lit(path.stem),
        session_date="Date",
        session_number=pl.col("Date").replace_strict(numbers),
        scale_break=pl.lit(None, pl.String),
        open="Open",
        high="High",
        low="Low",
        close="Close",
        adjusted_close="Adj Close",
        has_valid_range=pl.lit(True),
    )


def _observations(path: Path) -> pl.DataFrame:
    answer: dict[str, Any] = json.loads(path.read_text("utf-8"))
    rows = pl.DataFrame(answer["observations"]).with_columns(
        pl.col("date", "realtime_start", "realtime_end").str.to_date()
    )
    # Upstream's intervals include their last day.
    end = pl.col("realtime_end")
    return rows.select(
        series_id=pl.lit(path.stem),
        observation_date="date",
        realtime_start="realtime_start",
        realtime_end=pl.when(end < FOREVER).then(end.dt.offset_by("1d")).otherwise(end),
        value=pl.col("value").cast(pl.Float64, strict=False),
        pit_method=pl.lit("alfred"),
        # Recorded vintages: no copy dates them, and all levels of one are on one base.
        vintage_date=pl.lit(None, pl.Date),
        series_key=pl.lit(path.stem),
    )


def _indicators(observations: pl.DataFrame) -> pl.DataFrame:
    # Of dbt's templates the model uses these two.
    model = re.sub(r"{{ config\(.*?\) }}", "", INDICATORS.read_text("utf-8"))
    query = re.sub(r"{{ ref\('(\w+)'\) }}", r"\1", model)
    with duckdb.connect() as connection:
        connection.register("fct_macro_observations", observations)
        return connection.sql(query).pl()
