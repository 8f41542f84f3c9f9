"""What a loan row must keep to be staged, and the words it is written in (methodology 1.5).

Every engine that stages loans reads these; a rule that only describes the data (money identities,
FICO bands) is a test of the warehouse, not a reason to refuse a row.
"""

from datetime import date
from typing import Final

from financial_pipeline.schemas.lending_club import INTEGER_COLUMNS, REAL_COLUMNS

LOAN_STATUSES: Final = (
    "Fully Paid",
    "Charged Off",
    "Default",
    "Current",
    "In Grace Period",
    "Late (16-30 days)",
    "Late (31-120 days)",
    "Issued",
)
OUTSIDE_POLICY: Final = "Does not meet the credit policy."
STATUS_PREFIX: Final = "Status:"
TERMS: Final = (36, 60)
SUB_GRADES: Final = tuple(f"{grade}{digit}" for grade in "ABCDEFG" for digit in range(1, 6))
# Observed rates run from 5.31 to 30.99 per cent.
LOWEST_RATE: Final = 0.04
HIGHEST_RATE: Final = 0.36
OLDEST_CREDIT_LINE: Final = date(1930, 1, 1)
# Position = years; "n/a" comes after them.
EMPLOYMENT_WORDS: Final = (
    "< 1 year",
    "1 year",
    *(f"{years} years" for years in range(2, 10)),
    "10+ years",
    "n/a",
)
MOST_EMPLOYMENT_YEARS: Final = 10
# Typed by borrowers, who may leave nothing but blanks.
FREE_TEXT_COLUMNS: Final = ("emp_title", "title", "desc")
# Written "10.65%" in LoanStats files and 10.65 in the accepted file.
PERCENT_COLUMNS: Final = ("int_rate", "revol_util")
# Words that mean a number: read as text, then mapped.
WORDED_COLUMNS: Final = frozenset({"term", "emp_length"})
NUMBER_COLUMNS: Final = (REAL_COLUMNS | INTEGER_COLUMNS) - WORDED_COLUMNS
