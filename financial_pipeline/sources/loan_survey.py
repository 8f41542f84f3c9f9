"""Whole-file facts of a loan file: months, ids and unknown codes; none rests on one row."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.lending_club import UPSTREAM_MONTHS
from financial_pipeline.schemas.loan_rules import CODES, COUNTED_CODES, MISSING_WORDS
from financial_pipeline.sources.month_text import other_forms

MONTHS: Final = ("issue_d", "last_pymnt_d", "last_credit_pull_d")
# Columns that show in which order the file writes its dates: the last one has the most months.
DATES: Final = (*MONTHS, "earliest_cr_line")
SURVEYED_COLUMNS: Final = ("loan_amnt", "id", *DATES, *COUNTED_CODES)
# The snapshot month needs this share of the loans, and two where there are this many.
SUPPORT_SHARE: Final = 0.001
MANY_LOANS: Final = 100
# It is the last month with this share, or a later one that activity reaches without a gap:
# the same typing error may occur twice.
FIRM_SHARE: Final = 0.01
# In a file of at least this many loans, no snapshot is this long after nearly all activity.
SOME_LOANS: Final = 20
LONGEST_SILENCE_MONTHS: Final = 12
NEARLY_ALL: Final = 0.99
# A share of the loans as small as this does not make a snapshot after this long without any
# activity either. If they exceed the limit of broken rows, the file is refused; otherwise every
# maturity would move.
FEW_SHARE: Final = 0.05
SILENT_MONTHS: Final = 6
# Loans issued after the snapshot: a larger share means that the file's dates are wrong.
LARGEST_LATE_SHARE: Final = 0.01
SHOWN_TEXTS: Final = 3
# A month name and a number that is a year or a day.
AMBIGUOUS: Final = re.compile(r"\d{1,2}[- ]?[A-Za-z]{3,9}|[A-Za-z]{3,9}[- ]?\d{1,2}")


@dataclass(frozen=True)
class LoanSurvey:
    """The summary of a loan file's rows."""

    rows: int
    has_ids: bool
    # Issue months up to the snapshot, sorted.
    issue_months: list[date]
    # The last month of a payment or credit pull that enough loans support.
    snapshot_month: date | None
    issued_late: int
    # Texts of issue dates that are not months.
    issue_texts: list[str]
    unknown_codes: tuple[str, ...]


def _present(column: str) -> pl.Expr:
    """The text without blanks; null for a missing value."""
    text = pl.col(column).str.strip_chars()
    is_missing = text.str.to_lowercase().is_in(("", *MISSING_WORDS))
    return pl.when(~is_missing).then(text)


def _months_of(unique: list[str], others: Iterable[str]) -> dict[str, date]:
    forms = other_forms(unique, others)
    named = {text: forms.get(text, text) for text in unique}
    return {text: UPSTREAM_MONTHS[name] for text, name in named.items() if name in UPSTREAM_MONTHS}


def _later(month: date, months: int) -> date:
    at = month.year * 12 + month.month - 1 + months
    return date(at // 12, at % 12 + 1, 1)


def snapshot_month(activity: Counter[tuple[date | None, date | None]]) -> date | None:
    """The latest month that enough loans support, and that has come; None without any activity.

    `activity` counts loans by month of last payment and of last credit pull.
    """
    loans = activity.total()
    support: Counter[date] = Counter()
    last: Counter[date] = Counter()
    for months, count in activity.items():
        seen = {month for month in months if month is not None}
        support.update(dict.fromkeys(seen, count))
        if seen:
            last[max(seen)] += count
    if not support:
        return None
    support = Counter({month: n for month, n in support.items() if month <= date.today()})
    least = max(SUPPORT_SHARE * loans, 2 if loans >= MANY_LOANS else 1)
    supported = [month for month, count in support.items() if count >= least]
    if loans >= SOME_LOANS:
        end = _later(_nearly_last(last), LONGEST_SILENCE_MONTHS)
        end = min(end, _before_silence(last))
        supported = [month for month in supported if month <= end]
    end = max((m for m in supported if support[m] >= FIRM_SHARE * loans), default=date.max)
    for month in sorted(last):
        later = sum(count for each, count in last.items() if each >= month)
        if month > end and (month == _later(end, 1) or later > LARGEST_LATE_SHARE * loans):
            end = month
    found = max((m for m in supported if m <= end), default=max(support, default=None))
    return _with_sparse_end(found, last) if found else None


def _with_sparse_end(found: date, last: Counter[date]) -> date:
    """The month until which the rest of a file is active, if more loans than errors are later.

    Months without credit pulls have few last payments each at the end.
    """
    for month in sorted(last):
        later = sum(count for each, count in last.items() if each >= month)
        is_near = found < month <= min(_later(found, SILENT_MONTHS), date.today())
        if is_near and later > LARGEST_LATE_SHARE * last.total():
            found = month
    return found


def _before_silence(last: Counter[date]) -> date:
    """The last month before a silence that too few loans break for a snapshot; else the last."""
    months, few = sorted(last), FEW_SHARE * last.total()
    if last.total() >= MANY_LOANS:
        for month, following in pairwise(months):
            after = sum(last[each] for each in months if each >= following)
            if following > _later(month, SILENT_MONTHS) and after <= few:
                return month
    return months[-1]


def _nearly_last(last: Counter[date]) -> date:
    """The month by which nearly all loans were last active."""
    wanted, seen = int(NEARLY_ALL * (last.total() - 1)), 0
    for month in sorted(last):
        seen += last[month]
        if seen > wanted:
            return month
    return max(last)


def survey_loans(frame: pl.DataFrame) -> LoanSurvey:
    """Survey the SURVEYED_COLUMNS of a file, as text; columns that it lacks are left out."""
    frame = frame.with_columns(_present(name).alias(name) for name in frame.columns)
    # A file appended to another one repeats the header, which is not a loan.
    is_header = pl.col("loan_amnt").str.contains("(?i)amnt$")
    loans = frame.filter(pl.col("issue_d").is_not_null() & is_header.not_())
    months = [name for name in MONTHS if name in loans.columns]
    texts = {n: loans[n].drop_nulls().unique().to_list() for n in DATES if n in loans.columns}
    others = {text for column in texts.values() for text in column}
    known = {name: _months_of(texts[name], others) for name in months}
    issued = dict(loans["issue_d"].value_counts().iter_rows())
    activity: Counter[tuple[date | None, date | None]] = Counter()
    for *row, count in loans.group_by(months[1:]).len().iter_rows():
        found = [known[name].get(text or "") for name, text in zip(months[1:], row, strict=True)]
        activity[found[0], found[1] if len(found) > 1 else None] += count
    end = snapshot_month(activity)
    dated = {text: month for text, month in known["issue_d"].items() if text in issued}
    return LoanSurvey(
        rows=loans.height,
        has_ids="id" in loans.columns and loans["id"].null_count() < loans.height,
        issue_months=sorted({month for month in dated.values() if end is None or month <= end}),
        snapshot_month=end,
        issued_late=sum(issued[text] for text, month in dated.items() if end and month > end),
        issue_texts=sorted(text for text in issued if text not in dated),
        unknown_codes=tuple(
            phrase
            for name in COUNTED_CODES
            if name in loans.columns and (phrase := _unknown(loans, name))
        ),
    )


def _unknown(loans: pl.DataFrame, column: str) -> str:
    """A phrase that counts the words of a column which are no code of its dimension, or ''."""
    codes = [code.lower() for code in CODES[column]]
    words = loans[column].drop_nulls()
    unknown = words.filter(~words.str.to_lowercase().is_in(codes))
    if unknown.is_empty():
        return ""
    counts = unknown.value_counts().sort("count", column, descending=[True, False])
    shown = ", ".join(f"{word!r} {count:,}" for word, count in counts.head(SHOWN_TEXTS).iter_rows())
    more = counts.height - SHOWN_TEXTS
    return (
        f"{column} has {counts.height} unknown codes in {unknown.len():,} loans, which count as"
        f" unknown: {shown}" + (f" and {more} more" if more > 0 else "")
    )


def refuse_undated(path: Path, survey: LoanSurvey) -> None:
    """Raise PipelineError if the dates of a file do not show when it was written."""
    if not survey.rows:
        raise PipelineError(
            f"{path} has the header of a loan file but no loans with as many fields; export it"
            " again."
        )
    if survey.snapshot_month is None:
        raise PipelineError(
            f"{path} has no readable last_pymnt_d or last_credit_pull_d, so its snapshot month is"
            f" unknown; use the original file, or write months as 2015-12 or Dec-2015."
        )
    if survey.issue_texts and not survey.issue_months and not survey.issued_late:
        is_ambiguous = any(map(AMBIGUOUS.fullmatch, survey.issue_texts))
        why = ": in 18-Dec or Dec-15, year and day cannot be told apart" if is_ambiguous else ""
        raise PipelineError(
            f"{path} has no readable issue date (found {survey.issue_texts[:SHOWN_TEXTS]}){why};"
            " use the original file, or write months as 2015-12 or Dec-2015."
        )
    if survey.issued_late > LARGEST_LATE_SHARE * survey.rows or not survey.issue_months:
        raise PipelineError(
            f"{path} ends its payments and credit pulls in {survey.snapshot_month:%Y-%m} but"
            f" contains {survey.issued_late:,} loans issued later; not all dates can be right: use"
            " the original file."
        )
