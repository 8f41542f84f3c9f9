"""Made price files, each to its right end: other securities, units, seams and jumps."""

import math
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.settings import Settings
from financial_pipeline.sources.landing import detect
from financial_pipeline.sources.market_calendar import sessions
from financial_pipeline.staging.prices import stage_prices

DAYS = sessions(date(2018, 1, 2), date(2018, 3, 28))
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
Scale = Callable[[int], float]


def bars(
    scale: Scale = lambda n: 1.0,
    places: range = range(60),
    header: str = HEADER,
    share: Scale = lambda n: 0.9,
) -> str:
    """Sessions of one bank around 100 dollars, times `scale`; `share` of it is adjusted."""
    lines = [header]
    for place in places:
        close = 100 * (1 + 0.02 * math.sin(place)) * scale(place)
        prices = (close, close * 1.01, close * 0.99, close, close * share(place))
        lines.append(f"{DAYS[place]},{','.join(f'{price:.6f}' for price in prices)},1000000")
    return "\n".join(lines) + "\n"


def staged(folder: Path, *arrivals: tuple[str, str]) -> tuple[pl.DataFrame, str]:
    """Rows and refusals of files that arrive one after the other."""
    paths = Paths(folder / "data")
    for number, (name, text) in enumerate(arrivals):
        place = folder / str(number) / name
        place.parent.mkdir()
        place.write_text(text)
        archive.archive(paths, [detect(place)])
    files = archive.current_files(paths, "bank_prices")
    summary = stage_prices(paths, files, Settings(), DAYS[0], DAYS[59])
    rows = pl.read_parquet(paths.staging("bank_prices") / "*.parquet").sort("session_date")
    return rows, " ".join(summary.refused.values())


def breaks(rows: pl.DataFrame) -> dict[int, str]:
    """The place of each session that cannot be compared with the one before, and why."""
    found = rows.drop_nulls("scale_break").select("session_date", "scale_break").iter_rows()
    return {DAYS.index(day): why for day, why in found}


@pytest.mark.parametrize(
    ("scale", "places"),
    [
        (lambda n: 100.0 if n == 59 else 1.0, [59]),
        (lambda n: 0.01 if n == 0 else 1.0, [1]),
        (lambda n: 10.0 if n >= 30 else 1.0, [30]),
        (lambda n: 100.0 if 10 <= n < 45 else 1.0, [10, 45]),
        # A split of 2:1 cannot be told from a collapse: the return is kept and flagged.
        (lambda n: 0.5 if n >= 30 else 1.0, []),
        (lambda n: 2.4 if n >= 30 else 1.0, []),
    ],
)
def test_jump_that_no_market_makes_is_a_break_of_scale(
    tmp_path: Path, scale: Scale, places: list[int]
) -> None:
    rows, _ = staged(tmp_path, ("C.csv", bars(scale)))
    assert breaks(rows) == dict.fromkeys(places, "scale_unknown")


@pytest.mark.parametrize(
    ("factor", "why"),
    [(5 / 6, "scale_unknown"), (2 / 3, "scale_unknown"), (10.0, "scale_unknown"), (1.0, None)],
)
def test_split_at_a_seam_without_a_common_session_is_a_break(
    tmp_path: Path, factor: float, why: str | None
) -> None:
    later = bars(lambda n: factor, range(30, 60))
    rows, _ = staged(tmp_path, ("JPM_1.csv", bars(places=range(30))), ("JPM_2.csv", later))
    assert breaks(rows) == ({30: why} if why else {})


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (lambda n: 100.0, "100 times the stored one on 30 sessions: another unit"),
        (lambda n: 18 + n % 7 / 5, "18 to 19.2 times the stored one on 30 sessions: another sec"),
        (lambda n: 2 / 3, ""),
        (lambda n: 1.001 if n == 50 else 1.0, ""),
    ],
)
def test_file_of_another_security_or_unit_is_refused(
    tmp_path: Path, scale: Scale, said: str
) -> None:
    later = bars(scale, range(30, 60))
    rows, refused = staged(tmp_path, ("JPM.csv", bars()), ("JPM_later.csv", later))
    assert (said in refused) if said else not refused
    factor = 1.0 if said else scale(31)
    assert rows["close"][0] == pytest.approx(100 * factor)


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close*,Adj Close**,Volume",
        "date,open,high,low,close,adj_close,volume",
        "Date,Open,High,Low,Close,Adjusted Close,Volume",
    ],
)
def test_header_with_other_words_for_the_adjusted_close_is_read(
    tmp_path: Path, header: str
) -> None:
    rows, _ = staged(tmp_path, ("JPM.csv", bars(header=header)))
    assert rows["adjusted_close"][0] == 90.0


def test_column_of_row_numbers_is_ignored(tmp_path: Path) -> None:
    lines = bars().splitlines()
    numbered = "".join(f"{n - 1 if n else ''},{line}\n" for n, line in enumerate(lines))
    assert staged(tmp_path, ("JPM.csv", numbered))[0].height == 60


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (",", ","),
        (",Unnamed: 7", ",x"),
        (",Dividends,Stock Splits,Repaired?", ",0,0,False"),
        (",,Unnamed: 8", ",,"),
    ],
)
def test_columns_that_nobody_needs_are_ignored(tmp_path: Path, names: str, values: str) -> None:
    first, *lines = bars().splitlines()
    text = "\n".join([first + names, *(line + values for line in lines)])
    assert staged(tmp_path, ("JPM.csv", text))[0].height == 60


def test_column_that_is_not_known_is_named(tmp_path: Path) -> None:
    (tmp_path / "JPM.csv").write_text(
        bars(header=HEADER + ",Currency").replace("0000\n", "0,MXN\n")
    )
    with pytest.raises(PipelineError, match=r"columns that are not known \(Currency\); delete"):
        detect(tmp_path / "JPM.csv")


def test_sessions_that_are_filled_forward_are_holes(tmp_path: Path) -> None:
    lines = bars().splitlines()
    filled = [lines[30].replace(str(DAYS[29]), str(day)) for day in DAYS[30:35]]
    rows, refused = staged(tmp_path, ("JPM.csv", "\n".join([*lines[:31], *filled, *lines[36:]])))
    assert (rows.height, refused) == (55, "")
    assert not set(rows["session_date"]) & set(DAYS[30:35])


@pytest.mark.parametrize(("equal", "left"), [(2, 60), (3, 58), (20, 41)])
def test_three_equal_sessions_are_filled_whatever_their_volumes(
    tmp_path: Path, equal: int, left: int
) -> None:
    lines = bars().splitlines()
    last = lines[61 - equal].removeprefix(str(DAYS[60 - equal])).rpartition(",")[0]
    filled = [f"{DAYS[n]}{last},{0 if n % 2 else n}" for n in range(60 - equal, 60)]
    rows, refused = staged(tmp_path, ("JPM.csv", "\n".join([*lines[: 61 - equal], *filled])))
    assert (rows.height, refused) == (left, "")


def test_mistyped_year_is_quarantined_and_no_note(tmp_path: Path) -> None:
    rows, _ = staged(tmp_path, ("JPM.csv", bars().replace("2018-02-01", "0018-02-01")))
    lost = pl.read_parquet(tmp_path / "data" / "staging" / "quarantine" / "*.parquet")
    assert (rows.height, lost["reason"].to_list()) == (59, ["implausible_date"])


def test_copy_of_another_banks_file_is_refused(tmp_path: Path) -> None:
    other = bars(header=HEADER.lower())
    rows, refused = staged(tmp_path, ("JPM.csv", bars()), ("BAC.csv", other))
    assert "its BAC has the same prices as JPM, of which it is a copy" in refused
    assert set(rows["symbol"]) == {"JPM"}


@pytest.mark.parametrize(
    ("scale", "volume", "said"),
    [
        (lambda n: 100.0, 12_345_678, "its JPM has a turnover of 123,"),
        (lambda n: 100.0, 1_000, ""),
        (lambda n: 1.0, 12_345_678, ""),
    ],
)
def test_turnover_that_no_bank_has_is_that_of_another_unit(
    tmp_path: Path, scale: Scale, volume: int, said: str
) -> None:
    text = bars(scale).replace(",1000000\n", f",{volume}\n")
    if said:
        with pytest.raises(RefusedFile, match=said):
            staged(tmp_path, ("JPM.csv", text))
    else:
        assert staged(tmp_path, ("JPM.csv", text))[0].height == 60


def in_whole_dollars(text: str) -> str:
    """Prices without decimals, each line of another volume."""
    lines = [line.split(",") for line in text.splitlines()[1:]]
    rows = (
        ",".join([day, *(f"{float(price):.0f}" for price in prices), str(9_000 + number)])
        for number, (day, *prices, _) in enumerate(lines)
    )
    return "\n".join([HEADER, *rows])


def test_whole_dollars_are_too_coarse_unless_prices_are_high(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match="its JPM has prices in whole dollars, too coarse"):
        staged(tmp_path, ("JPM.csv", in_whole_dollars(bars())))
    high = tmp_path / "high"
    high.mkdir()
    rows, _ = staged(high, ("JPM.csv", in_whole_dollars(bars(lambda n: 5_000.0))))
    assert rows.height == 60


def test_copy_of_another_bank_in_another_unit_is_known_by_its_volumes(tmp_path: Path) -> None:
    def traded(scale: float) -> str:
        lines = bars(lambda n: scale).splitlines()
        return "\n".join(
            [HEADER, *(f"{line}{number}" for number, line in enumerate(lines[1:], start=10))]
        )

    rows, refused = staged(tmp_path, ("JPM.csv", traded(1.0)), ("BAC.csv", traded(0.3)))
    assert "its BAC has the same volumes as JPM, of which it is a copy" in refused
    assert set(rows["symbol"]) == {"JPM"}


def test_equal_files_of_two_banks_are_both_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match="its BAC has the same prices as JPM"):
        staged(tmp_path, ("JPM.csv", bars()), ("BAC.csv", bars()))


@pytest.mark.parametrize(("scale", "why"), [(0.5, "scale_unknown"), (1.0, None)])
def test_split_that_the_file_names_but_does_not_adjust_for_is_a_break(
    tmp_path: Path, scale: float, why: str | None
) -> None:
    lines = bars(lambda n: scale if n >= 30 else 1.0).splitlines()
    splits = ["Stock Splits"] + ["2.0" if n == 30 else "0.0" for n in range(60)]
    text = "".join(f"{line},{split}\n" for line, split in zip(lines, splits, strict=True))
    rows, _ = staged(tmp_path, ("JPM.csv", text))
    assert breaks(rows) == ({30: why} if why else {})
