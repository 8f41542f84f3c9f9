"""Employment length in words to years."""

import polars as pl

from financial_pipeline.transforms.text_values import EMPLOYMENT_TYPE, employment_years


def test_words_become_years_and_other_words_nothing() -> None:
    words = [*EMPLOYMENT_TYPE.categories, "eleven years", None]
    years = pl.DataFrame({"e": words}).select(employment_years("e"))["e"].to_list()
    assert years == [*range(11), None, None, None]


def test_parsed_words_become_the_same_years() -> None:
    words = pl.Series("e", ["10+ years", "< 1 year", "n/a", None], dtype=EMPLOYMENT_TYPE)
    assert words.to_frame().select(employment_years("e"))["e"].to_list() == [10, 0, None, None]
