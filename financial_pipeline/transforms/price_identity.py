"""Identity of the security in a price file, checked against the prices stored before it."""

from typing import Final

import polars as pl

from financial_pipeline.transforms.price_ratios import (
    LARGEST_SPLIT,
    LEAST_COMMON,
    NOISE,
    is_usual_split,
    priced_in_both,
    turns_volume,
)
from financial_pipeline.transforms.price_rules import KEY

STORED: Final = [*KEY, "close", "volume", "adjusted_close", "cents"]
CENTS: Final = pl.col("close").round(2)
# Fewer common sessions are not conclusive: one or two prices may have been corrected.
LEAST_TELLING: Final = 3
# Share of the common sessions that must have the usual ratio.
LEAST_STEADY: Final = 0.5
# A ratio nearer to 1 may be a spin-off, of which providers treat volumes differently.
LEAST_UNEVEN: Final = 0.08
# Some providers leave the volumes of small splits; a ratio of 10 or 19 is one of units.
LARGEST_UNTURNED: Final = 4.1
# Closes and adjusted closes that differ by no more are equal.
PLAIN: Final = 1e-4
# One rise of the adjusted share of a close may be that between two stored files.
LEAST_PAID: Final = 2
# Different closes that two banks have in common with the same volume, or different volumes.
LEAST_SAME: Final = 10


def no_prices() -> pl.DataFrame:
    """Return the stored prices before the first file."""
    kinds = (pl.String(), pl.Date(), pl.Float64(), pl.Int64(), pl.Float64(), pl.Float64())
    return pl.DataFrame(schema=dict(zip(STORED, kinds, strict=True)))


def with_newer(stored: pl.DataFrame, newer: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct prices of all files, newest first: STORED columns.

    Downloads of one price differ by noise far below a cent, so prices are distinct by cents.
    """
    rows = pl.concat([newer.with_columns(cents=CENTS).select(STORED), stored.select(STORED)])
    return rows.unique([*KEY, "cents", "volume"], keep="first", maintain_order=True)


def another_security(rows: pl.DataFrame, stored: pl.DataFrame) -> str | None:
    """Explain why a file's prices cannot be of the stored banks; else None.

    Two downloads of one security differ by a constant factor, that of later splits; two banks never
    have the same prices. `stored` is that of `with_newer`; the newest price of a session counts,
    because copies from before and after a split have no one factor together.
    """
    newest = stored.group_by(KEY, maintain_order=True).agg(
        pl.col("close", "adjusted_close").drop_nulls().first(),
        pl.col("volume").filter(pl.col("close").is_not_null()).first(),
    )
    for bank in rows.partition_by("symbol", maintain_order=True):
        symbol = bank["symbol"][0]
        if other := _same_prices(bank, stored):
            return f"its {symbol} has the same {other}, of which it is a copy"
        common = newest.join(bank, on=KEY, suffix="_newer")
        if found := _other_ratio(common) or _other_volume(common):
            return f"its {symbol} is {found}"
    return None


def lost_dividends(rows: pl.DataFrame, stored: pl.DataFrame) -> str | None:
    """Explain why a file's adjusted closes are none, if the stored ones show it; else None.

    They are its closes, or the stored closes, on each common session, and between these sessions
    the stored file has dividends taken out. Input as `another_security`.
    """
    whole = stored.drop_nulls(["close", "adjusted_close"])
    newest = whole.unique(KEY, keep="first", maintain_order=True)
    for bank in rows.partition_by("symbol", maintain_order=True):
        common = newest.join(bank, on=KEY, suffix="_newer").drop_nulls("adjusted_close_newer")
        plain = pl.coalesce("close_newer", "close")
        is_plain = (pl.col("adjusted_close_newer") / plain - 1).abs() <= PLAIN
        share = pl.col("adjusted_close") / pl.col("close")
        is_paid = (share / share.shift(1) - 1 > NOISE).sum()
        paid, are_plain = common.sort("session_date").select(is_paid, is_plain.all()).row(0)
        if are_plain and paid >= LEAST_PAID:
            return (
                f"the adjusted closes of its {bank['symbol'][0]} are its closes, and the stored"
                f" ones have {paid} dividends taken out on the same sessions; export the adjusted"
                " closes too"
            )
    return None


def _same_prices(bank: pl.DataFrame, stored: pl.DataFrame) -> str | None:
    """The other bank that has the same closes and volumes, on too many sessions for a coincidence.

    Volumes alone decide on half of the sessions: a copy may have its prices in another unit.
    """
    others = stored.filter(pl.col("symbol") != bank["symbol"][0])
    shared = ["session_date", "cents", "volume"]
    common = bank.with_columns(cents=CENTS).join(others, on=shared, suffix="_other")
    if common["close"].n_unique() >= LEAST_SAME:
        return f"prices as {common['symbol_other'][0]}"
    days = others.unique([*KEY, "volume"], maintain_order=True)
    traded = bank.join(days, on=["session_date", "volume"], suffix="_other")
    if traded["volume"].n_unique() >= LEAST_SAME and traded.height * 2 >= bank.height:
        return f"volumes as {traded['symbol_other'][0]}"
    return None


def _other_ratio(common: pl.DataFrame) -> str | None:
    """The ratio of new to stored prices in words if no split explains it, else None."""
    raw, adjusted = (priced_in_both(common, name) for name in ("close", "adjusted_close"))
    is_raw = raw.height >= min(LEAST_COMMON, max(adjusted.height, LEAST_TELLING))
    priced, name = (raw, "close") if is_raw else (adjusted, "adjusted_close")
    typical = priced["ratio"].median()
    if priced.height < LEAST_TELLING or not isinstance(typical, float):
        return None
    is_unlike_a_split = is_raw and _is_unlike_a_split(priced, typical)
    if priced.height < LEAST_COMMON and not is_unlike_a_split:
        return None
    on = f"times the stored one on {priced.height:,} sessions"
    is_usual = (pl.col("ratio") / typical - 1).abs() <= NOISE
    steady = priced.with_columns(close=pl.col(name)).select(is_usual.mean()).item()
    if steady < LEAST_STEADY:
        low, high = priced["ratio"].sort().to_list()[:: priced.height - 1]
        return f"{low:.4g} to {high:.4g} {on}: another security or currency"
    if max(typical, 1 / typical) >= LARGEST_SPLIT:
        return f"{typical:.4g} {on}: another unit"
    if is_unlike_a_split:
        return f"{typical:.4g} {on}, and its volumes are not: another unit or security"
    return None


def _other_volume(common: pl.DataFrame) -> str | None:
    """Explain how new volumes differ from the stored ones beyond any split; else None."""
    traded = priced_in_both(common, "close").filter(pl.min_horizontal("volume", "volume_newer") > 0)
    turnover = pl.col("ratio") * pl.col("volume_newer") / pl.col("volume")
    times = traded.select(turnover.median()).item()
    if traded.height < LEAST_COMMON or max(times, 1 / times) <= LARGEST_UNTURNED:
        return None
    return (
        f"traded {times:.4g} times as much as the stored one on {traded.height:,} sessions: its"
        " volumes are in another unit or of another market"
    )


def _is_unlike_a_split(priced: pl.DataFrame, ratio: float) -> bool:
    """Whether volumes did not follow a ratio that is not that of a usual small split either."""
    if abs(ratio - 1) <= LEAST_UNEVEN or turns_volume(priced, ratio) is not False:
        return False
    is_small = max(ratio, 1 / ratio) <= LARGEST_UNTURNED
    return priced.height < LEAST_COMMON or not (is_small and is_usual_split(ratio))
