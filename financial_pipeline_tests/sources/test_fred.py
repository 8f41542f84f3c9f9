"""FRED files are detected from their header; series and vintage from content or name."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources import fred

ALL_VINTAGES = {"realtime_start": "1776-07-04", "realtime_end": "9999-12-31"}


def drop(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, "utf-8", newline="")
    return path


def answer(*observations: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    return ALL_VINTAGES | {"units": "lin"} | envelope | {"observations": list(observations)}


def observation(day: str, value: str, start: str = "2019-02-10") -> dict[str, str]:
    return {"realtime_start": start, "realtime_end": "9999-12-31", "date": day, "value": value}


@pytest.mark.parametrize(
    ("name", "text", "form", "subject", "vintage"),
    [
        ("x.csv", "DATE,DTB3\n2019-01-01,.\n", "fred-date", "DTB3", None),
        ("x.csv", "DATE,DTB3,\n2019-01-01,1.5,\n", "fred-date", "DTB3", None),
        ("x.csv", "DATE,DTB3,Unnamed: 2,\n2019-01-01,1.5,,\n", "fred-date", "DTB3", None),
        ("UNRATE.csv", ",date,value,\n0,2019-01-01,4,\n", "fred-date-value", "UNRATE", None),
        ("x.csv", "observation_date,GDP\n2019-01-01,1\n", "fred-observation-date", "GDP", None),
        ("UNRATE.csv", "date,value\n2019-01-01,4\n", "fred-date-value", "UNRATE", None),
        ("unrate.csv", "DATE,VALUE\n2019-01-01,4\n", "fred-date-value", "UNRATE", None),
        (
            "UNRATE_2019-02-10.csv",
            "date,value\n2019-01-01,4\n",
            "fred-date-value",
            "UNRATE",
            date(2019, 2, 10),
        ),
        (
            "x.csv",
            "observation_date,UNRATE_20190210\n2019-01-01,4\n",
            "fred-observation-date",
            "UNRATE",
            date(2019, 2, 10),
        ),
        (
            "x.csv",
            "observation_date,UNRATE,CPIAUCSL\n2019-01-01,4,250\n",
            "fred-observation-date",
            "UNRATE,CPIAUCSL",
            None,
        ),
    ],
)
def test_describe_tells_series_and_vintage_of_a_csv_file(
    tmp_path: Path, name: str, text: str, form: str, subject: str, vintage: date | None
) -> None:
    landed = fred.describe(drop(tmp_path, name, text))
    assert (landed.form, landed.subject, landed.snapshot_date) == (form, subject, vintage)
    assert (landed.first_date, landed.rows_seen) == (date(2019, 1, 1), 1)


@pytest.mark.parametrize(
    ("name", "vintage"),
    [
        ("UNRATE_20190210.csv", date(2019, 2, 10)),
        ("UNRATE_2019_02_10.csv", date(2019, 2, 10)),
        ("UNRATE_20191310.csv", None),
        ("UNRATE_2010-01-01_2019-02-10.csv", None),
        ("UNRATE_20100101_20190210.csv", None),
    ],
)
def test_describe_reads_the_day_of_a_copy_from_its_name(
    tmp_path: Path, name: str, vintage: date | None
) -> None:
    copy = drop(tmp_path, name, "DATE,UNRATE\n2019-01-01,4\n")
    assert fred.describe(copy).snapshot_date == vintage


@pytest.mark.parametrize("name", ["my data (1).csv", "2019.csv", "UNRATE-2019-02-10.csv"])
def test_describe_refuses_a_name_that_is_no_series_id(tmp_path: Path, name: str) -> None:
    with pytest.raises(PipelineError, match=r"expected a FRED series id as its name"):
        fred.describe(drop(tmp_path, name, "date,value\n2019-01-01,4\n"))


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Adj Close,Volume",
        "date;value",
        "DATE",
        "DATE,unrate",
        "DATE,UNRATE,UNRATE",
        "day,value",
        "datetime,open,high,low,close,volume",
        "",
    ],
)
def test_matches_knows_no_other_header(header: str) -> None:
    assert not fred.matches([header])


def test_describe_refuses_a_file_without_a_readable_date(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="no observation with a readable date"):
        fred.describe(drop(tmp_path, "x.csv", "DATE,UNRATE\n01/02/2019,4\n"))


def test_read_lines_counts_every_physical_line_of_a_csv_file(tmp_path: Path) -> None:
    text = (
        'observation_date,GDP\r\n\r\n2025-04-01,"30,504.50"\r\nobservation_date,GDP\r\n2025-07-01'
    )
    path = drop(tmp_path, "GDP.csv", text)
    lines = fred.read_lines(path, path)
    assert lines.notes == {"header": 1, "blank": 1, "repeated_header": 1}
    assert lines.records.select("line_number", "value", "problem").rows() == [
        (3, "30,504.50", None),
        (5, None, "wrong_field_count"),
    ]


def test_read_lines_takes_padding_in_a_file_of_several_series_for_no_observation(
    tmp_path: Path,
) -> None:
    text = "DATE,UNRATE,GDP\n2019-01-01,4.0,21000\n2019-02-01,.,\n2019-03-01,,\n"
    path = drop(tmp_path, "x.csv", text)
    columns = ["line_number", "series_id", "value", "physical_lines", "problem"]
    assert fred.read_lines(path, path).records.select(columns).rows() == [
        (2, "UNRATE", "4.0", 1, None),
        (2, "GDP", "21000", 0, None),
        (3, "UNRATE", ".", 1, None),
        (4, "UNRATE", "", 1, None),
    ]


@pytest.mark.parametrize(
    ("indent", "counts", "envelope"), [(None, [1, 0], 0), (0, [6, 6], 7), (2, [6, 6], 7)]
)
def test_read_lines_counts_every_physical_line_of_a_json_answer(
    tmp_path: Path, indent: int | None, counts: list[int], envelope: int
) -> None:
    document = answer(observation("2018-12-01", "3.9"), observation("2019-01-01", "."))
    text = json.dumps(document, indent=indent)
    path = drop(tmp_path, "UNRATE.json", text)
    lines = fred.read_lines(path, path)
    columns = ["series_id", "vintage", "realtime_start", "realtime_end", "date", "value"]
    assert lines.records.select(columns).rows() == [
        ("UNRATE", None, "2019-02-10", "9999-12-31", "2018-12-01", "3.9"),
        ("UNRATE", None, "2019-02-10", "9999-12-31", "2019-01-01", "."),
    ]
    assert lines.records["physical_lines"].to_list() == counts
    assert lines.notes == {"envelope": envelope}
    assert sum(counts) + envelope == text.count("\n") + 1
    numbered = [text.splitlines()[number - 1] for number in lines.records["line_number"]]
    assert all("{" in line for line in numbered)


def test_read_lines_takes_an_answer_for_one_day_as_a_dated_copy(tmp_path: Path) -> None:
    day = {"realtime_start": "2019-03-01", "realtime_end": "2019-03-01"}
    document = answer(observation("2019-01-01", "4.0") | day, **day)
    landed = fred.describe(drop(tmp_path, "UNRATE.json", json.dumps(document)))
    assert (landed.form, landed.snapshot_date) == ("fred-json", date(2019, 3, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"observations": [', "damaged JSON"),
        ('{"date": "2018-01-01"}\n{"date": "2018-02-01"}\n', "is a table in JSON lines"),
        ('{"seriess": []}', "without observations"),
        (json.dumps(answer(units="pch")), "units=lin"),
        ('{"observations": [1]}', "unknown shape"),
        ('{"observations": []}', "no observation with a readable date"),
    ],
)
def test_describe_refuses_another_json_document(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        fred.describe(drop(tmp_path, "UNRATE.json", text))


def test_describe_names_what_keeps_the_lines_of_a_file_from_being_read(tmp_path: Path) -> None:
    path = drop(tmp_path, "x.csv", "DATE,UNRATE\n2019-01-01,4,\n2019-02-01,4,\nJan-19,4\n")
    with pytest.raises(
        PipelineError, match=r"date; 2 of its 3 lines: wrong_field_count \(each has"
    ):
        fred.describe(path)
