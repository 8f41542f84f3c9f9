"""The Macro page never shows a value of an undated copy as the value that was known."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa

from financial_pipeline.dashboard import macro_figures
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import open_page, words
from financial_pipeline_tests.dashboard.world_markets import FOREVER, MONTHS

ALFRED, RULE = "alfred", "rule"


def _publish(data_root: Path, dated: int) -> None:
    """Months of unemployment, each released on the 10th of the next month; the first are dated."""
    rows = [
        {
            "indicator_id": "unrate",
            "observation_date": month,
            "realtime_start": date(month.year + month.month // 12, month.month % 12 + 1, 10),
            "realtime_end": FOREVER,
            "value": 5.0,
            "pit_method": ALFRED if number < dated else RULE,
        }
        for number, month in enumerate(MONTHS)
    ]
    world.put(Paths(data_root), "exports/agg_macro_indicators", pl.DataFrame(rows), "2018-12-01")
    publication.publish(Paths(data_root), ["test"], {"source": "files", "is_synthetic": False})


def test_undated_copies_have_no_known_line_and_no_count_of_revisions(data_root: Path) -> None:
    _publish(data_root, dated=0)
    app = open_page(data_root, "macro")
    said = words(app)
    assert "have been revised" not in said
    assert "**48 observations** show today's revised value, with an estimated release day" in said
    assert "released about 2019-01-10, estimated" in said
    assert "Release dates by a rule, not recorded; grey ticks" in said
    chart = app.get("vega_lite_chart")[0].proto
    tables = [pa.ipc.open_stream(one.data.data).read_all() for one in chart.datasets if one.data]
    versions = [set(one["version"].to_pylist()) for one in tables if "version" in one.column_names]
    assert versions == [{"revised"}]
    assert "datum.is_estimated" in json.dumps(json.loads(chart.spec))


def test_a_series_with_both_counts_revisions_of_the_dated_ones_only(data_root: Path) -> None:
    _publish(data_root, dated=40)
    app = open_page(data_root, "macro")
    app.date_input(key="known_unrate").set_value(date(2018, 12, 31)).run()
    assert "**40 observations** were known; **0** of them have been revised" in words(app)
    assert "**8 observations** show today's revised value" in words(app)


def test_an_observation_is_of_a_quarter_a_month_or_a_day() -> None:
    first = date(2018, 10, 1)
    indicators = ("gdp_growth_saar", "unrate", "fed_funds_rate", "bill_rate_discount")
    assert [macro_figures.period(name, first) for name in indicators] == [
        "2018 Q4",
        "Oct 2018",
        "Oct 2018",
        "01 Oct 2018",
    ]
