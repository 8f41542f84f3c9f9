"""Loans whose values break a rule, or nearly: each a sound loan with one column changed."""

from typing import Final

from financial_pipeline_tests.loan_text import loan

# Every way to write a number that some parser takes and another does not.
NUMBERS: Final = (
    "5|5.0|5.|.5|+5|-5|-0.0|1e3|1E+03|5.e1|007|4.9e-325|0.1|123456.789|1e22|1e-7|"
    "2.2250738585072014e-308|9007199254740993|.|+|e5|1e|1e+|--1|1_0|1,0|1 0|1d|1f|1D|1L|"
    "0x10|0x1p3|inf|-inf|Infinity|nan|NaN|1e400|1e300|7.5|½|٣|9223372036854775807|"
    "-9223372036854775808|9223372036854774784|null|None| 5.0|5.0 |\xa05.0|\t5.0\u2003| |"
    "   |\u200b5|5%| 5.5% |5 %"
).split("|")
MONTHS: Final = (
    "Dec-2015|dec-2015|DEC-2015|18-Dec|Dec-15| Dec-2015|Dec-2015 |Sept-2015|Dec-1899|"
    "Jan-1900|Dec-2099|Jan-2100|2015-12-01|Dec 2015|12-2015|De-2015|JanF-2015|anF-2015|"
    "Dec-02015| "
).split("|")
WORDS: Final = {
    "term": (
        " 36 months",
        "36 months",
        "36",
        "36.0",
        "60 months ",
        "\u00a060 months",
        "48",
        "36.5",
        "36months",
        " 36  months",
        "months",
        "036",
        " ",
    ),
    "emp_length": ("< 1 year", "1 year", "10+ years", "n/a", "1 years", " 1 year", "eleven", " "),
    "loan_status": (
        "Fully Paid",
        " Fully Paid ",
        "Does not meet the credit policy. Status:Default",
        "Does not meet the credit policy.  Status: Charged Off",
        "Status:Current",
        "Paid",
        " Does not meet the credit policy. Status:Default",
        "Does not meet the credit policy.",
        "default",
        " ",
    ),
    "grade": ("C", " C", "c", "B", " ", "C4"),
    "sub_grade": ("C1", "C6", "c4", "B4", " C4 ", " "),
    "id": ("1001.0", "1001", " 1002 ", "1001.00", " ", "x.0"),
    "emp_title": (" Nurse ", "\u2003Nurse\u00a0", "   ", "a\u200b ", "Ärztin, Kinder"),
    "purpose": (" car ", " ", "small_business"),
    "int_rate": ("3.99", "4", "36", "36.01", "13.99%", " 13.99 %"),
}
# Values at and beyond the bounds of a column.
BOUNDED: Final = {
    "annual_inc": ("0", "0.004", "0.01"),
    "annual_inc_joint": ("-1", "0.004", "1e9", "1e17"),
    "loan_amnt": ("0", "99", "100", "100000", "400000"),
    "sec_app_earliest_cr_line": ("Jan-2091", "Jan-1903", "Dec-2015"),
    "last_credit_pull_d": ("Mar-1919", "Jan-2006"),
    "mort_acc": ("-5", "0"),
    "mths_since_last_delinq": ("-3", "0"),
    "bc_util": ("-1", "1000", "5000000"),
}


def odd_loans() -> list[dict[str, str]]:
    """One loan for each odd value, and for each value that is absent."""
    changes = [
        *((name, value) for name in ("annual_inc", "open_acc", "revol_util") for value in NUMBERS),
        *((name, value) for name in ("issue_d", "last_pymnt_d") for value in MONTHS),
        *(
            ("earliest_cr_line", value)
            for value in ("Jan-2016", "Dec-1929", "Jan-1930", "Dec-2015")
        ),
        *(("issue_d", value) for value in ("May-2007", "Jun-2007")),
        *((name, value) for name, values in BOUNDED.items() for value in values),
        *((name, value) for name, values in WORDS.items() for value in values),
        *((name, "") for name in ("id", "loan_amnt", "loan_status", "issue_d", "term", "grade")),
        *((name, "") for name in ("sub_grade", "int_rate", "emp_length", "earliest_cr_line")),
    ]
    early = {"earliest_cr_line": "Jan-1999"}
    return [loan(number, **(early | {name: value})) for number, (name, value) in enumerate(changes)]
