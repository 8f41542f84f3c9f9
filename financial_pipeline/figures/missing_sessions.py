"""Sessions of the exchange that published prices lack, a sentence for each bank."""

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.views import connect, rows_if_published

# Sessions between the first and the last price of a bank without one.
MISSING_SESSIONS = """
with followed as (
    select
        symbol,
        lag(session_date) over bank as before,
        session_date as after,
        session_number - lag(session_number) over bank - 1 as missing
    from marts.fct_daily_prices
    where adjusted_close is not null
    window bank as (partition by symbol order by session_date)
)
select
    symbol,
    sum(missing)::bigint as missing,
    min(before)::varchar as first,
    max(after)::varchar as last
from followed
where missing > 0
group by symbol
order by symbol
"""


def missing_sessions(paths: Paths) -> list[str]:
    """A sentence for each bank whose published prices lack sessions of the exchange."""
    manifest = read_manifest(paths)
    with connect(paths, manifest) as connection:
        tables = {"exports/fct_daily_prices"}
        rows = rows_if_published(connection, manifest, tables, MISSING_SESSIONS)
    return [
        f"{row['symbol']}: {row['missing']:,} sessions without a price between {row['first']} and"
        f" {row['last']}; no return spans them, and a window with fewer than 95% of its returns"
        " has no value"
        for row in rows
    ]
