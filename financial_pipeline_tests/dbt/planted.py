"""One fault for each data test, as SQL: the tests named by the keys must catch them."""

from typing import Final

ONE_LOAN: Final = "loan_key = (select min(loan_key) from marts.fct_loans)"


def _doubled(table: str, where: str) -> str:
    return f"insert into marts.{table} select * from marts.{table} where {where}"


def _dimension(name: str, key: str) -> dict[str, str]:
    table = f"dim_{name}"
    a_member = f"{key} = (select max({key}) from marts.{table})"
    return {
        f"{name}_keys_are_unique": _doubled(table, a_member),
        f"{name}_has_an_unknown_member": f"delete from marts.{table} where {key} = -1",
    }


def _set(table: str, change: str, where: str) -> str:
    return f"update marts.{table} set {change} where {where}"


def _loans(change: str, where: str = "true") -> str:
    """Change one loan that meets a condition."""
    chosen = f"loan_key = (select max(loan_key) from marts.fct_loans where {where})"
    return _set("fct_loans", change, chosen)


def _graded(grade: str, flag: int) -> str:
    return (
        f"insert into marts.fct_loans"
        f" select fct_loans.* replace ('{grade}' as grade, {flag} as default_d1)"
        f" from marts.fct_loans, range(60) where {ONE_LOAN}"
    )


DIMENSIONS: Final = {
    **_dimension("date", "date_key"),
    **_dimension("grade", "grade_key"),
    **_dimension("purpose", "purpose_key"),
    **_dimension("loan_status", "loan_status_key"),
    **_dimension("geography", "geography_key"),
    **_dimension("borrower_profile", "borrower_profile_key"),
    **_dimension("security", "security_key"),
    **_dimension("macro_series", "series_key"),
    "security_versions_follow_each_other": _set(
        "dim_security", "valid_to = valid_to + 1", "valid_to < date '9999-12-31'"
    ),
    "macro_series_versions_follow_each_other": _set(
        "dim_macro_series", "valid_to = valid_to - 1", "valid_to < date '9999-12-31'"
    ),
}
LOANS: Final = {
    "loans_are_unique": _doubled("fct_loans", ONE_LOAN),
    "loan_keys_exist": _loans("grade_key = 5"),
    "loan_codes_are_known": _loans("term_months = 48"),
    "loan_values_are_in_range": _loans("interest_rate = 0.9"),
    "loan_months_agree": _loans("maturity_month = issue_month"),
    "loan_money_adds_up": _loans("total_payment_usd = total_payment_usd + 1"),
    "default_flags_agree": _loans("default_d1 = 1", "not is_matured"),
    "loans_fund_at_most_the_request": _loans("loan_amount_usd = 1"),
    "default_rate_rises_with_grade": _graded("A", 1) + ";" + _graded("B", 0),
    "loan_months_follow_each_other": (
        f"delete from marts.fct_loan_performance_monthly where {ONE_LOAN} and months_on_book = 1"
    ),
    "loan_month_keys_exist": _set(
        "fct_loan_performance_monthly", "loan_status_key = 5", f"{ONE_LOAN} and months_on_book = 2"
    ),
    "loan_months_agree_with_themselves": _set(
        "fct_loan_performance_monthly", "interest_paid_usd = -1", ONE_LOAN
    ),
    "loan_applications_are_unique": _doubled("fct_loan_applications", ONE_LOAN),
    "loan_application_keys_exist": _set("fct_loan_applications", "loan_key = 5", "term = 60"),
    "loan_applications_are_plausible": _set("fct_loan_applications", "emp_length = 50", "true"),
    "rejections_are_unique": _doubled("fct_loan_rejections", "true"),
    "rejection_keys_exist": _set("fct_loan_rejections", "geography_key = 5", "true"),
    "rejections_are_plausible": _set("fct_loan_rejections", "risk_score = 5000", "true"),
}
MARKETS: Final = {
    "daily_prices_are_unique": _doubled("fct_daily_prices", "session_date = '2015-06-22'"),
    "daily_price_keys_exist": _set("fct_daily_prices", "security_key = 5", "symbol = 'MS'"),
    "daily_prices_are_positive": _set("fct_daily_prices", "adjusted_close = 0", "symbol = 'MS'"),
    "daily_prices_are_in_order": _set("fct_daily_prices", "high = low - 1", "symbol = 'MS'"),
    "market_bars_are_unique": _doubled("fct_market_bars", "session_date = '2015-06-22'"),
    "market_bar_keys_exist": _set("fct_market_bars", "security_key = 5", "symbol = 'MS'"),
    "market_bars_are_in_order": _set("fct_market_bars", "high = low - 1", "symbol = 'MS'"),
    "market_alerts_are_unique": _doubled("fct_market_alerts", "session_date = '2015-06-22'"),
    "market_alert_keys_exist": _set("fct_market_alerts", "security_key = 5", "symbol = 'MS'"),
    "market_alerts_are_plausible": _set("fct_market_alerts", "zscore = 1", "symbol = 'MS'"),
    "macro_releases_are_unique": _doubled("fct_macro_observations", "series_id = 'UNRATE'"),
    "macro_release_intervals_do_not_overlap": _set(
        "fct_macro_observations", "realtime_end = realtime_end + 9", "realtime_end < '2100-01-01'"
    ),
    "macro_observation_keys_exist": _set("fct_macro_observations", "series_key = 5", "true"),
    "macro_observations_are_plausible": _set("fct_macro_observations", "value = 60", "true"),
    "macro_indicators_are_unique": _doubled("agg_macro_indicators", "indicator_id = 'unrate'"),
    "macro_indicator_intervals_do_not_overlap": _set(
        "agg_macro_indicators", "realtime_end = realtime_end + 9", "realtime_end < '2100-01-01'"
    ),
    "macro_indicators_are_plausible": _set("agg_macro_indicators", "value = 500", "value > 0"),
}
PLANTED: Final = DIMENSIONS | LOANS | MARKETS

# The doubled rows are the fault of the counts, the world clock of the run that of the recency.
CAUGHT_AS_WELL: Final = {
    "loans_count_as_staged",
    "rejections_count_as_staged",
    "daily_prices_count_as_staged",
    "macro_observations_count_as_staged",
    "market_bars_count_as_staged",
    "market_alerts_count_as_staged",
    "daily_prices_are_recent",
    "macro_observations_are_recent",
}
