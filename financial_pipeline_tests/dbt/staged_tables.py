"""A small staged world: every loan state, joint loans, vintages and an unlisted symbol."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from financial_pipeline.publishing.partition_files import write_partition
from financial_pipeline.schemas.staging import (
    BANK_PRICES,
    FRED_OBSERVATIONS,
    LENDING_CLUB_LOAN_SNAPSHOTS,
    LENDING_CLUB_LOANS,
    LENDING_CLUB_REJECTIONS,
    MARKET_ALERTS,
    MARKET_BARS,
    Schema,
)

Row = dict[str, Any]
SNAPSHOT = date(2019, 3, 1)
# Datasets with one partition a day.
DAILY = {"bank_prices", "market_bars", "market_alerts"}
CURRENT = date(9999, 12, 31)
BAR = {
    "bar_seconds": 60,
    "open": 10,
    "high": 12,
    "low": 9,
    "close": 11,
    "volume": 100,
    "trades": 3,
    "notional": 1050,
    "vwap": 10.5,
    "vwap_basis": "trades",
    "message_count": 3,
    "is_regular_hours": True,
}
PROVENANCE = {"source": "simulated", "is_synthetic": True, "file_sha256": "f" * 64}

# Status, term, age at the last payment, share of principal repaid.
LOAN_KINDS = [
    ("Fully Paid", 36, 20, 1.0),
    ("Charged Off", 36, 9, 0.2),
    ("Charged Off", 60, None, 0.0),
    ("Default", 36, 30, 0.7),
    ("Current", 60, 40, 0.5),
    ("In Grace Period", 60, 39, 0.5),
    ("Late (16-30 days)", 60, 38, 0.5),
    ("Late (31-120 days)", 60, 37, 0.5),
]


def month(start: date, months: int) -> date:
    """The first of the month so many months later."""
    index = start.year * 12 + start.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def write(root: Path, dataset: str, schema: Schema, key: str, rows: Iterable[Row]) -> None:
    """Write rows to one partition per month (or day) of the column `key`."""
    unit = "1d" if dataset in DAILY else "1mo"
    known = {name: value for name, value in PROVENANCE.items() if name in schema}
    frame = pl.DataFrame([known | row for row in rows], schema=schema)
    for number, part in enumerate(
        frame.with_columns(_partition=pl.col(key).dt.truncate(unit)).partition_by("_partition")
    ):
        numbered = part.with_columns(line_number=pl.int_range(1, pl.len() + 1) + 1000 * number)
        partition = part["_partition"][0].isoformat()
        write_partition(numbered.select(*schema), root / "staging" / dataset, partition)


def repayments(status: str, amount: float, principal: float) -> Row:
    """Build the amounts received to date from a loan, in dollars."""
    interest, recovered = 120.5, 50.0 if status == "Charged Off" else 0.0
    is_over = status in ("Fully Paid", "Charged Off", "Default")
    return {
        "out_prncp": 0.0 if is_over else amount - principal,
        "total_pymnt": principal + interest + recovered,
        "total_rec_prncp": principal,
        "total_rec_int": interest,
        "total_rec_late_fee": 0.0,
        "recoveries": recovered,
        "collection_recovery_fee": recovered / 10,
    }


def loan(number: int, issue: date) -> Row:
    """One loan as of the snapshot; its number decides status, grade, joint income and policy."""
    status, term, paid_months, repaid = LOAN_KINDS[number % len(LOAN_KINDS)]
    amount = 1000.0 * (1 + number % 7)
    joint = number % 5 == 0
    grade = "ABCDEFG"[number % 7]
    return repayments(status, amount, round(amount * repaid, 2)) | {
        "loan_id": f"loan-{issue:%Y%m}-{number}",
        "snapshot_month": SNAPSHOT,
        "credit_policy_met": number % 11 != 3,
        "emp_length_missing": number % 4 == 0,
        "emp_length": None if number % 4 == 0 else number % 11,
        "issue_d": issue,
        "loan_status": status,
        "term": term,
        "last_pymnt_d": None if paid_months is None else month(issue, paid_months),
        "loan_amnt": amount,
        "funded_amnt": amount,
        "int_rate": 0.06 + 0.04 * (number % 7),
        "installment": round(amount / 30, 2),
        "grade": grade,
        "sub_grade": f"{grade}{1 + number % 5}",
        "home_ownership": ["RENT", "MORTGAGE", "OWN", "OTHER"][number % 4],
        "verification_status": ["Verified", "Not Verified", "Source Verified"][number % 3],
        "purpose": ["car", "credit_card", "debt_consolidation"][number % 3],
        "addr_state": ["CA", "NY", "PR"][number % 3],
        "zip_code": f"{number * 37 % 1000:03d}xx",
        "application_type": "Joint App" if joint else "Individual",
        "annual_inc": 40_000.0 + 1000 * number,
        "annual_inc_joint": 90_000.0 if joint else None,
        "dti": 300.0 if joint else 10.0 + number,
        "dti_joint": 20.0 if joint else None,
        "fico_range_low": 660 + 5 * (number % 30),
        "fico_range_high": 664 + 5 * (number % 30),
    }


def snapshots(row: Row) -> list[Row]:
    """The loan in the last three monthly snapshots; late loans were current before."""
    rows = []
    for back in range(3):
        late = back and row["loan_status"].startswith("Late")
        status = "Current" if late else row["loan_status"]
        seen = {"snapshot_month": month(SNAPSHOT, -back), "loan_status": status}
        rows.append({name: row[name] for name in row if name in LENDING_CLUB_LOAN_SNAPSHOTS} | seen)
    return rows


def stage_loans(root: Path, rows: list[Row]) -> None:
    """Write loans and their snapshots."""
    write(root, "lending_club_loans", LENDING_CLUB_LOANS, "issue_d", rows)
    seen = [snapshot for row in rows for snapshot in snapshots(row)]
    schema = LENDING_CLUB_LOAN_SNAPSHOTS
    write(root, "lending_club_loan_snapshots", schema, "snapshot_month", seen)


def loans() -> list[Row]:
    """Sixteen loans a month from March to October 2015."""
    issues = [date(2015, number, 1) for number in range(3, 11)]
    return [loan(number + issue.month, issue) for issue in issues for number in range(16)]


def stage_rejections(root: Path) -> None:
    """Write twelve rejected applications with known, odd and missing places."""
    places = [("CA", "941xx"), ("NY", None), ("ZZ", "100xx"), (None, None)]
    rows = [
        {
            "application_date": date(2015, 5 + number % 4, 3 + number),
            "amount_requested": 1000.0 * number,
            "risk_score": None if number % 3 else 640.0,
            "state": places[number % 4][0],
            "zip_code": places[number % 4][1],
            "employment_length": number % 11,
        }
        for number in range(12)
    ]
    write(root, "lending_club_rejections", LENDING_CLUB_REJECTIONS, "application_date", rows)


def stage_prices(root: Path) -> None:
    """Write twenty weekdays around the middle of 2015 for two listed banks and an unlisted one."""
    days = [date(2015, 6, 22) + timedelta(number) for number in range(28)]
    rows = [
        {
            "symbol": symbol,
            "session_date": day,
            "open": None if day.day == 6 else 10.0 + day.day,
            "high": 12.0 + day.day,
            "low": 9.0 + day.day,
            "close": 11.0 + day.day,
            "adjusted_close": 5.0 + day.day,
            "volume": 100,
            "session_number": number,
        }
        for number, day in enumerate(days)
        for symbol in ("JPM", "BAC", "MS")
        if day.weekday() < 5
    ]
    write(root, "bank_prices", BANK_PRICES, "session_date", rows)


def stage_bars(root: Path) -> None:
    """Write two bars each of a listed bank and an unlisted one on ten days, and alerts on some."""
    days = [date(2015, 6, 22) + timedelta(number) for number in range(14)]
    bars = [
        {
            "symbol": symbol,
            "session_date": day,
            "window_start_at": datetime.combine(day, time(14, minute)),
            "revision": minute,
            **BAR,
        }
        for day in days
        for symbol in ("JPM", "MS")
        for minute in (0, 1)
        if day.weekday() < 5
    ]
    write(root, "market_bars", MARKET_BARS, "session_date", bars)
    alerts = [
        {name: bar[name] for name in bar if name in MARKET_ALERTS}
        | {"alert_id": f"{bar['symbol']}{bar['window_start_at']}", "rule": "return_zscore"}
        | {"severity": "warning", "zscore": -4.5}
        for bar in bars[::3]
    ]
    write(root, "market_alerts", MARKET_ALERTS, "session_date", alerts)


def stage_macro(root: Path) -> None:
    """Write two years of four series; consumer prices are revised once, each January."""
    rows: list[Row] = []
    for number in range(24):
        day = month(date(2014, 1, 1), number)
        released, revised = month(day, 1).replace(day=10), date(day.year + 2, 1, 20)
        price = {"series_id": "CPIAUCSL", "observation_date": day, "pit_method": "alfred"}
        first = {"realtime_start": released, "realtime_end": revised, "value": 100.0 + number}
        last = {"realtime_start": revised, "realtime_end": CURRENT, "value": 101.0 + number}
        rows += [price | first, price | last]
        other = {"observation_date": day, "realtime_start": released, "realtime_end": CURRENT}
        rows.append(
            other | {"series_id": "UNRATE", "value": 5.0 + number / 8, "pit_method": "rule"}
        )
        rows.append(other | {"series_id": "VIXCLS", "value": None, "pit_method": "rule"})
        if number % 3 == 0:
            growth = {"series_id": "GDPC1", "value": 100 * 1.002**number, "pit_method": "alfred"}
            rows.append(other | growth)
    write(root, "fred_observations", FRED_OBSERVATIONS, "observation_date", rows)


def stage_world(root: Path) -> None:
    """Write every staging dataset below `root`."""
    stage_loans(root, loans())
    stage_rejections(root)
    stage_prices(root)
    stage_bars(root)
    stage_macro(root)
