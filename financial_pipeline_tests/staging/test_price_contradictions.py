"""Price files that contradict themselves, or the files before them, in dividends and volumes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.settings import Settings
from financial_pipeline.sources.landing import detect
from financial_pipeline.staging.prices import stage_prices
from financial_pipeline_tests.staging.test_made_price_files import (
    DAYS,
    Scale,
    bars,
    breaks,
    staged,
)


def with_dividends(place: int) -> float:
    """A dividend of one per cent on every fifteenth session, the newest one after the file."""
    return float(0.99 ** (4 - place // 15))


def adjusted_return(rows: pl.DataFrame, place: int) -> float:
    """The return of a session on adjusted closes over that on raw ones."""
    ratio = rows["adjusted_close"] / rows["close"]
    return float(ratio[place] / ratio[place - 1])


@pytest.mark.parametrize("first", [5, 20, 50])
def test_file_without_some_dividends_meets_the_older_one_at_their_seam(
    tmp_path: Path, first: int
) -> None:
    older, newer = bars(share=with_dividends), bars(places=range(first, 60), share=lambda n: 0.95)
    rows, refused = staged(tmp_path, ("JPM.csv", older), ("JPM_later.csv", newer))
    assert (rows.height, refused, breaks(rows)) == (60, "", {})
    assert adjusted_return(rows, first) == pytest.approx(1, abs=1e-6)


def test_parts_of_one_download_are_known_by_the_dividends_that_they_state(tmp_path: Path) -> None:
    parts = (range(20), range(20, 45), range(45, 60))
    files = [
        (f"JPM_{n}.csv", bars(places=part, share=with_dividends)) for n, part in enumerate(parts)
    ]
    rows, _ = staged(tmp_path, *files)
    # A dividend on the first session of a part cannot be told from one of a later download.
    assert breaks(rows) == {45: "dividend_unknown"}
    assert adjusted_return(rows, 20) == pytest.approx(1, abs=1e-6)


def test_hole_of_a_file_without_some_dividends_is_filled_on_its_own_scale(tmp_path: Path) -> None:
    newer = bars(share=lambda n: 0.95).splitlines()
    text = "\n".join(newer[:11] + newer[12:])
    rows, _ = staged(tmp_path, ("JPM.csv", bars(share=with_dividends)), ("JPM_2.csv", text))
    assert [adjusted_return(rows, place) for place in (10, 11)] == pytest.approx([1, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("scale", "share", "why"),
    [
        (1.0, 0.9, None),
        (1.0, 0.87, "dividend_unknown"),
        (0.5, 0.9, "scale_unknown"),
        (0.5, 0.87, "scale_unknown"),
    ],
)
def test_common_session_with_another_close_alone_is_a_seam(
    tmp_path: Path, scale: float, share: float, why: str | None
) -> None:
    """The last row of the older file is of the middle of a day."""
    older = bars(lambda n: 1.01 if n == 30 else 1.0, range(31))
    newer = bars(lambda n: scale, range(30, 60), share=lambda n: share)
    rows, refused = staged(tmp_path, ("JPM.csv", older), ("JPM_later.csv", newer))
    assert (refused, breaks(rows)) == ("", {30: why} if why else {})


@pytest.mark.parametrize(
    ("places", "share", "is_refused"),
    [
        (range(10, 60), 1.0, True),
        (range(30, 60), 1.0, False),
        (range(10, 60), 0.999, False),
    ],
)
def test_adjusted_closes_that_are_closes_are_refused_if_stored_ones_have_dividends(
    tmp_path: Path, places: range, share: float, is_refused: bool
) -> None:
    newer = bars(places=places, share=lambda n: share)
    older = bars(share=with_dividends)
    rows, refused = staged(tmp_path, ("JPM.csv", older), ("JPM_later.csv", newer))
    assert ("its JPM are its closes, and the stored ones have 3 divi" in refused) == is_refused
    assert (rows["adjusted_close"][59] != rows["close"][59]) == (share < 1 or is_refused)


@pytest.mark.parametrize(
    ("volume", "said"), [(10_000, "is traded 0.01 times as much as the stored one"), (250_000, "")]
)
def test_volumes_in_hundreds_are_refused(tmp_path: Path, volume: int, said: str) -> None:
    newer = bars(places=range(30, 60)).replace(",1000000\n", f",{volume}\n")
    _, refused = staged(tmp_path, ("JPM.csv", bars()), ("JPM_later.csv", newer))
    assert (said in refused) if said else not refused


@pytest.mark.parametrize(
    ("share", "why"),
    [(lambda n: 0.9, "dividend_unknown"), (lambda n: 0.9 if n >= 30 else 0.891, None)],
)
def test_dividend_that_the_file_names_but_does_not_take_out_is_a_break(
    tmp_path: Path, share: Scale, why: str | None
) -> None:
    lines = bars(share=share).splitlines()
    paid = ["Dividends"] + ["1.0" if n == 30 else "0.0" for n in range(60)]
    text = "".join(f"{line},{each}\n" for line, each in zip(lines, paid, strict=True))
    rows, _ = staged(tmp_path, ("JPM.csv", text))
    assert breaks(rows) == ({30: why} if why else {})


@pytest.mark.parametrize(
    ("arrived", "reasons"),
    [
        (datetime(2018, 3, 28, 19, 59, tzinfo=UTC), ["unfinished_session"]),
        (datetime(2018, 3, 28, 20, 0, tzinfo=UTC), []),
        (datetime(2018, 3, 27, 20, 0, tzinfo=UTC), ["future_session"]),
    ],
)
def test_session_that_is_not_over_when_its_file_arrives_has_no_close(
    tmp_path: Path, arrived: datetime, reasons: list[str]
) -> None:
    paths = Paths(tmp_path / "data")
    (tmp_path / "JPM.csv").write_text(bars())
    archive.archive(paths, [detect(tmp_path / "JPM.csv")])
    (file,) = archive.current_files(paths, "bank_prices")
    stage_prices(paths, [replace(file, fetched_at=arrived)], Settings(), DAYS[0], DAYS[59])
    lost = pl.read_parquet(paths.staging("quarantine") / "*.parquet")
    assert lost["reason"].to_list() == reasons


def test_columns_of_a_terminal_are_prices_and_no_macro_series(tmp_path: Path) -> None:
    (tmp_path / "JPM.csv").write_text("Date,PX_LAST,PX_VOLUME\n2018-01-02,107.9,100\n")
    with pytest.raises(PipelineError, match=r"has price columns \(PX_LAST, PX_VOLUME\)"):
        detect(tmp_path / "JPM.csv")
