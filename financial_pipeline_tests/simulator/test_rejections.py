"""The simulated file of rejected applications."""

import polars as pl
import pytest

from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.simulator.rejections import write_rejections

ROWS = 120_000


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("rejections") / "rejected.csv"
    write_rejections(path, rows=ROWS, seed=1)
    return pl.read_csv(path, infer_schema=False)


def test_rejections_have_the_nine_upstream_columns_and_their_mark(rows):
    assert rows.columns == [*REJECTION_COLUMNS, "Simulated"]
    assert rows.height == ROWS


def test_application_dates_are_iso_and_in_order_within_a_chunk(rows):
    days = rows["Application Date"].str.to_date("%Y-%m-%d", strict=True)
    assert days.head(100_000).is_sorted()
    assert (days.min().year, days.max().year) == (2007, 2018)


@pytest.mark.parametrize(("year", "share"), [(2015, 0.821), (2018, 0.932)])
def test_risk_scores_are_missing_at_the_share_of_their_vintage(rows, year, share):
    vintage = rows.filter(pl.col("Application Date").str.starts_with(str(year)))
    assert vintage["Risk_Score"].is_null().mean() == pytest.approx(share, abs=0.02)


def test_two_thirds_of_all_risk_scores_are_missing(rows):
    assert rows["Risk_Score"].is_null().mean() == pytest.approx(0.669, abs=0.02)


def test_debt_to_income_is_a_percent_string(rows):
    assert rows["Debt-To-Income Ratio"].str.contains(r"^-?\d+(\.\d{1,2})?%$").all()


def test_same_seed_writes_the_same_rejections(tmp_path):
    for name in ("a.csv", "b.csv"):
        write_rejections(tmp_path / name, rows=1_000, seed=3)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_values_look_like_those_of_the_real_file(shared_data, rows):
    path = shared_data / "lendingclub" / "rejected_sample_700_2007.csv"
    real = pl.read_csv(path, infer_schema=False)
    assert [*real.columns, "Simulated"] == rows.columns
    for name in ("State", "Employment Length"):
        known = set(rows[name].drop_nulls())
        assert set(real[name].drop_nulls()) - known <= {"IA"}, name
    assert real["Zip Code"].str.contains(r"^\d{3}xx$").all()
    assert rows["Zip Code"].str.contains(r"^\d{3}xx$").all()
