"""The rules of a loan row and their vocabulary (methodology 1.5).

Every engine that stages loans reads these. Every bound that a later layer tests is a rule here, so
that a row which breaks one is quarantined with its file and line.
"""

from datetime import date
from typing import Final

from financial_pipeline.schemas.lending_club import INTEGER_COLUMNS, LOAN_COLUMNS, REAL_COLUMNS

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
# After these, nothing is paid by schedule any more.
OVER: Final = ("Fully Paid", "Charged Off", "Default")
# With this many loans younger than their term and none of them live, the file contains resolved
# loans only. Fewer may all have been repaid early.
MANY_YOUNG: Final = 100
OUTSIDE_POLICY: Final = "Does not meet the credit policy."
STATUS_PREFIX: Final = "Status:"
TERMS: Final = (36, 60)
SUB_GRADES: Final = tuple(f"{grade}{digit}" for grade in "ABCDEFG" for digit in range(1, 6))
# Observed rates run from 5.31 to 30.99 per cent.
LOWEST_RATE: Final = 0.04
HIGHEST_RATE: Final = 0.36
OLDEST_CREDIT_LINE: Final = date(1930, 1, 1)
# Upstream was founded in 2006.
OLDEST_CREDIT_PULL: Final = date(2006, 1, 1)
# From the issue to this many months after the snapshot: a plan or the next payment may be ahead.
EVENT_MONTHS: Final = (
    "next_pymnt_d",
    "hardship_start_date",
    "hardship_end_date",
    "payment_plan_start_date",
    "debt_settlement_flag_date",
    "settlement_date",
)
LATEST_EVENT_MONTHS: Final = 12
# Position = years; "n/a" comes after them.
EMPLOYMENT_WORDS: Final = (
    "< 1 year",
    "1 year",
    *(f"{years} years" for years in range(2, 10)),
    "10+ years",
    "n/a",
)
MOST_EMPLOYMENT_YEARS: Final = 10
# Typed by borrowers, who may enter only blanks.
FREE_TEXT_COLUMNS: Final = ("emp_title", "title", "desc")
# Written "10.65%" in LoanStats files and 10.65 in the accepted file.
SIGNED_COLUMNS: Final = ("int_rate", "revol_util")
# Per cent in every upstream file, with or without a sign.
PERCENT_COLUMNS: Final = (
    "int_rate",
    "revol_util",
    "dti",
    "dti_joint",
    "il_util",
    "all_util",
    "bc_util",
    "pct_tl_nvr_dlq",
    "percent_bc_gt_75",
    "sec_app_revol_util",
    "settlement_percentage",
)
# Words that stand for a number: read as text, then mapped.
WORDED_COLUMNS: Final = frozenset({"term", "emp_length"})
NUMBER_COLUMNS: Final = (REAL_COLUMNS | INTEGER_COLUMNS) - WORDED_COLUMNS
# Dollars and counts, which never have three decimals.
DOLLAR_COLUMNS: Final = NUMBER_COLUMNS - frozenset(PERCENT_COLUMNS)
# Missing values as R, SQL tools, spreadsheets and SAS write them, in lower case.
MISSING_WORDS: Final = (
    "na",
    "n/a",
    "null",
    "nan",
    "none",
    "nat",
    "<na>",
    "(null)",
    "#n/a",
    "#null!",
    "\\n",
    ".",
    "-",
    "--",
    "?",
    "missing",
    "(blank)",
)
HOME_OWNERSHIPS: Final = ("RENT", "MORTGAGE", "OWN", "OTHER", "NONE", "ANY")
VERIFICATION_STATUSES: Final = ("Not Verified", "Source Verified", "Verified")
APPLICATION_TYPES: Final = ("Individual", "INDIVIDUAL", "Joint App", "JOINT")
# The members of the dimensions dim_purpose and dim_geography.
PURPOSES: Final = tuple(
    """
    car credit_card debt_consolidation educational home_improvement house major_purchase medical
    moving other renewable_energy small_business vacation wedding
    """.split()
)
STATES: Final = tuple(
    """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM
    NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY
    """.split()
)
# Codes of a column: another case is read as the code, and another word is no code.
CODES: Final[dict[str, tuple[str, ...]]] = {
    "loan_status": LOAN_STATUSES,
    "grade": tuple("ABCDEFG"),
    "sub_grade": SUB_GRADES,
    "home_ownership": HOME_OWNERSHIPS,
    "verification_status": VERIFICATION_STATUSES,
    "application_type": APPLICATION_TYPES,
    "purpose": PURPOSES,
    "addr_state": STATES,
}
# Words of upstream's files before 2015, in lower case, and their codes today.
OLDER_CODES: Final[dict[str, dict[str, str]]] = {
    "verification_status": {
        "verified - income": "Verified",
        "verified - income source": "Source Verified",
    },
}
# Codes that the facts list; another word breaks a rule.
CHECKED_CODES: Final = ("home_ownership", "verification_status", "application_type")
# A spreadsheet shows long ids as 2.7E+08: their last digits are gone.
SCIENTIFIC_ID: Final = r"^[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$"
# Codes that the facts map to an unknown member: counted, and shown.
COUNTED_CODES: Final = ("purpose", "addr_state")
# Dollars that every fact needs.
REQUIRED_DOLLARS: Final = (
    "funded_amnt",
    "installment",
    "out_prncp",
    "total_pymnt",
    "total_rec_prncp",
    "total_rec_int",
    "total_rec_late_fee",
    "recoveries",
    "collection_recovery_fee",
)
# The parts of total_pymnt.
PAYMENT_PARTS: Final = ("total_rec_prncp", "total_rec_int", "total_rec_late_fee", "recoveries")
# Dollars: four parts rounded to cents add two cents to upstream's own one, and binary noise.
PAYMENT_TOLERANCE: Final = 0.0301
# Dollars: noise of upstream's sums is far above the first, no amount is near the second.
SMALLEST_DOLLARS: Final = -0.01
LARGEST_DOLLARS: Final = 1e9
# Dollars: smaller amounts are below a cent, and a fact reads 0 as an income that was not stated.
SMALLEST_INCOME: Final = 0.01
# Dollars: upstream lends 500 to 40,000.
SMALLEST_LOAN: Final = 100.0
LARGEST_LOAN: Final = 100_000.0
# Principal received may exceed the loan by capitalised interest, not by more than this share: where
# few rows of a file do, they are typing errors.
LARGEST_PRINCIPAL_SHARE: Final = 1.1
# The share of a file of which more than a few rows do: they are counted, not refused.
ANY_PRINCIPAL_SHARE: Final = 1e9
# All installments over the loan: at least the loan, and never three times it at any rate and term.
SMALLEST_REPAYMENT: Final = 0.9
LARGEST_REPAYMENT: Final = 3.0
# Counts, months and whole dollars, none of which is ever negative.
COUNTS: Final = tuple(name for name in LOAN_COLUMNS if name in INTEGER_COLUMNS - WORDED_COLUMNS)
# Per cent: upstream's largest is 892.3 for the loan itself, and 1,000 of the other columns.
HIGHEST_UTILISATION: Final = 1_000
# Unlike `dti`, in which upstream writes -1 and 999, these have no value of another meaning.
SHARES: Final = tuple(
    name for name in PERCENT_COLUMNS if name not in ("int_rate", "revol_util", "dti", "dti_joint")
)
LOWEST_FICO: Final = 300
HIGHEST_FICO: Final = 850
# Known at origination, present in every layout, and never restated by a later snapshot.
FINGERPRINT_COLUMNS: Final = tuple(
    """
    issue_d loan_amnt funded_amnt term int_rate installment grade sub_grade purpose zip_code
    addr_state home_ownership emp_length annual_inc dti delinq_2yrs earliest_cr_line
    inq_last_6mths open_acc pub_rec revol_bal total_acc
    """.split()
)
