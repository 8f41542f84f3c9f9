"""Every metric by name: its inputs and its computation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from pyspark.sql import DataFrame, SparkSession

from financial_pipeline.schemas.contract import MetricTable
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.spark.default_rates_by_grade import default_rates_by_grade
from financial_pipeline.spark.macro_correlations import macro_correlations
from financial_pipeline.spark.market_risk import market_risk
from financial_pipeline.spark.portfolio_summary import portfolio_summary
from financial_pipeline.spark.rating_transitions import rating_transitions
from financial_pipeline.spark.return_correlations import return_correlations
from financial_pipeline.spark.rolling_volatility import rolling_volatility
from financial_pipeline.spark.sharpe_ratios import sharpe_ratios
from financial_pipeline.spark.vintage_curves import vintage_curves

LOANS: Final = "fct_loans"
PERFORMANCE: Final = "fct_loan_performance_monthly"
PRICES: Final = "fct_daily_prices"
INDICATORS: Final = "agg_macro_indicators"
REJECTIONS: Final = "fct_loan_rejections"
# Marts that may be absent, and the columns of the empty table used instead.
OPTIONAL_INPUTS: Final = {REJECTIONS: "application_month date"}


@dataclass(frozen=True)
class Metric:
    """One metric: its marts in the order of its function's arguments, and the function."""

    function: Callable[..., DataFrame]
    inputs: tuple[str, ...]
    # Whether the function asks for the lag of the event dating.
    takes_lag: bool = False

    @property
    def table(self) -> MetricTable:
        """The table that the function fills."""
        return METRIC_TABLES[self.function.__name__]

    def compute(
        self,
        session: SparkSession,
        marts: Mapping[str, DataFrame],
        first: date,
        last: date,
        *,
        default_lag_months: int,
    ) -> DataFrame:
        """The rows of the partitions `first` to `last`; `marts` has the inputs that exist."""
        absent = {
            name: session.createDataFrame([], columns)
            for name, columns in OPTIONAL_INPUTS.items()
            if name in self.inputs and name not in marts
        }
        given = {**absent, **marts}
        lag = {"default_lag_months": default_lag_months} if self.takes_lag else {}
        return self.function(*(given[name] for name in self.inputs), first, last, **lag)


METRICS: Final[dict[str, Metric]] = {
    metric.function.__name__: metric
    for metric in (
        Metric(default_rates_by_grade, (LOANS,)),
        Metric(vintage_curves, (LOANS,), takes_lag=True),
        Metric(rating_transitions, (PERFORMANCE,)),
        Metric(
            portfolio_summary,
            (LOANS, "fct_loan_applications", PERFORMANCE, REJECTIONS),
        ),
        Metric(rolling_volatility, (PRICES,)),
        Metric(sharpe_ratios, (PRICES, INDICATORS)),
        Metric(market_risk, (PRICES,)),
        Metric(return_correlations, (PRICES,)),
        Metric(macro_correlations, (LOANS, PERFORMANCE, INDICATORS, PRICES), takes_lag=True),
    )
}
