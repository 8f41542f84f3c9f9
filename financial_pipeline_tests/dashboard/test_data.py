"""A page reads the manifest once; answers live as long as the tables they came from."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import streamlit as st

from financial_pipeline.dashboard import charts, data, state_map
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import PAGES, metrics, open_page


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts of manifests read, sessions opened and queries asked."""
    counts = {"read_manifest": 0, "KeptSession": 0, "all_rows": 0}

    def counted(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **values: Any) -> Any:
            counts[name] += 1
            return real(*arguments, **values)

        monkeypatch.setattr(owner, name, call)

    counted(data, "read_manifest")
    counted(data, "KeptSession")
    counted(data.Release, "all_rows")
    return counts


@pytest.mark.parametrize("page", PAGES)
def test_rerun_reads_the_manifest_once_and_asks_nothing_twice(
    whole_world: Path, calls: dict[str, int], page: str
) -> None:
    app = open_page(whole_world, page)
    calls.update(read_manifest=0, KeptSession=0, all_rows=0)
    app.run()
    assert calls == {"read_manifest": 1, "KeptSession": 0, "all_rows": 0}


def test_a_changed_filter_asks_four_queries_of_kept_sessions(
    whole_world: Path, calls: dict[str, int]
) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()
    app = open_page(whole_world, "portfolio")
    # Of the layers exports and metrics.
    assert calls["KeptSession"] == 2
    calls.update(KeptSession=0, all_rows=0)
    app.selectbox(key="purpose").select("car").run()
    # States, rates by grade and year, curves (which do not change), sums and rows of loans.
    assert (calls["KeptSession"], calls["all_rows"]) == (0, 4)


def test_new_publish_shows_at_the_next_rerun(small_world: Path) -> None:
    app = open_page(small_world, "portfolio")
    assert metrics(app)["Default rate (matured)"] == "20.0%"
    risen = world.summary().with_columns(pl.col("value") * 1.5)
    world.put(Paths(small_world), "metrics/portfolio_summary", risen)
    publication.publish(Paths(small_world), ["test"], world.SIMULATED)
    assert metrics(app.run())["Default rate (matured)"] == "30.0%"


def test_a_page_names_a_damaged_table_in_a_sentence(small_world: Path) -> None:
    st.cache_data.clear()
    (file,) = (small_world / "exports" / "fct_loans").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:10])
    app = open_page(small_world, "portfolio")
    assert not app.exception
    assert "The files of exports/fct_loans in" in app.info[0].value
    assert "missing or damaged; run the job" in app.info[0].value
    assert metrics(app)["Default rate (matured)"] == "20.0%"


def test_values_are_bound_and_never_part_of_the_query(small_world: Path) -> None:
    release = data.open_release()
    query = "select count(*) as n from marts.fct_loans where loan_id = $loan_id"
    hostile = "' or 1=1; drop table fct_loans; --"
    assert release.rows(query, "exports/fct_loans", loan_id=hostile)["n"][0] == 0


def test_thinned_keeps_the_last_row_and_stays_below_the_limit() -> None:
    frame = pl.DataFrame({"x": range(20_001)})
    thin = charts.thin(frame, 2)
    assert thin.height * 2 <= charts.MAX_POINTS
    assert thin["x"][-1] == 20_000


def test_every_state_and_the_district_have_one_outline() -> None:
    codes = state_map.on_map()
    assert len(set(codes)) == len(codes) == 51
    assert all(feature["geometry"]["coordinates"] for feature in state_map.outlines())
