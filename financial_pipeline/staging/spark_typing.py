"""Loan rows typed on Spark: from text rows to typed ones, both as Parquet files on the way.

Polars cuts the file into text rows, so that both engines start from the same ones; Spark does the
rest on SPARK_MASTER, and Polars reads what it wrote.
"""

from datetime import date
from pathlib import Path

import polars as pl


def type_loans(
    raw: pl.LazyFrame,
    *,
    scratch: Path,
    rate_divisor: float,
    has_ids: bool,
    first_issue_month: date,
) -> pl.LazyFrame:
    """As the Polars expressions of that name, but that months are dates.

    `raw` holds text and `row`, by which the result is sorted; files are written to `scratch`, which
    Spark's workers must see. Raises PipelineError where Spark cannot start.
    """
    # Spark takes seconds to import, and most runs never ask for it.
    from financial_pipeline.spark.lending_club_loans import type_loans as type_on_spark
    from financial_pipeline.spark.session import start_session

    session = start_session()
    rows, typed = scratch / "rows.parquet", scratch / "typed"
    raw.sink_parquet(rows)
    result = type_on_spark(
        session.read.parquet(str(rows.resolve())),
        rate_divisor=rate_divisor,
        has_ids=has_ids,
        first_issue_month=first_issue_month,
    )
    result.write.parquet(str(typed.resolve()))
    return pl.concat([pl.scan_parquet(part) for part in _in_row_order(typed)])


def _in_row_order(folder: Path) -> list[Path]:
    """The files of a Spark result, each of which holds rows that follow each other."""
    first = {
        part: pl.scan_parquet(part).select(pl.col("row").first()).collect().item()
        for part in folder.glob("*.parquet")
    }
    filled = [part for part, row in first.items() if row is not None]
    return sorted(filled or first, key=lambda part: first[part] or 0)
