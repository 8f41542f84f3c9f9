"""The figures of the Health page: published tables, their freshness, checks and runs."""

import json
import os
from datetime import UTC, datetime
from typing import Final

import polars as pl

from financial_pipeline.dashboard.data import Release, age_days
from financial_pipeline.dashboard.elements import Card, counted
from financial_pipeline.publishing.manifest import parquet_files
from financial_pipeline.staging import row_accounting

CHECKS: Final = "operations/check_results"
RUNS: Final = "operations/runs"
FRESHNESS: Final = "operations/freshness"
ACCOUNTING: Final = "exports/row_accounting"
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


# Keys of dbt's metadata that say nothing about the data.
NOT_SHOWN: Final = frozenset({"Execution Duration", "invocation_id", "status", "unique_id"})
FAILED_ROWS: Final = "dagster_dbt/failed_row_count"
STAYS: Final = (
    "The table stays at its last version: repair the input, or leave it out with"
    " `financial-pipeline withdraw FILE`, and run the job again."
)
JUDGE: Final = "The table is published: judge its figures before you use them."


def checks(release: Release) -> pl.DataFrame:
    """Return the newest result of each check, with its findings and what to do, in words."""
    rows = release.rows(NEWEST_CHECKS, CHECKS)
    failed = ~pl.col("passed")
    advice = (
        pl.when(failed & pl.col("blocking")).then(pl.lit(STAYS)).when(failed).then(pl.lit(JUDGE))
    )
    found = pl.Series("found", [findings(text) for text in rows["metadata_json"]], pl.String)
    return rows.drop("metadata_json").with_columns(found, advice.alias("what_to_do"))


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


def accounting(release: Release) -> pl.DataFrame:
    """Return one row per raw file: its physical lines, and counts of their categories."""
    files = parquet_files(release.paths, release.table(ACCOUNTING))
    rows = row_accounting.by_file(pl.read_parquet(files))
    return pl.DataFrame(
        [
            {
                **{name: row[name] for name in ("file", "dataset", "physical_lines", "staged")},
                "quarantined": sum(_counts(row["quarantined"]).values()),
                **_notes(_counts(row["notes"])),
                "unexplained": row["unexplained"],
                "reasons": ", ".join(
                    f"{reason} {lines:,}"
                    for kind in ("quarantined", "notes")
                    for reason, lines in _counts(row[kind]).items()
                ),
            }
            for row in rows
        ]
    )


def _notes(lines: dict[str, int]) -> dict[str, int]:
    """Tell rows outside the configured period from lines that are no data: headers, totals."""
    outside = sum(
        count for reason, count in lines.items() if reason.startswith(("before_", "after_"))
    )
    return {"outside_period": outside, "not_data": sum(lines.values()) - outside}


def _counts(value: object) -> dict[str, int]:
    return value if isinstance(value, dict) else {}


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
    if not release.missing(ACCOUNTING) and release.table(ACCOUNTING).rows:
        cards += _line_cards(release)
    return cards


def _line_cards(release: Release) -> list[Card]:
    files = accounting(release)
    lines = int(files["physical_lines"].sum())
    quarantined, odd = (int(files[name].sum()) for name in ("quarantined", "unexplained"))
    return [
        Card("Lines read", f"{lines:,}", f"in {counted(files.height, 'file')}", "Physical lines."),
        Card(
            "Quarantined",
            f"{quarantined:,}",
            f"{quarantined / max(lines, 1):.3%} of the lines",
            "Lines that break a rule, kept with the reason and the original text.",
        ),
        Card(
            "Outside the period",
            f"{int(files['outside_period'].sum()):,}",
            f"{int(files['not_data'].sum()):,} more lines are no data",
            "Sound rows before the first configured month or session, or after this month. No data:"
            " headers, footers, totals and blank lines.",
        ),
        Card(
            "Unexplained lines",
            f"{odd:,}",
            "must be 0",
            "Neither staged, quarantined, outside the period nor a line without data.",
        ),
    ]
