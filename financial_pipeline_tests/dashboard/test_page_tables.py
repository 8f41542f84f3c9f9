"""Pages read exactly the tables that they declare: the declaration is the end of the lineage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from financial_pipeline.dashboard import banners
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.pages import NOT_DRAWN, PAGES
from financial_pipeline.defs.exports.publication import LEDGERS
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline.schemas.operations import OPERATIONS
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.dashboard.app import open_page


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The tables that pages ask for from now on; the header of the app is no part of a page."""
    keys: set[str] = set()

    def recorded(method: Callable[..., Any]) -> Callable[..., Any]:
        def asked(self: Release, *arguments: str, **values: Any) -> Any:
            keys.update(one for one in arguments if "/" in one and " " not in one)
            return method(self, *arguments, **values)

        return asked

    monkeypatch.setattr(Release, "rows", recorded(Release.rows))
    monkeypatch.setattr(Release, "missing", recorded(Release.missing))
    monkeypatch.setattr(banners, "header", lambda release, title: None)
    return keys


@pytest.mark.parametrize("page", PAGES)
def test_page_reads_exactly_the_tables_that_it_declares(
    whole_world: Path, read: set[str], page: str
) -> None:
    app = open_page(whole_world, next(iter(PAGES)))
    if page != next(iter(PAGES)):
        read.clear()
        app.switch_page(f"app_pages/{page}.py").run()
    assert not app.exception
    assert read == set(PAGES[page].tables)


def test_every_published_table_is_drawn_by_a_page_or_has_a_reason_not_to_be() -> None:
    contracts = (MARTS, METRIC_TABLES, MODEL_TABLES, STREAM_TABLES, OPERATIONS)
    published = {table.key for tables in contracts for table in tables.values()}
    published |= {f"exports/{name}" for name in LEDGERS}
    drawn = {key for page in PAGES.values() for key in page.tables}
    assert published - drawn == set(NOT_DRAWN)
    assert drawn - published == set()
    assert all(reason.endswith(".") for reason in NOT_DRAWN.values())


def test_dbt_exposures_are_the_pages_and_the_marts_they_read() -> None:
    file = PROJECT_ROOT / "dbt_project" / "models" / "marts" / "exposures.yml"
    exposures = yaml.safe_load(file.read_text("utf-8"))["exposures"]
    marts = {
        page: {f"ref('{t.removeprefix('exports/')}')" for t in known.tables if "exports/" in t}
        - {f"ref('{name}')" for name in LEDGERS}
        for page, known in PAGES.items()
    }
    assert {one["name"]: set(one["depends_on"]) for one in exposures} == {
        f"dashboard_{page}": refs for page, refs in marts.items() if refs
    }
    assert {one["name"]: one["description"] for one in exposures} == {
        f"dashboard_{page}": PAGES[page].description for page, refs in marts.items() if refs
    }
