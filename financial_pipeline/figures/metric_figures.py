"""The `metrics` section of the figures: the tables, their cross-engine checks, and main rows."""

from typing import Any

import duckdb

from financial_pipeline.publishing.manifest import Manifest, PublishedTable
from financial_pipeline.publishing.views import rows_if_published

LAYER = "metrics"
MACRO_TABLE = f"{LAYER}/macro_correlations"
# The D1 vintage rate with unemployment in the same month, and with its change over the next twelve
# months, each in the newest vintage (methodology 4.3).
MACRO_ROWS = """
select
    as_of_month::varchar as as_of_month,
    credit_series,
    macro_series,
    lag_months,
    months,
    correlation,
    hac_low as low,
    hac_high as high,
    bootstrap_low,
    bootstrap_high,
    q_value,
    revised,
    caution
from metrics.macro_correlations
where
    credit_series = 'D1'
    and method = 'pearson'
    and (macro_series, lag_months) in (('unrate', 0), ('unrate_change_12m', -12))
qualify as_of_month = max(as_of_month) over ()
order by lag_months desc
"""
# The newest session of each bank.
MARKET_ROWS = """
select
    symbol,
    session_date::varchar as session_date,
    volatility_63d,
    returns_63d,
    sharpe_252d,
    excess_note,
    max_drawdown_252d,
    value_at_risk_95
from metrics.market_risk
left join metrics.rolling_volatility using (session_date, symbol)
left join metrics.sharpe_ratios using (session_date, symbol)
qualify row_number() over (partition by symbol order by session_date desc) = 1
order by symbol
"""
MARKET_TABLES = {
    f"{LAYER}/{name}" for name in ("market_risk", "rolling_volatility", "sharpe_ratios")
}


def metric_figures(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> dict[str, Any]:
    """Return `tables` with one entry per metric table, `macro_correlations` and `market`.

    A negative lag is a lead. The lists are empty if the metrics were not computed.
    """
    tables = [table for _, table in sorted(manifest.tables.items()) if table.layer == LAYER]
    return {
        "tables": [_table_figures(table) for table in tables],
        "macro_correlations": rows_if_published(connection, manifest, {MACRO_TABLE}, MACRO_ROWS),
        "market": rows_if_published(connection, manifest, MARKET_TABLES, MARKET_ROWS),
    }


def _table_figures(table: PublishedTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "partitions": table.facts.get("partitions"),
        "first_partition": table.facts.get("first_partition"),
        "last_partition": table.facts.get("last_partition"),
        "rows": table.rows,
        "content_hash": table.content_hash,
        "cross_engine_check": table.facts.get("cross_engine_check"),
    }
