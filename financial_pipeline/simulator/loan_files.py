"""Files of simulated loans: one per snapshot month, streamed chunk by chunk in issue order.

The form is that of upstream's whole file: 151 columns, plain numbers, a few odd values, and two
lines with totals at the end. Memory contains one chunk at a time, whatever the number of loans. A
loan is drawn once and cut at each snapshot month, so a file does not depend on which others are
written with it.
"""

import dataclasses
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.simulator.loan_calendar import month_number
from financial_pipeline.simulator.loan_columns import (
    LoanChunk,
    chunk_count,
    draw_chunk,
    snapshot_rows,
)
from financial_pipeline.simulator.loan_draws import Part, generator
from financial_pipeline.simulator.planted_faults import broken_loans, with_small_request

WRITE_BUFFER: Final = 1 << 20
NULL_DTI_SHARE: Final = 0.0007
FULL_DTI_SHARE: Final = 0.0002
ZERO_INCOME_SHARE: Final = 0.00005
HUGE_INCOME_SHARE: Final = 0.00002
OVER_LIMIT_SHARE: Final = 0.0004


def write_loan_files(
    targets: Mapping[Path, date], *, loans: int, seed: int, has_faults: bool = False
) -> None:
    """Write for each path the file of all loans as its snapshot month shows them.

    With `has_faults`, the first loan of each file has a request below its funded amount, and the
    file of the last month also has the broken lines.
    """
    header = pl.DataFrame(schema=dict.fromkeys(LOAN_COLUMNS, pl.String))
    with ExitStack() as stack:
        files = {p: stack.enter_context(p.open("wb", buffering=WRITE_BUFFER)) for p in targets}
        funded = dict.fromkeys(targets, 0.0)
        for file in files.values():
            header.write_csv(file)
        for number in range(chunk_count(loans)):
            chunk = upstream_chunk(seed, loans, number)
            is_first = has_faults and number == 0
            if is_first:
                chunk = dataclasses.replace(chunk, fixed=with_small_request(chunk.fixed))
            for path, snapshot in targets.items():
                rows = snapshot_rows(chunk, month_number(snapshot))
                funded[path] += float(rows["funded_amnt"].sum()) if rows.height else 0.0
                rows.write_csv(files[path], include_header=False)
                if is_first and snapshot == max(targets.values()):
                    broken_loans(rows).write_csv(files[path], include_header=False)
        for path, file in files.items():
            # Upstream's file was padded to its width by the program that joined it.
            padding = "," * (len(LOAN_COLUMNS) - 1)
            for code, total in ((1, funded[path]), (2, 0.0)):
                text = f"Total amount funded in policy code {code}: {total:.0f}{padding}\n"
                file.write(text.encode())


def upstream_chunk(seed: int, loans: int, number: int) -> LoanChunk:
    """Draw a chunk of loans with the odd values that upstream's files have."""
    chunk = draw_chunk(seed, loans, number)
    fixed = with_odd_values(generator(seed, Part.QUIRK, number), chunk.fixed)
    return dataclasses.replace(chunk, fixed=fixed)


def with_odd_values(rng: np.random.Generator, fixed: pl.DataFrame) -> pl.DataFrame:
    """Put the odd values of upstream into a few rows of the columns fixed at origination.

    Missing dti, dti 999, income 0 and 9,000,000, utilisation above 100 per cent.
    """
    size = fixed.height

    def few(share: float) -> pl.Series:
        return pl.Series(rng.random(size) < share)

    over_limit = pl.Series(np.round(100 + rng.exponential(25.0, size), 1))
    own_dti = pl.when(few(FULL_DTI_SHARE)).then(pl.lit(999.0)).otherwise("dti")
    zero = pl.when(few(ZERO_INCOME_SHARE)).then(pl.lit(0.0)).otherwise("annual_inc")
    return fixed.with_columns(
        dti=pl.when(~few(NULL_DTI_SHARE)).then(own_dti),
        annual_inc=pl.when(few(HUGE_INCOME_SHARE)).then(pl.lit(9_000_000.0)).otherwise(zero),
        revol_util=pl.when(few(OVER_LIMIT_SHARE)).then(over_limit).otherwise("revol_util"),
    )
