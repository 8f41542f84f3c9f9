"""Odd but real price files, each to its right end; the folder of cases is optional."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.settings import Settings
from financial_pipeline.sources.landing import candidates, detect
from financial_pipeline.staging.prices import stage_prices
from financial_pipeline_tests.conftest import PROJECT_ROOT

CASES = PROJECT_ROOT.parent / "shared" / "cases" / "prices_macro"
SYMBOLS = ("JPM", "BAC", "C", "WFC", "GS")


@dataclass(frozen=True)
class Outcome:
    """Stage a case: rows, the reasons of lost lines and of refused files."""

    rows: pl.DataFrame
    reasons: list[str]
    refused: str
    holes: int


def outcome(case: str, root: Path) -> Outcome:
    paths, landed, refused = Paths(root), [], []
    for path in candidates(CASES / case):
        try:
            landed.append(detect(path))
        except PipelineError as error:
            refused.append(str(error))
    prices = [file for file in landed if file.dataset == "bank_prices"]
    files, _ = archive.archive(paths, prices)
    first = min((file.first_date for file in prices), default=date(2018, 1, 1))
    last = max((file.last_date for file in prices), default=first)
    holes: int = 0
    try:
        summary = stage_prices(paths, files, Settings(symbols=SYMBOLS), first, last)
        refused += summary.refused.values()
        holes = len(summary.faults)
    except PipelineError as error:
        refused.append(str(error))
    staged = list(paths.staging("bank_prices").glob("*.parquet"))
    lost = [pl.read_parquet(path) for path in paths.staging("quarantine").glob("*.parquet")]
    reasons = pl.concat(lost)["reason"].sort().to_list() if lost else []
    rows = pl.read_parquet(staged) if staged else pl.DataFrame()
    return Outcome(rows, reasons, " ".join(refused), holes)


def returns(found: Outcome) -> pl.DataFrame:
    """The returns between consecutive sessions on one scale."""
    by_bank = pl.col("adjusted_close").pct_change().over("symbol")
    apart = pl.col("session_number").diff().over("symbol")
    rows = found.rows.sort("symbol", "session_date").with_columns(r=by_bank, apart=apart)
    return rows.filter((pl.col("apart") == 1) & pl.col("scale_break").is_null())


def volatility(found: Outcome, symbol: str) -> float:
    deviation = returns(found).filter(symbol=symbol)["r"].std()
    assert isinstance(deviation, float)
    return float(deviation * 252**0.5)


def count(found: Outcome, symbol: str) -> int:
    return returns(found).filter(symbol=symbol).height


RIGHT: dict[str, Callable[[Outcome], bool]] = {
    "p03_other_listing": lambda o: (
        o.rows.is_empty() and "=JPM,BAC,C,WFC,GS,BAC-PK" in o.refused and "JPM.MX" in o.refused
    ),
    "p04_zone": lambda o: (
        o.rows.height == 80 and o.rows["session_date"].min() == date(2018, 1, 2) and not o.reasons
    ),
    "p07_twice": lambda o: o.rows.height == 80 and o.reasons == ["repeated_session"] * 2,
    "p11_hundred": lambda o: (
        o.reasons == ["unit_error"] and o.holes == 1 and 0.1 < volatility(o, "JPM") < 0.4
    ),
    "p12b_split_no_overlap": lambda o: (
        o.rows["scale_break"].drop_nulls().to_list() == ["scale_unknown"]
        and float(returns(o)["r"].abs().max()) < 0.25  # type: ignore[arg-type]
    ),
    "p13_years": lambda o: (
        o.rows["scale_break"].drop_nulls().to_list() == ["dividend_unknown"]
        and count(o, "JPM") == 500
        and 97.5 < o.rows.filter(session_date=date(2017, 12, 29))["adjusted_close"].item() < 98
    ),
    "p16a_gap_five": lambda o: (
        o.holes == 503 and count(o, "JPM") == 1005 and 0.19 < volatility(o, "JPM") < 0.22
    ),
    "p17_four_banks": lambda o: (
        [count(o, symbol) for symbol in ("JPM", "BAC", "C")] == [502] * 3 and o.holes == 10
    ),
    "p20a_future": lambda o: o.rows.height == 30 and o.reasons == ["future_session"],
    "p20c_9999": lambda o: o.rows.height == 30 and o.reasons == ["future_session"],
    "p22_noise": lambda o: (
        o.rows.height == 60
        and o.rows.filter(pl.max_horizontal("open", "close") > pl.col("high")).is_empty()
    ),
    "p23_comma": lambda o: o.rows.is_empty() and "ambiguous_comma 60" in o.refused,
    "p24_volume": lambda o: o.reasons == ["implausible_volume"] and o.holes == 1,
    "p26_mixed_dates": lambda o: "JPM" not in o.rows["symbol"] and "168 of its 503" in o.refused,
    "p27_weekly": lambda o: o.rows.is_empty() and "not daily" in o.refused,
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_case_ends_as_it_should(case: str, tmp_path: Path) -> None:
    if not CASES.is_dir():
        pytest.skip("the folder of cases is not next to the checkout")
    found = outcome(case, tmp_path)
    assert RIGHT[case](found), found
