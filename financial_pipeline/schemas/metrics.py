"""The metric tables: grain, columns, Spark types, and how exactly a second engine must agree.

Rates, returns, volatilities and correlations are fractions; a ratio without enough observations is
null. `partition` names the date column whose value is the partition key.
"""

from typing import Final, Literal

from financial_pipeline.schemas.contract import MetricColumn, MetricTable, Role

MONEY: Final = "decimal(18,2)"


def _of(type_: str, role: Role, *names: str) -> dict[str, MetricColumn]:
    return {name: MetricColumn(type_, role) for name in names}


def _metric(
    *,
    name: str,
    grain: str,
    domain: Literal["lending", "market", "macro"],
    partition: str,
    columns: dict[str, MetricColumn],
) -> MetricTable:
    """Return the contract of one metric table; files contain one year, as sessions are many."""
    return MetricTable(
        layer="metrics",
        name=name,
        grain=grain,
        keys=tuple(column for column, found in columns.items() if found.role == "key"),
        columns=columns,
        partition=partition,
        one_file_per="year",
        domain=domain,
    )


DEFAULT_RATES_BY_GRADE: Final = _metric(
    name="default_rates_by_grade",
    grain="One row per issue month, grade, term and default definition.",
    domain="lending",
    partition="issue_month",
    columns={
        **_of("date", "key", "issue_month"),
        **_of("string", "key", "grade"),
        **_of("int", "key", "term_months"),
        # D0, D1, D2, D3_12 or D3_24.
        **_of("string", "key", "definition"),
        # All loans of the cell that meet the credit policy, and those still paying.
        **_of("bigint", "integer", "originated_loans", "active_loans"),
        **_of("double", "ratio", "still_active_share"),
        # Loans whose outcome the definition knows.
        **_of("bigint", "integer", "loans", "defaults"),
        **_of("double", "ratio", "default_rate", "default_rate_low", "default_rate_high"),
        **_of(MONEY, "sum", "funded_usd", "defaulted_funded_usd"),
        **_of("double", "ratio", "default_rate_usd_weighted"),
    },
)

VINTAGE_CURVES: Final = _metric(
    name="vintage_curves",
    grain="One row per quarterly vintage, grade (and `all`), term and month on book.",
    domain="lending",
    partition="vintage_quarter",
    columns={
        **_of("date", "key", "vintage_quarter"),
        **_of("string", "key", "grade"),
        **_of("int", "key", "term_months", "months_on_book"),
        # Fixed denominator: all loans of the vintage.
        **_of("bigint", "integer", "loans", "loans_at_risk", "defaults", "payoffs"),
        **_of("bigint", "integer", "cumulative_defaults"),
        **_of("double", "ratio", "default_rate", "default_rate_low", "default_rate_high"),
        **_of("double", "ratio", "default_hazard", "cumulative_incidence"),
        # Treats a payoff as censoring: one minus it overstates the default rate.
        **_of("double", "ratio", "kaplan_meier_survival"),
    },
)

RATING_TRANSITIONS: Final = _metric(
    name="rating_transitions",
    grain="One row per snapshot month, source and pair of states a month apart.",
    domain="lending",
    partition="snapshot_month",
    columns={
        **_of("date", "key", "snapshot_month"),
        **_of("string", "key", "source", "from_state", "to_state"),
        **_of("bigint", "integer", "loans_from", "loans"),
        **_of("double", "ratio", "probability", "probability_low", "probability_high"),
        **_of(MONEY, "sum", "balance_from_usd", "balance_usd"),
        **_of("double", "ratio", "probability_usd_weighted"),
        **_of("string", "label", "basis"),
    },
)

PORTFOLIO_SUMMARY: Final = _metric(
    name="portfolio_summary",
    grain="One row per snapshot month, measure and segment.",
    domain="lending",
    partition="snapshot_month",
    columns={
        **_of("date", "key", "snapshot_month"),
        **_of("string", "key", "measure", "segment_kind", "segment"),
        **_of("double", "ratio", "value", "value_low", "value_high"),
        **_of("double", "sum", "numerator", "denominator"),
        **_of("bigint", "integer", "loans"),
        **_of("string", "label", "basis"),
    },
)

ROLLING_VOLATILITY: Final = _metric(
    name="rolling_volatility",
    grain="One row per session and bank.",
    domain="market",
    partition="session_date",
    columns={
        **_of("date", "key", "session_date"),
        **_of("string", "key", "symbol"),
        **_of("double", "ratio", "simple_return"),
        # Why there is no return (first_session, missing_session, dividend_unknown, scale_unknown),
        # or beyond_25_percent: a return to be judged by a person.
        **_of("string", "label", "return_note"),
        **_of("double", "ratio", "volatility_21d", "volatility_63d", "volatility_252d"),
        # Returns in each window; fewer than its sessions if prices are missing.
        **_of("bigint", "integer", "returns_21d", "returns_63d", "returns_252d"),
    },
)

SHARPE_RATIOS: Final = _metric(
    name="sharpe_ratios",
    grain="One row per session and bank.",
    domain="market",
    partition="session_date",
    columns={
        **_of("date", "key", "session_date"),
        **_of("string", "key", "symbol"),
        **_of("date", "label", "bill_observation_date"),
        # Per session, from the bill's bank-discount rate; excess returns are over it.
        **_of("double", "ratio", "bill_return", "excess_return"),
        # Why there is no excess return: that of the return, no_bill_rate or bill_rate_too_old.
        **_of("string", "label", "excess_note"),
        **_of("double", "ratio", "sharpe_252d", "sharpe_252d_standard_error"),
        # Excess returns in the window, and since the first session.
        **_of("bigint", "integer", "excess_returns_252d", "observations"),
        **_of("double", "ratio", "sharpe_full", "sharpe_full_standard_error"),
        # Allows for skewness and kurtosis.
        **_of("double", "ratio", "sharpe_full_standard_error_mertens"),
        **_of("double", "ratio", "sortino_full", "annual_growth_full"),
    },
)

MARKET_RISK: Final = _metric(
    name="market_risk",
    # The number of returns in a window is in rolling_volatility.
    grain="One row per session and bank.",
    domain="market",
    partition="session_date",
    columns={
        **_of("date", "key", "session_date"),
        **_of("string", "key", "symbol"),
        **_of("double", "ratio", "drawdown", "max_drawdown_full", "max_drawdown_252d"),
        # Against the equal-weighted return of the other banks.
        **_of("double", "ratio", "beta_252d"),
        # Losses are positive.
        **_of("double", "ratio", "value_at_risk_95", "expected_shortfall_95"),
        **_of("bigint", "integer", "forecasts", "hits"),
        **_of("double", "ratio", "kupiec_statistic", "kupiec_p_value"),
        **_of("double", "ratio", "christoffersen_statistic", "christoffersen_p_value"),
        **_of("double", "ratio", "conditional_coverage_statistic"),
        **_of("double", "ratio", "conditional_coverage_p_value"),
        # The first three leave out the overnight return; Yang-Zhang includes it.
        **_of("double", "ratio", "parkinson_63d", "garman_klass_63d", "rogers_satchell_63d"),
        **_of("double", "ratio", "yang_zhang_63d", "ewma_volatility"),
    },
)

RETURN_CORRELATIONS: Final = _metric(
    name="return_correlations",
    grain="One row per session and unordered pair of banks.",
    domain="market",
    partition="session_date",
    columns={
        **_of("date", "key", "session_date"),
        **_of("string", "key", "symbol_a", "symbol_b"),
        **_of("double", "ratio", "correlation_63d", "correlation_252d"),
        # Sessions of each window on which both banks have a return.
        **_of("bigint", "integer", "common_returns_63d", "common_returns_252d"),
    },
)

MACRO_CORRELATIONS: Final = _metric(
    name="macro_correlations",
    grain="One row per as-of month, credit series, macro series, lag and method.",
    domain="macro",
    partition="as_of_month",
    columns={
        **_of("date", "key", "as_of_month"),
        **_of("string", "key", "credit_series", "macro_series"),
        # Months from the macro observation to the credit month; a negative lag is a lead.
        **_of("int", "key", "lag_months"),
        # pearson or spearman.
        **_of("string", "key", "method"),
        **_of("bigint", "integer", "months"),
        **_of("double", "ratio", "correlation", "hac_low", "hac_high", "hac_p_value"),
        **_of("double", "ratio", "q_value"),
        **_of("double", "drawn", "bootstrap_low", "bootstrap_high"),
        # Leads and the same month use the vintage that was current at the as-of month.
        **_of("boolean", "label", "revised"),
        # The newest release among the values used; never after the as-of month.
        **_of("date", "label", "newest_release"),
        # Levels correlate by trend alone.
        **_of("boolean", "label", "is_descriptive"),
        **_of("string", "label", "caution"),
    },
)

METRIC_TABLES: Final[dict[str, MetricTable]] = {
    table.name: table
    for table in (
        DEFAULT_RATES_BY_GRADE,
        VINTAGE_CURVES,
        RATING_TRANSITIONS,
        PORTFOLIO_SUMMARY,
        ROLLING_VOLATILITY,
        SHARPE_RATIOS,
        MARKET_RISK,
        RETURN_CORRELATIONS,
        MACRO_CORRELATIONS,
    )
}
