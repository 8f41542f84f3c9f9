"""Files of simulated loans: one per snapshot month, streamed chunk by chunk in issue order.

Memory holds one chunk at a time, whatever the number of loans.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.simulator.loan_calendar import month_number
from financial_pipeline.simulator.loan_columns import chunk_count, draw_chunk, snapshot_rows

LAST_SNAPSHOT: Final = date(2019, 3, 1)


def write_loan_files(targets: Mapping[Path, date], *, loans: int, seed: int) -> None:
    """Write for each path the file of all loans as its snapshot month shows them."""
    with ExitStack() as stack:
        files = {path: stack.enter_context(path.open("wb", buffering=1 << 20)) for path in targets}
        for file in files.values():
            file.write((",".join(LOAN_COLUMNS) + "\n").encode())
        for number in range(chunk_count(loans)):
            chunk = draw_chunk(seed, loans, number)
            for path, snapshot in targets.items():
                rows: pl.DataFrame = snapshot_rows(chunk, month_number(snapshot))
                rows.write_csv(files[path], include_header=False)


def write_accepted_file(
    path: Path, *, loans: int, seed: int, snapshot: date = LAST_SNAPSHOT
) -> None:
    """Write one 151-column file of `loans` simulated loans."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_loan_files({path: snapshot}, loans=loans, seed=seed)
