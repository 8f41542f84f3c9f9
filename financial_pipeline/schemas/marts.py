"""The published marts: which dbt family builds each, and its key (the grain)."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Mart:
    """One published mart: `keys` identify a row, `event_date` is the column freshness asks."""

    family: str
    keys: tuple[str, ...]
    event_date: str | None = None
    # Numbers whose mean is compared with the version before; a large shift is a warning.
    watched: tuple[str, ...] = ()


MARTS: Final[dict[str, Mart]] = {
    "dim_date": Mart("shared", ("date_key",)),
    "dim_grade": Mart("shared", ("grade_key",)),
    "dim_loan_status": Mart("shared", ("loan_status_key",)),
    "dim_purpose": Mart("shared", ("purpose_key",)),
    "dim_borrower_profile": Mart("loans", ("borrower_profile_key",)),
    "dim_geography": Mart("shared", ("geography_key",)),
    "fct_loans": Mart(
        "loans", ("loan_key",), "snapshot_month", ("interest_rate", "funded_amount_usd")
    ),
    "fct_loan_applications": Mart("loans", ("loan_key",), "issue_month", ("int_rate", "dti")),
    "fct_loan_performance_monthly": Mart(
        "loans", ("loan_key", "performance_month"), "performance_month", ("closing_balance_usd",)
    ),
    "fct_loan_rejections": Mart(
        "rejections", ("rejection_key",), "application_date", ("amount_requested_usd",)
    ),
    "dim_security": Mart("prices", ("security_key",)),
    "fct_daily_prices": Mart(
        "prices", ("symbol", "session_date"), "session_date", ("adjusted_close",)
    ),
    "fct_market_bars": Mart(
        "market_bars", ("symbol", "window_start_at", "bar_seconds"), "session_date"
    ),
    "fct_market_alerts": Mart("market_bars", ("alert_id",), "session_date"),
    "dim_macro_series": Mart("macro", ("series_key",)),
    "fct_macro_observations": Mart(
        "macro", ("series_id", "observation_date", "realtime_start"), "observation_date"
    ),
    "agg_macro_indicators": Mart(
        "macro", ("indicator_id", "observation_date", "realtime_start"), "observation_date"
    ),
}
