"""The cases of prices and macro series with their right outcomes."""

from dataclasses import replace
from typing import Final

from financial_pipeline_tests.cases.table import Case, known

PRICES: Final = "select count(*) from marts.fct_daily_prices"
BREAKS: Final = "select max(scale_break) from marts.fct_daily_prices"
MISSING: Final = (
    "select max(session_number) - min(session_number) + 1 - count(*) from marts.fct_daily_prices"
    " where symbol = 'JPM'"
)
MISSING_RETURNS: Final = (
    "select count(*) from metrics.rolling_volatility where return_note = 'missing_session'"
)
# The largest return between consecutive sessions on one scale.
LARGEST: Final = (
    "select max(abs(change)) < 0.25 from (select adjusted_close / lag(adjusted_close) over bank - 1"
    " as change, session_number - lag(session_number) over bank as apart, scale_break from"
    " marts.fct_daily_prices window bank as (partition by symbol order by session_date))"
    " where apart = 1 and scale_break is null"
)
FUTURE: Final = ("future_session 1",)


def newest(column: str, table: str, symbol: str = "JPM") -> str:
    """Query a column of a metric on a bank's last session."""
    return (
        f"select {column} from metrics.{table} where symbol = '{symbol}'"
        " order by session_date desc limit 1"
    )


def on(day: str, column: str, table: str = "rolling_volatility", symbol: str = "JPM") -> str:
    """Query a column of a metric of a bank on one session."""
    return (
        f"select {column} from metrics.{table} where symbol = '{symbol}' and session_date = '{day}'"
    )


_CASES: Final = (
    Case(
        "p16a_gap_five",
        "no return over a gap, whole windows only, no old bill rate",
        (
            (on("2018-12-31", "volatility_252d"), 0.2214),
            (on("2018-01-02", "return_note"), "missing_session"),
            (on("2018-06-29", "volatility_252d"), None),
            (on("2019-12-31", "sharpe_252d", "sharpe_ratios"), None),
            (on("2019-12-31", "excess_note", "sharpe_ratios"), "bill_rate_too_old"),
            (MISSING, 503),
        ),
        ("JPM: 503 sessions without a price",),
        analytics=True,
    ),
    Case(
        "p17_four_banks",
        "three banks keep 502 returns; WFC says what it lacks",
        (
            (
                "select count(simple_return) from metrics.rolling_volatility where symbol = 'JPM'",
                502,
            ),
            (newest("value_at_risk_95", "market_risk"), 0.0174),
            (MISSING_RETURNS, 10),
        ),
        ("WFC: 10 sessions without a price",),
        analytics=True,
    ),
    Case("p27_weekly", "refused: not daily", texts=("prices are not daily",), exit_code=1),
    Case("p01_close_matrix", "refused: tickers", texts=("one column per ticker",), exit_code=1),
    Case(
        "p03_other_listing",
        "refused: other securities",
        texts=("JPM,BAC,C,WFC,GS,BAC-PK", "JPM.MX.csv"),
        exit_code=1,
    ),
    Case(
        "p11_hundred",
        "the row is quarantined as an error of the unit",
        ((LARGEST, True), (MISSING, 1)),
        ("unit_error 1",),
    ),
    Case(
        "p12b_split_no_overlap",
        "null return at the seam",
        ((BREAKS, "scale_unknown"), (LARGEST, True)),
    ),
    Case("p13_years", "null return at the seam", ((BREAKS, "dividend_unknown"), (LARGEST, True))),
    Case(
        "m01_quarterly",
        "released by the quarterly rule",
        (
            (known("UNRATE", "2020-04-01", "2020-05-15"), None),
            (known("UNRATE", "2020-04-01", "2020-07-31"), 13.0),
        ),
    ),
    Case(
        "m02_dots",
        "quarterly rule, pads are no observations",
        (
            (known("GCEC1", "2018-04-01", "2018-07-30"), None),
            (known("GCEC1", "2018-04-01", "2018-07-31"), 3303.0),
            ("select count(*) from marts.fct_macro_observations where series_id = 'GCEC1'", 12),
        ),
    ),
    Case(
        "s15_bill_monthly",
        "known after the month",
        (
            (known("DTB3", "2018-12-01", "2018-12-31"), None),
            (known("DTB3", "2018-12-01", "2019-01-18"), 2.365789),
        ),
    ),
    Case(
        "m03b_rebase_2023",
        "the newer copy ends the older; no growth between bases",
        (
            ("select max(abs(value)) < 40 from marts.agg_macro_indicators", True),
            (
                "select count(*) from marts.fct_macro_observations where series_id = 'GDPC1' and"
                " is_latest and observation_date = '2022-01-01'",
                1,
            ),
            (known("GDPC1", "2022-01-01", "2023-09-01"), 19924.088),
        ),
    ),
    Case(
        "m05_month_end",
        "dates become the period's first day",
        (
            (known("UNRATE", "2021-04-01", "2021-05-10"), 6.1),
            (known("GDPC1", "2021-04-01", "2021-07-31"), 21440.929),
            ("select max(day(observation_date)) from marts.fct_macro_observations", 1),
        ),
    ),
    Case(
        "m25_short_copy",
        "nothing is withdrawn",
        ((known("UNRATE", "2019-10-01", "2020-03-06"), 3.6),),
    ),
    Case(
        "m04d_gdppot_alfred",
        "projections are published",
        ((known("GDPPOT", "2026-10-01", "2025-01-17"), 23210.0),),
    ),
    Case("p20c_9999", "the row is quarantined", ((PRICES, 30),), FUTURE),
    Case("p20a_future", "the row is quarantined", ((PRICES, 30),), FUTURE),
    Case("p24_volume", "the row is quarantined", ((MISSING, 1),), ("implausible_volume 1",)),
    Case("p22_noise", "read: one tolerance", ((PRICES, 60),)),
    Case(
        "p04_zone",
        "dates are New York's",
        (
            (PRICES, 80),
            ("select min(session_date)::varchar from marts.fct_daily_prices", "2018-01-02"),
        ),
    ),
    Case("p23_comma", "refused as ambiguous", texts=("ambiguous_comma 60",), exit_code=1),
    Case("p26_mixed_dates", "the file is refused", texts=("168 of its 503 rows",), exit_code=1),
    Case("p07_twice", "one of both rows is kept", ((PRICES, 80),), ("repeated_session 1",)),
    Case(
        "p15_correction",
        "the later arrival wins on its days",
        (
            ("select close from marts.fct_daily_prices where session_date = '2018-03-15'", 56.83),
            (PRICES, 100),
            (
                "select count(*) from marts.price_restatements where reason = 'correction'"
                " and session_date = '2018-03-15' and field in ('close', 'adjusted_close')",
                2,
            ),
        ),
        then=("p15_correction_2",),
    ),
    Case(
        "m06a_type2",
        "read: exact vintages",
        (
            (known("UNRATE", "2019-10-01", "2019-10-31"), None),
            (known("UNRATE", "2019-10-01", "2019-11-01"), 3.6),
        ),
    ),
    *(
        Case(
            name,
            "read: exact vintages",
            (
                (known("CPIAUCSL", "2019-11-01", "2020-02-10"), 257.936),
                (known("CPIAUCSL", "2019-11-01", "2020-02-11"), 257.824),
                (known("CPIAUCSL", "2019-12-01", "2020-01-13"), None),
            ),
        )
        for name in ("m19a_alfred_zip", "m19b_alfred_csv")
    ),
)


def _in_folder(case: Case) -> Case:
    then = tuple(f"prices_macro/{name}" for name in case.then)
    return replace(case, folder=f"prices_macro/{case.folder}", then=then)


CASES: Final = tuple(map(_in_folder, _CASES))
