"""The pages of the dashboard: the purpose of each, and exactly the published tables it reads.

The app and the asset graph both read this list, so nothing in here imports Streamlit.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Page:
    """One page: its purpose, and the tables (`layer/name`) whose rows it reads."""

    description: str
    tables: tuple[str, ...]


PAGES: Final[dict[str, Page]] = {
    "portfolio": Page(
        "Performance of the loans: default and loss rates, grades, vintages, states, single loans.",
        (
            "metrics/portfolio_summary",
            "metrics/default_rates_by_grade",
            "metrics/vintage_curves",
            "exports/fct_loans",
            "exports/dim_geography",
            "exports/dim_purpose",
            "exports/dim_borrower_profile",
        ),
    ),
    "credit": Page(
        "How vintages age, how loans roll between states and recover, and who was turned away.",
        (
            "metrics/vintage_curves",
            "metrics/rating_transitions",
            "metrics/portfolio_summary",
            "metrics/default_rates_by_grade",
            "exports/fct_loans",
            "exports/dim_geography",
            "exports/dim_purpose",
            "exports/dim_borrower_profile",
            "exports/fct_loan_rejections",
        ),
    ),
    "market": Page(
        "Risk of the banks' shares: prices, volatility, Sharpe ratio, value at risk.",
        (
            "exports/fct_daily_prices",
            "metrics/rolling_volatility",
            "metrics/sharpe_ratios",
            "metrics/market_risk",
            "metrics/return_correlations",
            "exports/price_restatements",
        ),
    ),
    "macro": Page(
        "State of the economy, as it was known on a day, and its relation to defaults.",
        ("exports/agg_macro_indicators", "metrics/macro_correlations"),
    ),
    "model": Page(
        "Ranking and calibration of the default model, and its prediction for one loan.",
        (
            "ml/evaluation",
            "ml/evaluation_curves",
            "ml/evaluation_bins",
            "ml/evaluation_segments",
            "ml/scorecard_points",
            "ml/default_model",
            "ml/spark_agreement",
            "ml/scores",
            "ml/coefficients",
            "ml/drift",
            "ml/gates",
            "ml/model_card",
            "ml/fairness",
            "ml/threshold_table",
            "ml/threshold_summary",
            "exports/fct_loans",
        ),
    ),
    "decide": Page(
        "Where to draw the line between approving and declining, and what it costs and earns.",
        ("ml/threshold_table", "ml/threshold_summary"),
    ),
    "live": Page(
        "What the stream says now: bars, indicators, alerts, late and dead messages, parity.",
        (
            "stream/market_bars_1m",
            "stream/market_indicators_1m",
            "stream/market_alerts",
            "stream/late_messages",
            "stream/dead_letters",
            "stream/parity",
            "stream/status",
        ),
    ),
    "health": Page(
        "How fresh the data is, how runs and checks went, and where every line stayed.",
        (
            "operations/freshness",
            "operations/runs",
            "operations/check_results",
            "exports/row_accounting",
            "exports/loan_restatements",
        ),
    ),
}

# Published tables that no page draws, and the reason; the Health page exports every table.
DIMENSION: Final = "A dimension: the facts that the pages show contain its labels."
NOT_DRAWN: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "exports/dim_date",
            "exports/dim_grade",
            "exports/dim_loan_status",
            "exports/dim_security",
            "exports/dim_macro_series",
        ),
        DIMENSION,
    ),
    "exports/fct_loan_applications": "The inputs of the model: Model shows their coefficients.",
    "exports/fct_loan_performance_monthly": "Credit shows its sums: vintages and roll rates.",
    "exports/fct_macro_observations": "Macro shows the indicators that are made of it.",
    "exports/fct_market_bars": "The batch twin of the stream: Live shows that both are equal.",
    "exports/fct_market_alerts": "The batch twin of the stream's alerts, which Live shows.",
    "ml/training_set": "One row per loan: Model shows what was learned from it.",
}
