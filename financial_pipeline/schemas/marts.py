"""The published marts: which dbt family builds each, and its key (the grain)."""

from typing import Any, Final

from financial_pipeline.schemas.contract import Table


def _mart(
    name: str,
    family: str,
    keys: tuple[str, ...],
    event_date: str | None = None,
    watched: tuple[str, ...] = (),
) -> Table[Any]:
    return Table(
        layer="exports",
        name=name,
        grain=f"One row per {', '.join(keys)}.",
        keys=keys,
        family=family,
        event_date=event_date,
        watched=watched,
    )


MARTS: Final[dict[str, Table[Any]]] = {
    mart.name: mart
    for mart in (
        _mart("dim_date", "shared", ("date_key",)),
        _mart("dim_grade", "shared", ("grade_key",)),
        _mart("dim_loan_status", "shared", ("loan_status_key",)),
        _mart("dim_purpose", "shared", ("purpose_key",)),
        _mart("dim_borrower_profile", "loans", ("borrower_profile_key",)),
        _mart("dim_geography", "shared", ("geography_key",)),
        _mart(
            "fct_loans",
            "loans",
            ("loan_key",),
            "snapshot_month",
            ("interest_rate", "funded_amount_usd"),
        ),
        _mart("fct_loan_applications", "loans", ("loan_key",), "issue_month", ("int_rate", "dti")),
        _mart(
            "fct_loan_performance_monthly",
            "loans",
            ("loan_key", "performance_month"),
            "performance_month",
            ("closing_balance_usd",),
        ),
        _mart(
            "fct_loan_rejections",
            "rejections",
            ("rejection_key",),
            "application_date",
            ("amount_requested_usd",),
        ),
        _mart("dim_security", "prices", ("security_key",)),
        _mart(
            "fct_daily_prices",
            "prices",
            ("symbol", "session_date"),
            "session_date",
            ("adjusted_close",),
        ),
        _mart(
            "fct_market_bars",
            "market_bars",
            ("symbol", "window_start_at", "bar_seconds"),
            "session_date",
        ),
        _mart("fct_market_alerts", "market_bars", ("alert_id",), "session_date"),
        _mart("dim_macro_series", "macro", ("series_key",)),
        _mart(
            "fct_macro_observations",
            "macro",
            ("series_id", "observation_date", "realtime_start"),
            "observation_date",
        ),
        _mart(
            "agg_macro_indicators",
            "macro",
            ("indicator_id", "observation_date", "realtime_start"),
            "observation_date",
        ),
    )
}
