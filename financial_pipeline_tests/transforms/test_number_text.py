"""Numbers are read as files write them, and nothing else passes for a number."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from financial_pipeline.transforms.text_values import is_unreadable, number


def read(text: str | None) -> tuple[float | None, bool]:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    return frame.select(number("text").alias("value"), is_unreadable("text")).row(0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30,504.50", 30504.5),
        ("1,234,567", 1234567.0),
        (" 4.20 ", 4.2),
        ("-1.5", -1.5),
        ("+2", 2.0),
        (".5", 0.5),
        ("7.", 7.0),
        ("1.5e3", 1500.0),
    ],
)
def test_number_reads_what_files_write(text: str, expected: float) -> None:
    assert read(text) == (expected, False)


@pytest.mark.parametrize("text", [None, "", "  ", ".", "null", "NaN", "N/A", "#N/A", "<NA>", "NaT"])
def test_number_takes_words_for_missing_as_missing(text: str | None) -> None:
    assert read(text) == (None, False)


@pytest.mark.parametrize("text", ["1,23", "1,2345", "inf", "abc", "1.2.3", "$5", "12 3", "1e999"])
def test_number_refuses_everything_else(text: str) -> None:
    assert read(text) == (None, True)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_number_reads_back_what_python_writes(value: float) -> None:
    assert read(f"{value:.6f}") == (float(f"{value:.6f}"), False)
    assert read(f"{value:,.2f}") == (float(f"{value:.2f}"), False)


@given(st.text())
def test_number_never_gives_a_value_for_an_unreadable_text(text: str) -> None:
    value, unreadable = read(text)
    assert not (unreadable and value is not None)
