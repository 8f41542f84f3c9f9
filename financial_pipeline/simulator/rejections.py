"""The file of rejected applications, nine columns as upstream.

Upstream has twelve rejections per loan; the simulated file has one per loan, so that the demo
stays small. Rejected applications have no outcome.
"""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline.simulator.loan_calendar import by_year, issue_months
from financial_pipeline.simulator.loan_draws import Part, choose, generator
from financial_pipeline.simulator.loan_texts import EMPLOYMENT_TEXTS, draw_places, lookup
from financial_pipeline.simulator.planted_faults import broken_application
from financial_pipeline.sources.simulated import MARK_COLUMN

CHUNK_ROWS: Final = 100_000
# Shares of applications without a risk score, up to and including the year: 82.1% of 2015 and
# 93.2% of 2018 (methodology 1.1); the other years are set so that 66.9% of all lack it.
SCORE_NULLS: Final = {2012: 0.03, 2013: 0.25, 2014: 0.60, 2015: 0.821, 2017: 0.60, 2018: 0.932}
# dti -1 means unknown; some applications state 0 or far above 100 per cent.
ODD_DTI: Final = ((-1.0, 0.04), (0.0, 0.05), (100.0, 0.02))
# In the order of EMPLOYMENT_TEXTS ("10+ years", "< 1 year", 1 to 9 years); the last is missing.
EMPLOYMENT_SHARES: Final = (
    0.04,
    0.78,
    0.03,
    0.02,
    0.02,
    0.015,
    0.02,
    0.01,
    0.01,
    0.01,
    0.01,
    0.035,
)
_EPOCH_MONTH: Final = 12 * 1970


def write_rejections(path: Path, *, rows: int, seed: int, has_faults: bool = False) -> None:
    """Write `rows` rejected applications in order of their date, and a broken one if asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write((",".join([*REJECTION_COLUMNS, MARK_COLUMN]) + "\n").encode())
        for chunk in range(-(-rows // CHUNK_ROWS)):
            first = chunk * CHUNK_ROWS
            last = min(first + CHUNK_ROWS, rows)
            drawn = _draw(seed, chunk, first, last, rows)
            drawn.write_csv(file, include_header=False)
        if has_faults:
            broken_application(drawn).write_csv(file, include_header=False)


def _draw(seed: int, chunk: int, first: int, last: int, rows: int) -> pl.DataFrame:
    rng = generator(seed, Part.REJECTION, chunk)
    size = last - first
    months = issue_months(first, last, rows)
    dates = np.sort(
        (months - _EPOCH_MONTH).astype("datetime64[M]").astype("datetime64[D]")
        + rng.integers(0, 28, size)
    )
    score = np.round(np.clip(640 + 65 * rng.standard_normal(size), 300, 850))
    score[rng.random(size) < by_year(SCORE_NULLS, months)] = np.nan
    dti = np.round(np.exp(3.0 + 0.9 * rng.standard_normal(size)), 2)
    for value, share in ODD_DTI:
        dti[rng.random(size) < share] = value
    titles = [title for _, title, _ in tables.PURPOSES]
    state, zip_code = draw_places(rng, size)
    amount = np.clip(np.exp(9.1 + 0.9 * rng.standard_normal(size)), 500, 40_000)
    columns = (
        (100 * np.round(amount / 100)).round(1),
        pl.Series(dates).dt.to_string("%Y-%m-%d"),
        lookup(titles, choose(rng, [share for *_, share in tables.PURPOSES], size)),
        pl.Series(score, nan_to_null=True),
        pl.Series(dti).cast(pl.String).str.strip_suffix(".0") + "%",
        zip_code,
        state,
        lookup([*EMPLOYMENT_TEXTS, None], choose(rng, EMPLOYMENT_SHARES, size)),
        np.zeros(size),
    )
    return pl.DataFrame(dict(zip(REJECTION_COLUMNS, columns, strict=True))).with_columns(
        pl.lit(1).alias(MARK_COLUMN)
    )
