"""The figures of the Health page: published tables, their freshness, checks and runs."""

import json
import os
from datetime import UTC, datetime
from typing import Final

import polars as pl

from financial_pipeline.dashboard import line_figures
from financial_pipeline.dashboard.data import Release, age_days
from financial_pipeline.dashboard.elements import Card

CHECKS: Final = "operations/check_results"
RUNS: Final = "operations/runs"
FRESHNESS: Final = "operations/freshness"
# Target of the links to assets; `financial-pipeline dev --port` sets the variable.
DAGSTER_VARIABLE: Final = "FINANCIAL_PIPELINE_DAGSTER_URL"
DAGSTER_ADDRESS: Final = "http://127.0.0.1:3000"
# The version of a table is the moment at which it was built.
MARKS: Final = {"fresh": "✓ fresh", "overdue": "✗ overdue", "unknown": "– unknown"}

STATES = """
select * from operations.freshness
order by array_position(['overdue', 'fresh', 'unknown'], state), asset_key
"""
LAST_RUNS = """
select started_at, job, status, seconds, partitions, error, run_id
from operations.runs
order by started_at desc
limit 200
"""
# The newest result of each check of each partition.
NEWEST_CHECKS = """
select * exclude (run_id, description, metadata_json), description, metadata_json
from operations.check_results
qualify row_number() over (
    partition by asset_key, check_name, partition order by evaluated_at desc
) = 1
order by passed, blocking desc, asset_key, check_name
"""
CHECK_HISTORY = """
select
    date_trunc('hour', evaluated_at) as hour,
    case when passed then 'passed' else 'failed' end as result,
    count(*)::bigint as checks
from operations.check_results
group by all
order by hour
"""


# Keys of dbt's metadata that do not describe the data.
NOT_SHOWN: Final = frozenset({"Execution Duration", "invocation_id", "status", "unique_id"})
FAILED_ROWS: Final = "dagster_dbt/failed_row_count"
STAYS: Final = (
    "The table stays at its last version: repair the input, or leave it out with"
    " `financial-pipeline withdraw FILE`, and run the job again."
)
JUDGE: Final = "The table is published: judge its figures before you use them."
# The severity of a failed check, in words; a check that passes has none.
STOPS: Final = "error, stops the table"
ERROR: Final = "error, stops nothing"
WARNING: Final = "warning"


def checks(release: Release) -> pl.DataFrame:
    """Return the newest result of each check, with its findings and what to do, in words."""
    rows = release.rows(NEWEST_CHECKS, CHECKS)
    failed = ~pl.col("passed")
    advice = (
        pl.when(failed & pl.col("blocking")).then(pl.lit(STAYS)).when(failed).then(pl.lit(JUDGE))
    )
    found = pl.Series("found", [findings(text) for text in rows["metadata_json"]], pl.String)
    severity = (
        pl.when(failed & pl.col("blocking"))
        .then(pl.lit(STOPS))
        .when(failed & (pl.col("severity") == "ERROR"))
        .then(pl.lit(ERROR))
        .when(failed)
        .then(pl.lit(WARNING))
    )
    judged = rows.with_columns(severity.alias("severity"), found, advice.alias("what_to_do"))
    return judged.drop("metadata_json", "blocking")


def findings(metadata_json: str | None) -> str:
    """Return a check's metadata as words: `failed rows 3, largest difference 0.1`."""
    metadata = json.loads(metadata_json or "{}")
    words = []
    for name, value in metadata.items():
        if name in NOT_SHOWN:
            continue
        label = "failed rows" if name == FAILED_ROWS else name.split("/")[-1].replace("_", " ")
        if isinstance(value, dict):
            text = "; ".join(f"{key} {one}" for key, one in value.items())
        elif isinstance(value, list):
            text = "; ".join(map(str, value)) or "none"
        else:
            text = f"{value:,}" if isinstance(value, int) else str(value)
        words.append(f"{label} {text}")
    return ", ".join(words)


def dagster_address() -> str:
    """Return the address of the Dagster UI, without a slash at its end."""
    return os.environ.get(DAGSTER_VARIABLE, DAGSTER_ADDRESS).rstrip("/")


def published_tables(release: Release) -> pl.DataFrame:
    """Return one row per published table, with a link to its asset."""
    now = datetime.now(UTC)
    rows = [
        {
            "asset": f"{dagster_address()}/assets/{key}",
            "newest event": table.as_of[:10] if table.as_of else None,
            "days old": age_days(release, key),
            "rows": table.rows,
            "built at": built,
            "hours since": built and int((now - built).total_seconds() // 3600),
            "content hash": table.content_hash[:12],
            "built from": ", ".join(sorted(table.built_from)),
        }
        for key, table in sorted(release.manifest.tables.items())
        for built in [table.built_at and datetime.fromisoformat(table.built_at)]
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def cards(release: Release) -> list[Card]:
    """Make cards of overdue tables, failed checks, failed runs and unexplained lines."""
    cards = []
    if not release.missing(FRESHNESS):
        states = release.rows(STATES, FRESHNESS)
        overdue = states.filter(state="overdue").height
        cards.append(
            Card(
                "Overdue tables",
                f"{overdue:,}",
                f"of {states.height:,}",
                "Past their expected date.",
            )
        )
    if not release.missing(CHECKS):
        checks = release.rows(NEWEST_CHECKS, CHECKS)
        failed = checks.filter(~pl.col("passed"))
        blocking = failed.filter("blocking").height
        cards.append(
            Card(
                "Failing checks",
                f"{failed.height:,}",
                f"of {checks.height:,}, {blocking:,} blocking",
                "Newest result of each check and partition.",
            )
        )
    if not release.missing(RUNS):
        runs = release.rows(LAST_RUNS, RUNS)
        bad = runs.filter(status="FAILURE").height
        newest = f"newest {runs['started_at'][0]:%Y-%m-%d %H:%M} UTC" if runs.height else "none yet"
        cards.append(Card("Failed runs", f"{bad:,}", f"of {runs.height:,} · {newest}", "Last 200."))
    accounting = line_figures.ACCOUNTING
    if not release.missing(accounting) and release.table(accounting).rows:
        cards += line_figures.cards(release)
    return cards
