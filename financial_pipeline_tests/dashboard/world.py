"""A small published version written out by hand, so that each figure of a page is known."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from financial_pipeline.ml import decide
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import publish_tables
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

CUTOFF = date(2015, 4, 1)
SIMULATED = {"source": "simulated", "is_synthetic": True, "loans": 8, "seed": 1} | {
    "clock": "2019-03-31"
}
LOANS = 400
STREAM = [
    f"stream/{name}"
    for name in ("market_bars_1m", "market_indicators_1m", "status", "late_messages")
] + ["stream/dead_letters", "stream/parity"]
MONTHS = [date(2014 + month // 12, 1 + month % 12, 1) for month in range(24)]

AT_DEFAULT = {"ead_usd": 800.0, "recoveries_usd": 410.0, "collection_recovery_fee_usd": 10.0}


def put(paths: Paths, key: str, frame: pl.DataFrame, as_of: str | None = "2019-03-01") -> None:
    """Register one table; the next `publish` shows it."""
    layer, name = key.split("/")
    contract = Table(layer, name, "", (frame.columns[0],), order=None)
    table = replace(
        write_table(paths, contract, frame), content_hash=f"hash{frame.height}", as_of=as_of
    )
    publication.Publication(paths, "test").register(table)


def loans() -> pl.DataFrame:
    """400 loans, every fifth bad, in two states and two grades; the last hundred are active."""
    number = np.arange(LOANS)
    known = pl.when(~pl.col("is_active")).then(pl.col("bad").cast(pl.Int16))
    frame = pl.DataFrame(
        {
            "loan_key": number,
            "loan_id": [f"L{key}" for key in number],
            "issue_month": [MONTHS[key % 24] for key in number],
            "maturity_month": [date(2018, 1, 1)] * LOANS,
            "snapshot_month": [date(2019, 3, 1)] * LOANS,
            "geography_key": number % 2,
            "purpose_key": number % 3,
            "borrower_profile_key": number // 300,
            "grade": np.where(number % 2 == 0, "A", "B"),
            "bad": number % 5 == 0,
            "is_active": number >= 300,
        }
    )
    return frame.with_columns(
        sub_grade=pl.col("grade") + "1",
        term_months=pl.lit(36),
        loan_status=pl.lit("Fully Paid"),
        loan_state=pl.when("is_active")
        .then(pl.lit("CURRENT"))
        .when("bad")
        .then(pl.lit("BAD"))
        .otherwise(pl.lit("PAID")),
        **{name: pl.lit(dollars) for name, dollars in AT_DEFAULT.items()},
        credit_policy_met=pl.lit(True),
        funded_amount_usd=pl.lit(1000.0),
        interest_rate=pl.lit(0.1),
        fico_midpoint=pl.lit(700.0),
        total_payment_usd=pl.lit(1100.0),
        net_loss_usd=pl.when("bad").then(400.0),
        default_d0=known,
        default_d1=known,
        default_d2=pl.col("bad").cast(pl.Int16),
        source=pl.lit("test"),
    ).drop("bad")


def geography() -> pl.DataFrame:
    return pl.DataFrame(
        {"geography_key": [0, 1], "state_code": ["CA", "TX"], "state_name": ["California", "Texas"]}
    )


def purposes() -> pl.DataFrame:
    return pl.DataFrame({"purpose_key": [0, 1, 2], "purpose": ["car", "credit_card", "other"]})


def profiles() -> pl.DataFrame:
    """The first 300 loans are of the lowest band, and the active ones of a higher one, joint."""
    bands = {"fico_band": ["< 660", "660-679"], "application_type_band": ["Individual", "Joint"]}
    return pl.DataFrame({"borrower_profile_key": [0, 1]} | bands)


def summary() -> pl.DataFrame:
    """Two months of two measures: the newest default rate is 20 %, up from 19 %.

    A third of the applications of January 2014 was issued.
    """
    rows = [
        ("default_rate_matured", 0.19, 280),
        ("default_rate_matured", 0.20, 300),
        ("loans", 390.0, 390),
        ("loans", 400.0, 400),
    ]
    months = [date(2019, 2, 1), date(2019, 3, 1)] * 2
    approved = {"snapshot_month": date(2014, 1, 1), "measure": "approval_rate", "loans": 750} | {
        "numerator": 250.0,
        "denominator": 750.0,
        "value": 1 / 3,
        "value_low": 0.28,
        "value_high": 0.39,
    }
    kinds = pl.lit("all").alias("segment_kind"), pl.lit("all").alias("segment")
    measured = pl.DataFrame(
        {
            "snapshot_month": months,
            "measure": [name for name, _, _ in rows],
            "value": [value for _, value, _ in rows],
            "value_low": [0.15, 0.16, None, None],
            "value_high": [0.24, 0.25, None, None],
            "loans": [count for _, _, count in rows],
        }
    )
    return pl.concat([measured, pl.DataFrame([approved])], how="diagonal").with_columns(*kinds)


def thresholds() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Threshold table and summary of one model over 1,000 loans whose PD is their risk."""
    rng = np.random.default_rng(7)
    pd = rng.uniform(0, 0.6, 1000)
    bad = rng.uniform(size=1000) < pd
    flat = np.ones(1000)
    cash = decide.LoanCash(1000 * flat, 0.2 * flat, 0.5 * flat, bad)
    prices = decide.Prices(0.2, 0.5)
    label = {"training_cutoff": CUTOFF, "model": "borrower_only", "segment": "all", "level": "all"}
    literals = [pl.lit(value).alias(name) for name, value in label.items()]
    table = decide.threshold_table(pd, cash, prices).select(*literals, pl.all())
    (best,) = decide.best_thresholds([pd], cash, 1)
    numbers = {"gain": 0.2, "loss": 0.5, "break_even_pd": prices.break_even_pd}
    counts = {"loans": 1000, "defaults": int(bad.sum())}
    return table, pl.DataFrame([{**label, **counts, **numbers, **best}])


def stream(paths: Paths, observed: datetime, minutes: int = 3) -> None:
    """A bar a minute of one bank, one late and two dead messages, last observed at `observed`."""
    start = int(datetime(2019, 3, 29, 14, 30, tzinfo=UTC).timestamp() * 1_000_000)
    bar = {"symbol": "JPM", "session_date": date(2019, 3, 29)}
    starts = [start + minute * 60_000_000 for minute in range(minutes)]
    bars = pl.DataFrame([{**bar, "window_start_us": at, "bar_seconds": 60} for at in starts])
    prices = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.5, "vwap": 100.2}
    counts = {"volume": 1000, "message_count": 4}
    named = [pl.lit(value).alias(name) for name, value in (prices | counts).items()]
    put(paths, "stream/market_bars_1m", bars.with_columns(named), "2019-03-29")
    watermark = observed - timedelta(seconds=30)
    position = {"topic": "market_bars_1m", "partition": 0, "next_offset": 90, "end_offset": 97}
    state = {"lag": 7, "watermark_at": watermark, "observed_at": observed, "engine": "flink"}
    put(paths, "stream/status", pl.DataFrame([position | state]))
    put(paths, "stream/late_messages", pl.DataFrame({"reason": ["behind_its_producer"]}))
    put(paths, "stream/dead_letters", pl.DataFrame({"reason": ["bad_price", "bad_time"]}))
    z = {"return_zscore": 1.5, "volume_zscore": 0.5, "rolling_volatility": 0.001}
    measured = bars.with_columns([pl.lit(value).alias(name) for name, value in z.items()])
    measured = measured.with_columns(log_return=pl.lit(0.0), realised_variance=pl.lit(0.0))
    put(paths, "stream/market_indicators_1m", measured, "2019-03-29")
    day = {"session_date": date(2019, 3, 29), "bars_compared": 3, "bars_differing": 0}
    put(paths, "stream/parity", pl.DataFrame([day | {"passed": True}]))


def land(paths: Paths, observed: datetime, minutes: int = 3) -> None:
    """The same tables as a landing publishes them: in their own channel."""
    stream(paths, observed, minutes)
    tables = [publication.Publication(paths, "test").newest(key) for key in STREAM]
    publication.Publication(paths, "test").discard()
    publish_tables(paths, "stream", tables, SIMULATED)


def alerts(paths: Paths) -> None:
    """One alert."""
    alert = {"alert_id": "a", "symbol": "JPM", "window_start_us": 1_553_869_800_000_000}
    rest = {"rule": "return_zscore", "severity": "warning", "zscore": 4.5, "close": 100.0}
    put(paths, "stream/market_alerts", pl.DataFrame([alert | rest]), "2019-03-29")


def operations(paths: Paths) -> None:
    """One table overdue, one check of two failing, one run of two failed, two lines quarantined."""
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    check = {"asset_key": "exports/fct_loans", "partition": None, "blocking": True}
    rest = {"severity": "ERROR", "description": "", "metadata_json": "{}", "run_id": "r1"}
    checks = [
        check | {"check_name": name, "passed": passed, "evaluated_at": now} | rest
        for name, passed in (("keys_are_unique", True), ("keys_are_present", False))
    ]
    put(paths, "operations/check_results", pl.DataFrame(checks, schema_overrides=TEXT))
    run = {"job": "loans_job", "started_at": now, "ended_at": now, "seconds": 1.0}
    ends = [("a", "SUCCESS", None), ("b", "FAILURE", "the file is broken")]
    runs = [run | {"run_id": name, "status": end, "error": error} for name, end, error in ends]
    put(
        paths,
        "operations/runs",
        pl.DataFrame(runs).with_columns(partitions=pl.lit(None, pl.String)),
    )
    state = {"newest_event_date": date(2019, 3, 1), "expected_by": date(2019, 3, 31)}
    key = {"asset_key": "exports/fct_daily_prices", "state": "overdue", "reason": "30 days late"}
    put(paths, "operations/freshness", pl.DataFrame([key | state]))
    file = {"dataset": "bank_prices", "file_name": "JPM.csv", "file_sha256": "f"}
    went = [
        ("note", "header", 1),
        ("quarantined", "close_not_positive", 2),
        ("staged", "staged", 7),
    ]
    lines = [
        file | {"category": category, "reason": reason, "physical_lines": count}
        for category, reason, count in went
    ]
    accounting = pl.DataFrame(lines).with_columns(file_physical_lines=pl.lit(10))
    put(paths, "exports/row_accounting", accounting, None)


TEXT = {"partition": pl.String}


def publish(data_root: Path) -> Paths:
    """Loans, their summary and thresholds."""
    paths = Paths(data_root)
    put(paths, "exports/fct_loans", loans())
    put(paths, "exports/dim_geography", geography(), None)
    put(paths, "exports/dim_purpose", purposes(), None)
    put(paths, "exports/dim_borrower_profile", profiles(), None)
    put(paths, "metrics/portfolio_summary", summary())
    table, best = thresholds()
    put(paths, "ml/threshold_table", table, "2015-04-01")
    put(paths, "ml/threshold_summary", best, "2015-04-01")
    publication.publish(paths, ["test"], SIMULATED)
    return paths
