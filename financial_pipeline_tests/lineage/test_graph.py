"""The asset graph is one: from the drop folder and the topics down to the pages people look at."""

from collections.abc import Iterable

import dagster as dg

from financial_pipeline.dashboard.pages import NOT_DRAWN, PAGES
from financial_pipeline.defs.dashboard.assets import source_of
from financial_pipeline_tests.test_definitions import specs

Edges = dict[dg.AssetKey, set[dg.AssetKey]]
MANIFEST = dg.AssetKey(["exports", "published_manifest"])
# Read by the model and by metrics, though no page draws them.
READ_FURTHER = {
    "exports/fct_loan_applications",
    "exports/fct_loan_performance_monthly",
    "ml/training_set",
}


def upstreams() -> Edges:
    return {spec.key: {dep.asset_key for dep in spec.deps} for spec in specs()}


def reached(starts: Iterable[dg.AssetKey], edges: Edges) -> set[dg.AssetKey]:
    found: set[dg.AssetKey] = set()
    waiting = list(starts)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += edges[key]
    return found


def test_graph_is_one_piece() -> None:
    edges = upstreams()
    both: Edges = {key: set(deps) for key, deps in edges.items()}
    for key, deps in edges.items():
        for dep in deps:
            both[dep].add(key)
    assert set(edges) - reached([dg.AssetKey(["dashboard", "portfolio"])], both) == set()


def test_every_page_is_an_asset_below_the_tables_it_reads() -> None:
    edges = upstreams()
    pages = {key.path[1]: deps for key, deps in edges.items() if key.path[0] == "dashboard"}
    assert pages.keys() == PAGES.keys()
    for name, page in PAGES.items():
        tables = {source_of(table) for table in page.tables}
        assert pages[name] == tables | {MANIFEST}


def test_what_nothing_reads_is_declared() -> None:
    # The manifest names every table, so the way over it says nothing.
    edges = {key: deps for key, deps in upstreams().items() if key != MANIFEST}
    read = set().union(*edges.values())
    ends = {key.to_user_string() for key in edges.keys() - read if key.path[0] != "dashboard"}
    assert ends == NOT_DRAWN.keys() - READ_FURTHER


def test_sources_stand_outside_and_everything_else_is_made_from_something() -> None:
    seeds = {"us_states", "us_market_closures", "securities", "purposes", "macro_series"}
    outside = {"landing", "topics", "operations"}
    starts = {key for key, deps in upstreams().items() if not deps and key.path[0] not in outside}
    # A grade is a letter and a digit: dbt counts them out.
    assert {key.path[1] for key in starts} == seeds | {"loan_statuses", "dim_grade"}
