"""The staging rules of loans as a Spark job: text rows to typed rows and the rule each breaks.

Equal row for row to the Polars expressions of the package `transforms`: a change of one is a
change of both.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.schemas.lending_club import (
    INTEGER_COLUMNS,
    LOAN_COLUMNS,
    MONTH_COLUMNS,
    REAL_COLUMNS,
)
from financial_pipeline.schemas.loan_rules import (
    EMPLOYMENT_WORDS,
    FREE_TEXT_COLUMNS,
    LARGEST_PRINCIPAL_SHARE,
    NUMBER_COLUMNS,
    OUTSIDE_POLICY,
    SIGNED_COLUMNS,
    STATUS_PREFIX,
)
from financial_pipeline.spark import loan_text as text
from financial_pipeline.spark.loan_rules import first_broken_rule

FLAGS = ("has_unreadable_number", "has_unknown_emp_length", "has_mangled_date")


def type_loans(
    raw: DataFrame,
    *,
    rate_divisor: float,
    has_ids: bool,
    first_issue_month: date,
    snapshot_month: date,
    largest_principal: float = LARGEST_PRINCIPAL_SHARE,
) -> DataFrame:
    """Type loan rows and name the first rule that each breaks in `reason` (null: none).

    `raw` has upstream columns as text, null for empty; its other columns pass through, and
    upstream columns that it lacks are null. `rate_divisor` is 100 for a file whose rates are per
    cent and 1 for fractions. Without ids `loan_id` is null.
    """
    present = [name for name in LOAN_COLUMNS if name in raw.columns]
    others = [name for name in raw.columns if name not in LOAN_COLUMNS]
    # A separate step, because each parsed value is used twice.
    parsed = raw.select(*others, *present, *(_parsed(name) for name in present if _is_parsed(name)))
    typed = parsed.select(
        *others,
        *(_typed(name, present, rate_divisor).alias(name) for name in LOAN_COLUMNS),
        *_broken_values(present),
    )
    status = F.col("loan_status")
    result = typed.withColumns(
        {
            "credit_policy_met": ~status.startswith(OUTSIDE_POLICY),
            "loan_status": _status(status),
            "emp_length_missing": F.col("emp_length").isNull(),
            "loan_id": text.without_suffix(F.col("id"), ".0") if has_ids else _null("string"),
        }
    )
    reason = first_broken_rule(has_ids, first_issue_month, snapshot_month, largest_principal)
    return result.withColumn("reason", reason).drop(*FLAGS)


def _is_parsed(name: str) -> bool:
    return name in NUMBER_COLUMNS or name in MONTH_COLUMNS


def _parsed(name: str) -> Column:
    if name in MONTH_COLUMNS:
        return text.month(F.col(name)).alias(f"parsed_{name}")
    value = text.number(F.col(name), may_be_percent=name in SIGNED_COLUMNS)
    return value.alias(f"parsed_{name}")


def _null(kind: str) -> Column:
    return F.lit(None).cast(kind)


def _type(name: str) -> str:
    if name in MONTH_COLUMNS:
        return "date"
    if name in REAL_COLUMNS:
        return "double"
    return "bigint" if name in INTEGER_COLUMNS else "string"


def _typed(name: str, present: list[str], rate_divisor: float) -> Column:
    """A column as staging stores it."""
    if name not in present:
        return _null(_type(name))
    if name == "term":
        return text.term_months(F.col(name))
    if name == "emp_length":
        return text.employment_years(F.col(name))
    if name in FREE_TEXT_COLUMNS:
        trimmed = text.strip(F.col(name))
        return F.when(trimmed != "", trimmed)
    if not _is_parsed(name):
        return text.strip(F.col(name))
    value = F.col(f"parsed_{name}")
    if name == "int_rate":
        # Polars divides by a constant in this way; the last bit must be equal.
        return value * (1.0 / rate_divisor)
    return text.whole(value) if name in INTEGER_COLUMNS else value


def _broken_values(present: list[str]) -> list[Column]:
    """Flags of rows with values that their types cannot represent."""
    numbers = [_is_unreadable(name) for name in present if name in NUMBER_COLUMNS]
    months = [
        (F.col(name) != "") & F.col(f"parsed_{name}").isNull()
        for name in present
        if name in MONTH_COLUMNS
    ]
    words = F.lit(False)
    if "emp_length" in present:
        words = ~F.col("emp_length").isin(*EMPLOYMENT_WORDS, "")
    return [
        _any(numbers).alias("has_unreadable_number"),
        words.alias("has_unknown_emp_length"),
        _any(months).alias("has_mangled_date"),
    ]


def _any(flags: list[Column]) -> Column:
    # The greatest of booleans passes nulls over, and its code is cut into methods that fit the JVM.
    return F.greatest(F.lit(False), F.lit(False), *flags)


def _is_unreadable(name: str) -> Column:
    """A text that is no number, or not a whole one that 64 bits represent if the column counts."""
    value = F.col(f"parsed_{name}")
    if name in INTEGER_COLUMNS:
        wrong = value.isNotNull() & ((value != F.rint(value)) | text.whole(value).isNull())
    else:
        wrong = F.lit(False)
    return wrong | (value.isNull() & (text.strip(F.col(name)) != ""))


def _status(column: Column) -> Column:
    status = text.strip(text.without_prefix(column, OUTSIDE_POLICY))
    return text.strip(text.without_prefix(status, STATUS_PREFIX))
