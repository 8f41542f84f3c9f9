"""The bank of a price file is that of its ticker line, else that of its name."""

from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources import bank_prices
from financial_pipeline_tests.sources.test_bank_prices import CLASSIC, SYMBOLS, drop


@pytest.mark.parametrize(
    "name",
    [
        "JPM.csv",
        "jpm.csv",
        "JPM_2004-2018.csv",
        "JPM (1).csv",
        "daily_JPM.csv",
        "JPM.daily.csv",
        "JPM-history.csv",
        "jpm_us_d.csv",
        "HistoricalData_JPM.csv",
        "JPM_2004-01-02_to_2018-12-31.csv",
        "JPM 2004 to 2018.csv",
        "JPM.US.csv",
        "WIKI-JPM.csv",
        "NYSE_JPM_yahoo.csv",
    ],
)
def test_describe_takes_the_symbol_from_the_name_where_the_content_has_none(
    tmp_path: Path, name: str
) -> None:
    landed = bank_prices.describe(drop(tmp_path, name, CLASSIC), SYMBOLS)
    assert (landed.subject, landed.form, landed.rows_seen) == ("JPM", "yahoo-classic", 1)
    assert (landed.first_date, landed.last_date) == (date(2004, 1, 2), date(2004, 1, 2))


@pytest.mark.parametrize(
    "name",
    [
        "prices.csv",
        "AAPL.csv",
        "JPM_BAC.csv",
        "BAC-PK.csv",
        "JPM.MX.csv",
        "JPM-PRC.csv",
        "JPM_MX.csv",
        "JPM MX.csv",
        "^C.csv",
        "BRK-C.csv",
        "JPM=F.csv",
        "JPMX.csv",
        "JPM_c.csv",
        "JPM_2017_MX.csv",
        "JPM_PRC.csv",
        "WFC Pref C.csv",
        "class_C.csv",
        "JPM_to_2018.csv",
        "BAC_PK_history.csv",
        "daily_WFC Pref C.csv",
        "dailyC.csv",
    ],
)
def test_describe_refuses_a_name_that_tells_no_single_bank(tmp_path: Path, name: str) -> None:
    with pytest.raises(PipelineError, match=r"JPM, BAC, C, WFC, GS"):
        bank_prices.describe(drop(tmp_path, name, CLASSIC), SYMBOLS)


def test_describe_believes_the_ticker_line_before_the_file_name(tmp_path: Path) -> None:
    text = (
        "Price,Close,High,Low,Open,Volume\nTicker,BAC,BAC,BAC,BAC,BAC\nDate,,,,,\n"
        "2004-01-02,2,2,1,1,5\n"
    )
    for name in ("banks.csv", "BAC_2004.csv", "JPMX.csv"):
        assert bank_prices.describe(drop(tmp_path, name, text), SYMBOLS).subject == "BAC"
    with pytest.raises(PipelineError, match=r"is named JPM but contains prices of BAC; rename"):
        bank_prices.describe(drop(tmp_path, "JPM.csv", text), SYMBOLS)
    foreign = drop(tmp_path, "JPM2.csv", text.replace("BAC", "SPY"))
    with pytest.raises(PipelineError, match=r"SPY; expected only .*SYMBOLS=JPM,BAC,C,WFC,GS,SPY"):
        bank_prices.describe(foreign, SYMBOLS)
