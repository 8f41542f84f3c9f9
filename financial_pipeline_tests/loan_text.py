"""Loan files written value by value: what upstream writes, and what goes wrong with it."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS

# One sound loan as the 151-column file writes it; what is not named here is empty.
SOUND = {
    "loan_amnt": "3600.0",
    "funded_amnt": "3600.0",
    "funded_amnt_inv": "3575.0",
    "term": " 36 months",
    "int_rate": "13.99",
    "installment": "123.03",
    "grade": "C",
    "sub_grade": "C4",
    "emp_title": "Nurse, night shift",
    "emp_length": "10+ years",
    "home_ownership": "MORTGAGE",
    "annual_inc": "55000.0",
    "verification_status": "Not Verified",
    "issue_d": "Dec-2015",
    "loan_status": "Fully Paid",
    "pymnt_plan": "n",
    "purpose": "debt_consolidation",
    "title": "Debt consolidation",
    "zip_code": "190xx",
    "addr_state": "PA",
    "dti": "5.91",
    "delinq_2yrs": "0.0",
    "earliest_cr_line": "Aug-2003",
    "inq_last_6mths": "1.0",
    "open_acc": "7.0",
    "pub_rec": "0.0",
    "revol_bal": "2765.0",
    "revol_util": "29.7",
    "total_acc": "13.0",
    "out_prncp": "0.0",
    "total_pymnt": "4421.72",
    "total_rec_prncp": "3600.0",
    "total_rec_int": "821.72",
    "total_rec_late_fee": "0.0",
    "recoveries": "0.0",
    "collection_recovery_fee": "0.0",
    "last_pymnt_d": "Jan-2019",
    "last_credit_pull_d": "Mar-2019",
    "policy_code": "1.0",
}


def loan(number: int, **changes: str) -> dict[str, str]:
    """A sound loan with its own id and amount, changed where a test wants it."""
    return {**SOUND, "id": str(1000 + number), "revol_bal": f"{2000 + number}.0", **changes}


def line(row: dict[str, str], columns: Sequence[str] = LOAN_COLUMNS) -> str:
    """One record without its line end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([row.get(name, "") for name in columns])
    return text.getvalue().removesuffix("\n")


def header(columns: Sequence[str] = LOAN_COLUMNS) -> str:
    """The header line."""
    return ",".join(columns)


def write(path: Path, lines: Iterable[str], end: str = "\n") -> Path:
    """Write physical lines, the last one with its line end."""
    path.write_text("".join(text + end for text in lines), encoding="utf-8", newline="")
    return path


def loan_file(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    """A 151-column file of these loans."""
    return write(path, [header(), *(line(row) for row in rows)])
