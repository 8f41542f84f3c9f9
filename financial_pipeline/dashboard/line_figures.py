"""Accounting of raw lines for the Health page: counts, and the quarantined lines."""

from typing import Final

import polars as pl

from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import Card, format_count
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline.staging import row_accounting

ACCOUNTING: Final = "exports/row_accounting"
# Quarantined lines on the page, and characters of each.
QUARANTINED_ROWS: Final = 1000
TEXT_LENGTH: Final = 300


def accounting(release: Release) -> pl.DataFrame:
    """Return one row per raw file, most quarantined lines first: its lines by category."""
    files = whole_files(release.paths, release.table(ACCOUNTING))
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
    ).sort("quarantined", descending=True, maintain_order=True)


def quarantined_lines(release: Release) -> pl.DataFrame:
    """Return the quarantined lines of the files of this version, as far as a page shows them."""
    files = whole_files(release.paths, release.table(ACCOUNTING))
    counted_lines = pl.read_parquet(files).filter(category="quarantined")
    folder = release.paths.staging("quarantine")
    kept = [folder / f"{name}.parquet" for name in counted_lines["file_sha256"].unique().sort()]
    parts = [pl.scan_parquet(path).head(QUARANTINED_ROWS) for path in kept if path.exists()]
    if not parts:
        return pl.DataFrame()
    return (
        pl.concat(parts)
        .sort("file_name", "line_number")
        .head(QUARANTINED_ROWS)
        .select(
            reason=pl.col("reason").str.replace_all("_", " "),
            file="file_name",
            line_number="line_number",
            original_text=pl.col("original_text").str.head(TEXT_LENGTH),
        )
        .collect()
    )


def _notes(lines: dict[str, int]) -> dict[str, int]:
    """Separate rows outside the configured period from lines without data: headers, totals."""
    outside = sum(
        count for reason, count in lines.items() if reason.startswith(("before_", "after_"))
    )
    return {"outside_period": outside, "not_data": sum(lines.values()) - outside}


def _counts(value: object) -> dict[str, int]:
    return value if isinstance(value, dict) else {}


def cards(release: Release) -> list[Card]:
    """Make cards of the lines read, quarantined, outside the period and unexplained."""
    files = accounting(release)
    lines = int(files["physical_lines"].sum())
    quarantined, odd = (int(files[name].sum()) for name in ("quarantined", "unexplained"))
    return [
        Card(
            "Lines read",
            f"{lines:,}",
            f"in {format_count(files.height, 'file')}",
            "Physical lines.",
        ),
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
