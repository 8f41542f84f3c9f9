"""Price files are detected from their header, and their bank by content first and name second."""

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources import bank_prices
from financial_pipeline.sources.price_layout import PriceLayout, layout

SYMBOLS = ("JPM", "BAC", "C", "WFC", "GS")
CLASSIC = "Date,Open,High,Low,Close,Adj Close,Volume\n2004-01-02,1,2,1,2,1.5,10\n"


def drop(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, "utf-8")
    return path


def known_layout(*lines: str) -> PriceLayout:
    found = layout(lines)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("Date,Open,High,Low,Close,Adj Close,Volume", "yahoo-classic"),
        ("Date,Adj Close,Close,High,Low,Open,Volume", "yahoo-classic"),
        (
            "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits",
            "yfinance-history",
        ),
        (
            "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits,Capital Gains",
            "yfinance-history-adjusted",
        ),
        ("Date,Ticker,Open,High,Low,Close,Adj Close,Volume", "yahoo-classic"),
        (",Open,High,Low,Close,Adj Close,Volume\n2004-01-02,1,2,1,2,1.5,10", "yahoo-classic"),
        (
            "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient",
            "traded-history",
        ),
        (
            "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,"
            "splitFactor",
            "traded-history",
        ),
    ],
)
def test_layout_tells_one_line_headers_apart(header: str, form: str) -> None:
    assert known_layout(*header.split("\n")).form == form


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Date,Open,High,Low,Close,Volume",
        "Date;Open;High;Low;Close;Adj Close;Volume",
        "Date,Open,High,Low,Close,Adj Close,Volume,Colour",
        "Date,Open,High,Low,Close,Close,Adj Close,Volume",
        "datetime,open,high,low,close,volume",
        "DATE,UNRATE",
    ],
)
def test_layout_knows_no_other_header(header: str) -> None:
    assert not bank_prices.matches([header])


@pytest.mark.parametrize(
    ("lines", "form"),
    [
        (
            ["Price,Close,High,Low,Open,Volume", "Ticker,JPM,JPM,JPM,JPM,JPM", "Date,,,,,"],
            "yfinance-multiheader-adjusted",
        ),
        (
            [
                "Price,Adj Close,Close,High,Low,Open,Volume",
                "Ticker,JPM,JPM,JPM,JPM,JPM,JPM",
                "Date,,,,,,",
            ],
            "yfinance-multiheader",
        ),
        (
            ["Ticker,JPM,JPM,JPM,JPM,JPM", "Price,Close,High,Low,Open,Volume", "Date,,,,,"],
            "yfinance-multiheader-adjusted",
        ),
    ],
)
def test_layout_reads_the_three_header_lines_in_either_order(lines: list[str], form: str) -> None:
    found = known_layout(*lines)
    assert found.form == form
    assert found.header_lines == (1, 2, 3)
    assert found.columns.keys() == {"JPM"}


def test_layout_finds_the_columns_of_several_tickers() -> None:
    found = known_layout(
        "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume",
        "Ticker,BAC,JPM,BAC,JPM,BAC,JPM,BAC,JPM,BAC,JPM",
        "Date,,,,,,,,,,",
    )
    assert found.columns["BAC"] == {"close": 1, "high": 3, "low": 5, "open": 7, "volume": 9}
    assert found.columns["JPM"]["volume"] == 10


@pytest.mark.parametrize("form", ["{0}_{1}", "{1}_{0}", "('{0}', '{1}')", "('{1}', '{0}')"])
def test_layout_finds_fields_and_tickers_in_one_header_line(form: str) -> None:
    fields = ("Adj Close", "Close", "High", "Low", "Open", "Volume")
    names = [form.format(field, bank) for field in fields for bank in ("BAC", "JPM")]
    found = known_layout(",".join(f'"{name}"' for name in (*names, "Date")))
    assert (found.form, found.date_column) == ("yfinance-multiheader", 12)
    assert found.columns["JPM"] == {
        "adjusted_close": 1, "close": 3, "high": 5, "low": 7, "open": 9, "volume": 11
    }  # fmt: skip


def test_layout_finds_a_header_below_a_title() -> None:
    found = known_layout("JPMorgan Chase & Co.", "Currency in USD", "", *CLASSIC.splitlines())
    assert (found.form, found.header_lines) == ("yahoo-classic", (1, 2, 4))


def test_layout_ignores_the_comma_at_the_end_of_three_header_lines() -> None:
    found = known_layout(
        "Price,Close,High,Low,Open,Volume,", "Ticker,JPM,JPM,JPM,JPM,JPM,", "Date,,,,,,"
    )
    assert (found.width, found.columns["JPM"]["volume"]) == (7, 5)


def test_layout_of_two_columns_of_one_name_is_unknown() -> None:
    lines = (
        "Price,Close,High,Low,Open,Volume,Close",
        "Ticker,JPM,JPM,JPM,JPM,JPM,JPM",
        "Date,,,,,,",
    )
    assert layout(lines) is None


def test_describe_refuses_an_unknown_header_and_a_file_without_dates(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="Adj Close,Volume"):
        bank_prices.describe(drop(tmp_path, "JPM.csv", "a,b\n1,2\n"), SYMBOLS)
    header = CLASSIC.splitlines()[0]
    with pytest.raises(PipelineError, match="no line with a readable date"):
        bank_prices.describe(drop(tmp_path, "JPM.csv", header + "\n"), SYMBOLS)


def test_read_lines_counts_each_physical_line_once(tmp_path: Path) -> None:
    text = (
        "\n" + CLASSIC + CLASSIC.splitlines()[0] + '\n\n2004-01-05,"1\n",2,1,2,1.5,10\n2004-01-06,1'
    )
    path = drop(tmp_path, "JPM.csv", text)
    lines = bank_prices.read_lines(path, known_layout(*text.split("\n")), ["JPM"])
    assert lines.notes == {"header": 1, "repeated_header": 1, "blank": 2}
    assert lines.records["line_number"].to_list() == [3, 6, 8]
    assert lines.records["physical_lines"].to_list() == [1, 2, 1]
    assert lines.records["problem"].to_list() == [None, None, "wrong_field_count"]
    assert lines.records["original_text"][2] == "2004-01-06,1"


def test_read_lines_leaves_out_a_bank_without_values_on_a_line_of_several(tmp_path: Path) -> None:
    text = (
        "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n"
        "Ticker,BAC,GS,BAC,GS,BAC,GS,BAC,GS,BAC,GS\nDate,,,,,,,,,,\n"
        "1999-05-03,1,,2,,1,,1,,5,\n1999-05-04,1,9,2,9,1,9,1,9,5,9\n1999-05-05,,,,,,,,,,\n"
    )
    path = drop(tmp_path, "banks.csv", text)
    records = bank_prices.read_lines(path, known_layout(*text.split("\n")), ["BAC", "GS"]).records
    assert records.select("line_number", "symbol", "close", "physical_lines").rows() == [
        (4, "BAC", "1", 1),
        (5, "BAC", "1", 1),
        (5, "GS", "9", 0),
        (6, "BAC", None, 1),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2004-01-02", date(2004, 1, 2)),
        (" 2004-01-02 ", date(2004, 1, 2)),
        ("2004-01-02 00:00:00-05:00", date(2004, 1, 2)),
        ("2004-01-02T00:00:00.000Z", date(2004, 1, 2)),
        ("2004-02-30", None),
        ("2004-01-02x", None),
        ("1/2/2004", None),
        ("", None),
    ],
)
def test_session_date_takes_the_local_date(tmp_path: Path, text: str, expected: date) -> None:
    path = drop(tmp_path, "JPM.csv", CLASSIC.replace("2004-01-02", text))
    records = bank_prices.read_lines(path, known_layout(CLASSIC.split("\n")[0]), ["JPM"]).records
    assert records.select(bank_prices.session_date()).to_series().to_list() == [expected]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2018-01-01 23:00:00-06:00", date(2018, 1, 2)),
        ("2018-01-02 05:00:00+00:00", date(2018, 1, 2)),
        ("2018-01-02 14:00:00+0900", date(2018, 1, 2)),
        ("2018-07-02T04:00Z", date(2018, 7, 2)),
        ("2018-01-02T03:00:00Z", date(2018, 1, 1)),
        ("2018-01-02 00:00:00 EST", None),
        # A date alone in Berlin, and the close in New York as Moscow writes it.
        ("2018-01-03 00:00:00+01:00", date(2018, 1, 3)),
        ("2018-01-03 00:00:00+03:00", date(2018, 1, 2)),
        ("2018-07-03T00:00+0400", date(2018, 7, 2)),
        ("2018-01-02 16:00:00", date(2018, 1, 2)),
        ("2018-01-02 20:59", date(2018, 1, 2)),
        # The midnight of Wednesday's session in Chicago, or a time of Tuesday.
        ("2018-01-02 23:00:00", None),
        ("2018-01-02 21:00", None),
    ],
)
def test_session_date_converts_an_offset_to_new_york(text: str, day: date | None) -> None:
    assert pl.DataFrame({"date": [text]}).select(bank_prices.session_date()).item() == day


@pytest.mark.parametrize(
    ("first", "days"),
    [
        # Monday to Friday: closes in UTC.
        (1, [date(2018, 1, day) for day in range(1, 6)]),
        # Sunday to Thursday: the evenings before the sessions.
        (0, [None] * 5),
    ],
)
def test_evenings_without_an_offset_are_dates_if_one_is_a_friday(
    first: int, days: list[date | None]
) -> None:
    start = datetime(2017, 12, 31, 21) + timedelta(first)
    texts = [f"{start + timedelta(day)}" for day in range(5)]
    found = pl.DataFrame({"date": texts}).select(bank_prices.session_date()).to_series()
    assert found.to_list() == days


def test_describe_names_what_keeps_the_lines_of_a_file_from_being_read(tmp_path: Path) -> None:
    path = drop(tmp_path, "JPM.csv", CLASSIC.replace("Volume\n", "Volume,\n"))
    with pytest.raises(
        PipelineError, match=r"today; 1 of its 1 lines: wrong_field_count \(each has"
    ):
        bank_prices.describe(path, SYMBOLS)
