"""The pages of the dashboard as external assets: where the graph ends and people begin."""

from collections.abc import Iterator

import dagster as dg

from financial_pipeline.dashboard.pages import PAGES, Page
from financial_pipeline.schemas.model import MODEL_TABLES

# Pages show the manifest too: what is published, and since when.
MANIFEST = dg.AssetKey(["exports", "published_manifest"])
DOMAINS = {
    **dict.fromkeys(("portfolio", "credit", "model", "decide"), "lending"),
    **dict.fromkeys(("market", "live"), "market"),
    "macro": "macro",
}


def source_of(table: str) -> dg.AssetKey:
    """Return the asset that writes a published table."""
    layer, name = table.split("/")
    written_by = MODEL_TABLES[name].written_by if layer == "ml" else None
    return dg.AssetKey([layer, written_by or name])


def _sources(page: Page) -> Iterator[dg.AssetKey]:
    yield MANIFEST
    yield from (source_of(table) for table in page.tables)


@dg.definitions
def pages() -> dg.Definitions:
    """One external asset per page, below exactly what the page reads."""
    specs = [
        dg.AssetSpec(
            ["dashboard", name],
            deps=sorted(set(_sources(page))),
            description=page.description,
            tags={"domain": DOMAINS[name]} if name in DOMAINS else {},
        )
        for name, page in PAGES.items()
    ]
    return dg.Definitions(assets=specs)
