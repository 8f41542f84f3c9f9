"""Ratios of two downloads of one price: whether they are those of a split, or noise."""

from typing import Final

import polars as pl

# Rounding to cents, and the noise of single precision.
RATIO_TOLERANCE: Final = 0.002
CENT: Final = 0.01
NOISE: Final = RATIO_TOLERANCE + CENT / pl.col("close")
# Minimum number of common sessions to decide whether a ratio is constant.
LEAST_COMMON: Final = 5
# Corrected prices keep their volume.
VOLUME_TOLERANCE: Final = 0.01
LARGEST_SPLIT: Final = 50
# Usual splits other than 2:1 to 50:1; reverse splits have the inverse ratios.
UNEVEN_SPLITS: Final = (3 / 2, 4 / 3, 5 / 4, 6 / 5, 11 / 10, 5 / 2, 5 / 3, 7 / 2)


def priced_in_both(common: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the sessions on which both downloads have a price, with the `ratio` of the newer one.

    `common` has each column of the older download, and of the newer one with the suffix `_newer`.
    """
    ratio = pl.col(f"{name}_newer") / pl.col(name)
    return common.with_columns(ratio=ratio).filter(pl.col("ratio").is_not_null())


def is_usual_split(ratio: float) -> bool:
    """Whether a ratio of closes is that of a split such as 2:1, 3:2 or 1:10."""
    times = max(ratio, 1 / ratio)
    whole = round(times)
    usual = [*UNEVEN_SPLITS, *([whole] if 2 <= whole <= LARGEST_SPLIT else [])]
    return any(abs(times / split - 1) <= RATIO_TOLERANCE for split in usual)


def turns_volume(priced: pl.DataFrame, ratio: float) -> bool | None:
    """Whether volumes changed by the inverse of a ratio of closes; None if they are unknown."""
    traded = priced.filter((pl.col("volume") > 0) & (pl.col("volume_newer") > 0))
    turned = traded.select((pl.col("volume_newer") * ratio / pl.col("volume")).median()).item()
    return None if turned is None else abs(turned - 1) <= VOLUME_TOLERANCE
