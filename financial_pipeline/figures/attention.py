"""Findings to look at after a run, such as quarantined lines or restated prices."""

from typing import Any, Final

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.versions import reading
from financial_pipeline.publishing.views import connect, rows_if_published

QUARANTINED: Final = """
select coalesce(sum(physical_lines), 0)::bigint as lines
from marts.row_accounting
where category = 'quarantined'
"""
# The newest result of each check of each partition counts.
FAILING: Final = """
with newest as (
    select check_name, passed
    from operations.check_results
    qualify row_number() over (
        partition by asset_key, check_name, partition order by evaluated_at desc
    ) = 1
)

select check_name from newest where not passed order by check_name
"""
RESTATED: Final = "select symbol from marts.price_restatements order by symbol"
# Names listed in one sentence.
NAMED: Final = 3
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


def sentence(paths: Paths) -> str:
    """Name the findings that need attention and the page that shows each; empty if nothing does."""
    manifest = read_manifest(paths)
    with reading(paths, manifest.version), connect(paths, manifest) as connection:

        def found(table: str, query: str) -> list[dict[str, Any]]:
            return rows_if_published(connection, manifest, {table}, query)

        lines = sum(row["lines"] for row in found("exports/row_accounting", QUARANTINED))
        checks = [row["check_name"] for row in found("operations/check_results", FAILING)]
        prices = [row["symbol"] for row in found("exports/price_restatements", RESTATED)]
    parts = [
        f"{_count_of(lines, 'quarantined line')} (Health)" if lines else "",
        f"{_count_of(len(checks), 'failing check')} ({_names(checks)}: Health)" if checks else "",
        f"{_count_of(len(prices), 'restated price')} ({_names(prices)}: Market)" if prices else "",
    ]
    named = ", ".join(part for part in parts if part)
    return f"To look at in the dashboard: {named}." if named else ""


def _count_of(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _names(names: list[str]) -> str:
    different = list(dict.fromkeys(names))
    more = ["..."] if len(different) > NAMED else []
    return ", ".join([*different[:NAMED], *more])


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
