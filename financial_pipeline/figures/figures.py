"""The main figures of the published version, for people and for programs.

The JSON form is documented in the README and kept stable; sections are added, never changed.
"""

from typing import Any

import polars as pl

from financial_pipeline.figures.metric_figures import metric_figures
from financial_pipeline.figures.model_figures import model_figures
from financial_pipeline.figures.stream_figures import stream_figures
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import Manifest, parquet_files, read_manifest
from financial_pipeline.publishing.views import connect, rows_if_published
from financial_pipeline.staging import row_accounting

SESSIONS_PER_YEAR = 252

DEFAULT_RATES = """
with flags as (
    unpivot (
        select
            grade,
            default_d0::integer as D0,
            default_d1::integer as D1,
            default_d2::integer as D2,
            default_d3_12::integer as D3_12,
            default_d3_24::integer as D3_24
        from marts.fct_loans
        where credit_policy_met
    ) on D0, D1, D2, D3_12, D3_24 into name definition value is_default
),
counted as (
    select definition, coalesce(grade, 'all') as grade, count(*) as n, sum(is_default) as bad
    from flags
    group by grouping sets ((definition, grade), (definition))
),
rated as (
    select *, bad / n as p, 1.959963984540054 as z from counted
)
select
    definition,
    grade,
    n::bigint as loans,
    bad::bigint as defaults,
    p as rate,
    greatest(0, (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
        / (1 + z * z / n)) as low,
    least(1, (p + z * z / (2 * n) + z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
        / (1 + z * z / n)) as high
from rated
order by definition, grade
"""

PRICES = f"""
with returns as (
    select
        symbol,
        session_date,
        adjusted_close / lag(adjusted_close) over (partition by symbol order by session_date) - 1
            as simple_return
    from marts.fct_daily_prices
    where adjusted_close is not null
)
select
    symbol,
    min(session_date)::varchar as first_date,
    max(session_date)::varchar as last_date,
    count(*)::bigint as sessions,
    stddev_samp(simple_return) * sqrt({SESSIONS_PER_YEAR}) as annualised_volatility
from returns
group by symbol
order by symbol
"""

MACRO = """
select
    series_id,
    observation_date::varchar as observation_date,
    value,
    realtime_start::varchar as as_of
from marts.fct_macro_observations
where realtime_end = date '9999-12-31' and value is not null
qualify row_number() over (partition by series_id order by observation_date desc) = 1
order by series_id
"""


def _row_accounting(paths: Paths, manifest: Manifest) -> list[dict[str, Any]]:
    if "exports/row_accounting" not in manifest.tables:
        return []
    files = parquet_files(paths, manifest.table("exports/row_accounting"))
    return row_accounting.by_file(pl.read_parquet(files))


def figures(paths: Paths) -> dict[str, Any]:
    """The main figures of the published version; raises PipelineError where there is none.

    Sections: version, world, default_rates, prices, macro, tables, row_accounting, metrics, model,
    stream.
    Rates and volatilities are fractions; loans outside the credit policy are left out of the
    rates; an absent dataset gives an empty section.
    """
    manifest = read_manifest(paths)
    with connect(paths, manifest) as connection:
        return {
            "version": manifest.version,
            "published_at": manifest.published_at,
            "world": manifest.world,
            "default_rates": rows_if_published(
                connection, manifest, {"exports/fct_loans"}, DEFAULT_RATES
            ),
            "prices": rows_if_published(connection, manifest, {"exports/fct_daily_prices"}, PRICES),
            "macro": rows_if_published(
                connection, manifest, {"exports/fct_macro_observations"}, MACRO
            ),
            "tables": [
                {
                    "name": table.name,
                    "layer": table.layer,
                    "rows": table.rows,
                    "content_hash": table.content_hash,
                    "folder": table.folder,
                }
                for _, table in sorted(manifest.tables.items())
                # They tell how runs went, which differs each time.
                if table.layer != "operations"
            ],
            "row_accounting": _row_accounting(paths, manifest),
            "metrics": metric_figures(connection, manifest),
            "model": model_figures(connection, manifest),
            "stream": stream_figures(connection, manifest),
        }
