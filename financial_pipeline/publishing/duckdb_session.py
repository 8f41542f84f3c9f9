"""DuckDB in memory, within the settings: so much memory, then spilled data below the data root."""

import duckdb

from financial_pipeline.settings import Settings


def in_memory() -> duckdb.DuckDBPyConnection:
    """Open a connection without a database file.

    DuckDB's own defaults would take 80% of the machine's memory, which Spark and Polars need too,
    spill into the working folder, and draw a progress bar into the middle of a report.
    """
    settings = Settings()
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "memory_limit": settings.duckdb_memory,
            "temp_directory": str(settings.data_root.resolve() / "spill"),
        },
    )
    # In a notebook without widgets the bar is off, and DuckDB refuses any change of it.
    if connection.execute("select current_setting('enable_progress_bar')").fetchall() != [(False,)]:
        connection.execute("set enable_progress_bar = false")
    return connection
