"""The main figures of the published version, for people and for programs.

`docs/commands.md` documents the JSON form, which is stable: sections are added, never changed.
"""

from typing import Any

import polars as pl

from financial_pipeline.figures import default_rates
from financial_pipeline.figures.metric_figures import metric_figures
from financial_pipeline.figures.model_figures import model_figures
from financial_pipeline.figures.stream_figures import stream_figures
from financial_pipeline.figures.synthetic import synthetic_rows
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import Manifest, read_version
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline.publishing.versions import reading
from financial_pipeline.publishing.views import connect, rows_if_published
from financial_pipeline.staging import row_accounting

SESSIONS_PER_YEAR = 252

RETURNS = "metrics.rolling_volatility"
# The same returns for a version without metrics.
RETURNS_OF_PRICES = """(
    select
        symbol,
        case
            when session_number = lag(session_number) over bank + 1 and scale_break is null
                then adjusted_close / lag(adjusted_close) over bank - 1
        end as simple_return
    from marts.fct_daily_prices
    where adjusted_close is not null
    window bank as (partition by symbol order by session_date)
)"""
# First and last session from the prices, the volatility from the returns.
PRICES = """
with returns as (
    select
        symbol,
        stddev_samp(simple_return) * sqrt({sessions}) as annualised_volatility,
        count(*) filter (where abs(simple_return) > 0.25)::bigint as flagged_returns
    from {returns}
    group by symbol
)
select
    symbol,
    min(session_date)::varchar as first_date,
    max(session_date)::varchar as last_date,
    count(*)::bigint as sessions,
    (max(session_number) - min(session_number) + 1 - count(*))::bigint as missing_sessions,
    count(scale_break)::bigint as scale_breaks,
    any_value(flagged_returns) as flagged_returns,
    any_value(annualised_volatility) as annualised_volatility
from marts.fct_daily_prices
left join returns using (symbol)
where adjusted_close is not null
group by symbol
order by symbol
"""
PRICE_TABLES = {"exports/fct_daily_prices"}

MACRO_TABLES = {"exports/fct_macro_observations"}
MACRO = """
select
    series_id,
    observation_date::varchar as observation_date,
    value,
    realtime_start::varchar as as_of,
    pit_method
from marts.fct_macro_observations
where realtime_end = date '9999-12-31' and value is not null
qualify row_number() over (partition by series_id order by observation_date desc) = 1
order by series_id
"""


def _prices(manifest: Manifest) -> str:
    returns = RETURNS if "metrics/rolling_volatility" in manifest.tables else RETURNS_OF_PRICES
    return PRICES.format(sessions=SESSIONS_PER_YEAR, returns=returns)


def _row_accounting(paths: Paths, manifest: Manifest) -> list[dict[str, Any]]:
    if "exports/row_accounting" not in manifest.tables:
        return []
    files = whole_files(paths, manifest.table("exports/row_accounting"))
    return row_accounting.by_file(pl.read_parquet(files))


def figures(paths: Paths, version: str | None = None) -> dict[str, Any]:
    """Return the main figures of a kept version, by default the current; PipelineError if none.

    Sections are those of `docs/commands.md`; `synthetic` has the tables with simulated rows.
    Prices count sessions of the exchange without a price, breaks of scale between files and returns
    beyond 25%. Rates and volatilities are fractions and come from the metrics; a version
    without metrics is counted from its marts. Rates exclude loans outside the credit policy. A
    section is empty if its table is not published.
    """
    manifest = read_version(paths, version)
    with reading(paths, manifest.version), connect(paths, manifest) as connection:
        rates = default_rates.default_rates(
            rows_if_published(connection, manifest, *default_rates.counts(manifest.tables))
        )
        return {
            "version": manifest.version,
            "published_at": manifest.published_at,
            "world": manifest.world,
            "default_rates": rates,
            "default_rates_note": default_rates.resolved_only(rates),
            "prices": rows_if_published(connection, manifest, PRICE_TABLES, _prices(manifest)),
            "macro": rows_if_published(connection, manifest, MACRO_TABLES, MACRO),
            "tables": [
                {
                    "name": table.name,
                    "layer": table.layer,
                    "rows": table.rows,
                    "content_hash": table.content_hash,
                    "folder": table.folder,
                }
                for _, table in sorted(manifest.tables.items())
                # Rows about runs differ each time.
                if table.layer != "operations"
            ],
            "row_accounting": _row_accounting(paths, manifest),
            "metrics": metric_figures(connection, manifest),
            "model": model_figures(connection, manifest),
            "stream": stream_figures(connection, manifest),
            "synthetic": synthetic_rows(connection, manifest),
        }
