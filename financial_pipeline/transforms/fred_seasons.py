"""Series under the name of their twin: values without seasonal adjustment are known, and final."""

from typing import Final

import polars as pl

from financial_pipeline.schemas.macro_series import UNADJUSTED

DAY: Final = "observation_date"
# Copies may be rounded to one decimal; adjusted values are further away.
SAME: Final = 0.051
# This many known months, all of them equal, are not a coincidence.
LEAST_MONTHS: Final = 3


def not_adjusted(rows: pl.DataFrame) -> str | None:
    """Explain which series of a file has the values of its twin without adjustment, else None."""
    for series_id, (twin, known) in UNADJUSTED.items():
        values = rows.filter(pl.col("series_id") == series_id).drop_nulls("value")
        months = values.filter(pl.col(DAY).is_in([*known])).select(
            value="value", known=pl.col(DAY).replace_strict(known, return_dtype=pl.Float64)
        )
        is_same = (months["value"] - months["known"]).abs() <= SAME
        if months.height >= LEAST_MONTHS and is_same.all():
            return (
                f"its {series_id} has the values of {twin}, the series without seasonal adjustment,"
                f" in all {months.height} months that tell; download {series_id}, or name the"
                f" column {twin}"
            )
    return None
