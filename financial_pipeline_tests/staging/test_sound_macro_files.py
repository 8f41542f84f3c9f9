"""Macro files as data frames and spreadsheets write them, each with its right value."""

from pathlib import Path

import pytest

from financial_pipeline.errors import RefusedFile
from financial_pipeline_tests.staging.test_macro_cases import known
from financial_pipeline_tests.staging.test_made_macro_files import HEADER, frame_of, months

SHEET = "".join(f"{n % 12 + 1}/1/{2018 + n // 12},4.{n}\n" for n in range(14))
EXPORT = (
    "FRED Graph Observations,\nFederal Reserve Economic Data,\n\n"
    "Frequency: Monthly,\nobservation_date,UNRATE\n"
)
RATES = months(2018, ["4.0", "4.1", "4.2"])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        # An index without a name, one that Parquet puts last, and days of a sheet.
        ("x.csv", ",UNRATE\n" + RATES, 4.1),
        ("x.csv", "UNRATE,DATE\n4.0,2018-01-01\n4.1,2018-02-01\n4.2,2018-03-01\n", 4.1),
        ("x.csv", HEADER + SHEET, 4.1),
        # The sheet that FRED exports, and the second download of a name.
        ("fredgraph.csv", EXPORT + RATES, 4.1),
        ("UNRATE (1).csv", "date,value\n" + RATES, 4.1),
    ],
)
def test_form_is_read(tmp_path: Path, name: str, text: str, value: float) -> None:
    frame = frame_of(tmp_path, name, text)
    assert known(frame, "UNRATE", "2018-02-01", "2018-03-10") == value


def test_real_product_in_dollars_of_2000_is_read(tmp_path: Path) -> None:
    text = "DATE,GDPC1\n2008-01-01,11646\n2008-04-01,11727.4\n"
    frame = frame_of(tmp_path, "GDPC1_2008-12-23.csv", text)
    assert known(frame, "GDPC1", "2008-04-01", "2008-12-23") == 11727.4


@pytest.mark.parametrize(
    ("values", "is_refused"),
    [(["0.08", "0.08", "0.20"], False), (["0.0008", "0.0008", "0.002"], True)],
)
def test_rates_of_early_2022_are_near_zero(
    tmp_path: Path, values: list[str], is_refused: bool
) -> None:
    text = "DATE,FEDFUNDS\n" + months(2022, values)
    if is_refused:
        with pytest.raises(RefusedFile, match=r"median of 0\.0008, which is that of fractions"):
            frame_of(tmp_path, "x.csv", text)
    else:
        frame = frame_of(tmp_path, "x.csv", text)
        assert known(frame, "FEDFUNDS", "2022-03-01", "2022-12-31") == 0.2


@pytest.mark.parametrize(("series_id", "is_refused"), [("UNRATE", True), ("UNRATENSA", False)])
def test_unemployment_without_adjustment_is_refused_under_the_name_of_its_twin(
    tmp_path: Path, series_id: str, is_refused: bool
) -> None:
    years = [["10.6"] + ["9.4"] * 5 + ["9.1"] * 6, ["9.8"] + ["8.9"] * 5 + ["8.5"] * 6, ["8.8"]]
    values = [value for year in years for value in year]
    text = f"DATE,{series_id}\n" + months(2010, values)
    if is_refused:
        with pytest.raises(RefusedFile, match="its UNRATE has the values of UNRATENSA, the series"):
            frame_of(tmp_path, "x.csv", text)
    else:
        frame = frame_of(tmp_path, "x.csv", text)
        assert known(frame, series_id, "2012-01-01", "2012-12-31") == 8.8
