"""The tables of figures fit a terminal of 80 columns without a cut cell."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from financial_pipeline.figures import figures_table

BANK = {"symbol": "GOOGL", "first_date": "2000-01-03", "last_date": "2019-03-29"} | {
    "sessions": 4840,
    "missing_sessions": 12,
    "scale_breaks": 0,
    "flagged_returns": 14,
    "annualised_volatility": 0.355,
}
DAY = {"session_date": "2019-03-28", "produced": 1_234_567, "aggregated": 1_234_567} | {
    "late": 1234,
    "dead_lettered": 1234,
    "heartbeats": 1113,
    "bars_compared": 191_000,
    "passed": True,
}


@pytest.mark.parametrize(
    ("table", "cells"),
    [
        (figures_table._prices([BANK]), ["2000-01-03", "2019-03-29", "4,840", "volatility"]),
        (
            figures_table._stream({"engine": "replay", "parity": [DAY]}),
            ["1,234,567", "2019-03-28"],
        ),
    ],
)
def test_no_cell_is_cut_at_80_columns(table: Table, cells: list[str]) -> None:
    shown = io.StringIO()
    Console(width=figures_table.WIDE, file=shown).print(table)
    text = shown.getvalue()
    assert "…" not in text
    assert all(cell in text for cell in cells)
    assert max(map(len, text.splitlines())) <= 80
