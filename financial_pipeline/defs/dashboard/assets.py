"""The pages of the dashboard as external assets: where the graph ends and people begin."""

from collections.abc import Iterator

import dagster as dg

from financial_pipeline.dashboard.pages import PAGES, Page
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming.logs import DATASETS

# Pages show the manifest too: what is published, and since when.
MANIFEST = dg.AssetKey(["exports", "published_manifest"])
DOMAINS = {
    **dict.fromkeys(("portfolio", "model", "decide"), "lending"),
    **dict.fromkeys(("market", "live"), "market"),
    "macro": "macro",
}


def source_of(table: str) -> dg.AssetKey | None:
    """The asset that a published table comes from; None for what tells about runs, not data."""
    layer, name = table.split("/")
    if layer == "operations":
        return None
    if layer == "ml":
        return dg.AssetKey(["ml", MODEL_TABLES[name].written_by or name])
    if layer == "stream":
        topic = STREAM_TABLES[name].topic
        return dg.AssetKey(["raw", DATASETS[topic]] if topic else ["staging", "market_bars"])
    return dg.AssetKey([layer, name])


def _sources(page: Page) -> Iterator[dg.AssetKey]:
    yield MANIFEST
    for table in page.tables:
        if key := source_of(table):
            yield key


@dg.definitions
def pages() -> dg.Definitions:
    """One external asset per page, below exactly what the page reads."""
    specs = [
        dg.AssetSpec(
            ["dashboard", name],
            group_name="dashboard",
            deps=sorted(set(_sources(page))),
            description=page.description,
            tags={"domain": DOMAINS[name]} if name in DOMAINS else {},
        )
        for name, page in PAGES.items()
    ]
    return dg.Definitions(assets=specs)
