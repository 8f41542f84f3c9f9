"""Each planted fault: what it changes in a file, and that all else is as without it."""

import json
from datetime import date

import polars as pl
import pytest

from financial_pipeline.simulator import planted_faults
from financial_pipeline.simulator.loan_files import write_loan_files
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.simulator.rejections import write_rejections

SEED = 5
MONTHS = {"a.csv": date(2019, 2, 1), "b.csv": date(2019, 3, 1)}


def lines(folder, name):
    return (folder / name).read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return written(tmp_path_factory.mktemp("plain"), has_faults=False)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    return written(tmp_path_factory.mktemp("faulty"), has_faults=True)


def written(folder, *, has_faults):
    targets = {folder / name: month for name, month in MONTHS.items()}
    write_loan_files(targets, loans=300, seed=SEED, has_faults=has_faults)
    write_rejections(folder / "rejected.csv", rows=300, seed=SEED, has_faults=has_faults)
    return folder


def test_worlds_of_a_thousand_loans_and_more_have_planted_faults():
    assert [planted_faults.is_planted(loans) for loans in (300, 999, 1_000, 50_000)] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("name", MONTHS)
def test_the_first_loan_asks_for_25_dollars_less_than_it_got_in_every_file(plain, faulty, name):
    rows = pl.read_csv(faulty / name, infer_schema=False)
    first = rows.row(0, named=True)
    assert float(first["loan_amnt"]) == float(first["funded_amnt"]) - 25
    assert lines(faulty, name)[2:250] == lines(plain, name)[2:250]
    # The totals of funded dollars stay.
    assert lines(faulty, name)[-2:] == lines(plain, name)[-2:]


def test_only_the_last_file_has_four_broken_lines_more(plain, faulty):
    assert len(lines(faulty, "a.csv")) == len(lines(plain, "a.csv"))
    whole = lines(faulty, "b.csv")
    assert [*whole[:-6], *whole[-2:]][2:] == lines(plain, "b.csv")[2:]
    rows = pl.read_csv(faulty / "b.csv", infer_schema=False)
    sound, broken = rows[:4], rows[-6:-2]
    assert broken.row(0) == sound.row(0)
    changed = [
        [name for name in rows.columns if sound[name][place] != broken[name][place]]
        for place in range(4)
    ]
    assert changed == [[], ["int_rate"], ["loan_status"], ["total_pymnt"]]
    assert float(broken["int_rate"][1]) == pytest.approx(100 * float(sound["int_rate"][1]))
    # No binary noise of the product.
    assert len(broken["int_rate"][1]) <= len("3099.0")
    assert broken["loan_status"][2] == "Sold"
    assert float(broken["total_pymnt"][3]) == pytest.approx(float(sound["total_pymnt"][3]) + 250)


def test_one_more_application_has_a_score_that_no_bureau_gives(plain, faulty):
    assert lines(faulty, "rejected.csv")[:-1] == lines(plain, "rejected.csv")
    rows = pl.read_csv(faulty / "rejected.csv", infer_schema=False)[-2:]
    assert rows["Risk_Score"][1] == "1250.0"
    assert rows.drop("Risk_Score").n_unique() == 1


def test_the_second_download_has_the_true_prices_and_the_first_one_wrong_session(tmp_path):
    first, second = tmp_path / "prices", tmp_path / "prices_later"
    write_prices(first, SEED)
    truth = lines(first, "WFC.csv")
    later = planted_faults.restate_price(first, second)
    assert later == second / "WFC_2019-03-31.csv"
    assert lines(second, later.name) == [truth[0], *truth[-60:]]
    stored = lines(first, "WFC.csv")
    assert [place for place, line in enumerate(stored) if line != truth[place]] == [4831]
    names = truth[0].split(",")
    old, new = (dict(zip(names, rows[-10].split(","), strict=True)) for rows in (stored, truth))
    assert new["Date"] == "2019-03-18"
    assert [name for name in names if old[name] != new[name]] == ["Low", "Close", "Adj Close"]
    assert float(old["Close"]) == pytest.approx(0.985 * float(new["Close"]), abs=1e-6)


def test_gdp_of_the_last_quarter_of_2018_came_28_days_late(tmp_path):
    write_macro(tmp_path, SEED)
    truth = json.loads((tmp_path / "GDPC1.json").read_text("utf-8"))
    planted_faults.delay_release(tmp_path)
    found = json.loads((tmp_path / "GDPC1.json").read_text("utf-8"))
    late = [row for row in found["observations"] if row["date"] == "2018-10-01"]
    assert [(row["realtime_start"], row["realtime_end"]) for row in late] == [
        ("2019-02-28", "2019-03-29"),
        ("2019-03-30", "9999-12-31"),
    ]
    others = [[r for r in x["observations"] if r["date"] != "2018-10-01"] for x in (truth, found)]
    assert others[0] == others[1]
    assert [r["value"] for r in truth["observations"]] == [
        r["value"] for r in found["observations"]
    ]
