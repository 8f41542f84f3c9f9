"""Daily returns of the banks on the exchange's sessions: the input of every market metric.

`session_number` counts the sessions of the exchange calendar, so two prices are a session apart
if and only if their numbers are, and a window of n sessions is a range of n numbers.
"""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import read_columns

PRICE_COLUMNS: Final = (
    "symbol",
    "session_date",
    "session_number",
    "adjusted_close",
    "scale_break",
)
# Sessions per year: what daily means and deviations are annualised with.
ANNUAL_SESSIONS: Final = 252
# A window has a value if at least 19 of 20 of its sessions have an observation.
COVERAGE: Final = (19, 20)
# A return beyond this, in either direction, is flagged.
FLAGGED_RETURN: Final = 0.25
# The scale of the adjusted closes before and after such a session is not the same.
UNKNOWN_SCALE: Final = "scale_unknown"
# A deviation below this, per session, is a flat price seen through rounding.
FLAT_DEVIATION: Final = 1e-12


def simple_returns(prices: DataFrame, *also: str) -> DataFrame:
    """One row per bank and session: PRICE_COLUMNS, `also`, simple_return and return_note.

    `prices` is fct_daily_prices. The return is P_t / P_(t-1) - 1 on adjusted closes (methodology
    3.2) and null without a price in the session before on the same scale: prices are never carried
    forward. `return_note` is the reason why there is none, or `beyond_25_percent`; `has_return` is
    true if there is one; `scale` counts the breaks of scale so far.
    """
    priced = read_columns(prices, (*PRICE_COLUMNS, *also), "fct_daily_prices").filter(
        F.col("adjusted_close") > 0
    )
    of_bank = Window.partitionBy("symbol").orderBy("session_date")
    apart = F.col("session_number") - F.lag("session_number").over(of_bank)
    unknown = F.count_if(F.col("scale_break") == UNKNOWN_SCALE)
    change = F.col("adjusted_close") / F.lag("adjusted_close").over(of_bank) - 1
    broken = (
        F.when(apart.isNull(), F.lit("first_session"))
        .when(apart > 1, F.lit("missing_session"))
        .otherwise(F.col("scale_break"))
    )
    noted = priced.withColumns(
        {"return_note": broken, "change": change, "scale": unknown.over(of_bank)}
    )
    returns = noted.withColumn(
        "simple_return", F.when(F.col("return_note").isNull(), F.col("change"))
    )
    flag = F.when(F.abs("simple_return") > FLAGGED_RETURN, F.lit("beyond_25_percent"))
    return returns.withColumns(
        {
            "return_note": F.coalesce("return_note", flag),
            "has_return": F.col("simple_return").isNotNull(),
        }
    ).drop("change")


def in_order(present: str) -> WindowSpec:
    """The rows of a bank that `present` flags, by session."""
    return Window.partitionBy("symbol", present).orderBy("session_number")


def last_sessions(count: int, present: str = "has_return") -> WindowSpec:
    """The rows of a bank in the last `count` sessions that `present` flags."""
    return in_order(present).rangeBetween(-(count - 1), Window.currentRow)


def all_observations(present: str = "has_return") -> WindowSpec:
    """The window of all rows of a bank so far that `present` flags."""
    return in_order(present).rowsBetween(Window.unboundedPreceding, Window.currentRow)


def least_observations(count: int) -> int:
    """The observations that a window of `count` sessions needs, 95% of them rounded up."""
    least, of = COVERAGE
    return -(-count * least // of)


def is_covered(observations: Column, first_number: Column, count: int) -> Column:
    """Whether a window of `count` sessions starts after the first one and is covered by 95%."""
    is_whole = F.col("session_number") - first_number >= count - 1
    return is_whole & (observations >= least_observations(count))


def first_number(present: str) -> Column:
    """The session number of the first row of a bank that `present` flags."""
    return F.min("session_number").over(all_observations(present))


def looking_back(frame: DataFrame, first: date, sessions: int) -> DataFrame:
    """The rows of each bank from `first` on, and those that a window of `sessions` reads for them.

    Values that need the whole history are columns by then: windows of many rows over it cost
    seconds.
    """
    is_asked = F.col("session_date") >= F.lit(first)
    number = F.min(F.when(is_asked, F.col("session_number"))).over(Window.partitionBy("symbol"))
    return (
        frame.withColumn("first_asked", number)
        .filter(F.col("session_number") > F.col("first_asked") - sessions)
        .drop("first_asked")
    )


def when_covered(value: Column, present: str, count: int, first: Column | None = None) -> Column:
    """The value if the last `count` sessions are covered by rows that `present` flags.

    `first` is their `first_number`, where the rows begin later than the history.
    """
    first = first_number(present) if first is None else first
    observations = F.count("session_number").over(last_sessions(count, present))
    return F.when(is_covered(observations, first, count), value)
