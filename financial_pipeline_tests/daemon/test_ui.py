"""The web interface in a real browser, as the person who runs this every day uses it."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.daemon import market_files
from financial_pipeline_tests.daemon.conftest import Running

ARTIFACTS = PROJECT_ROOT / "test-artifacts" / "dagster"
SELECTION = 'key:"raw/bank_prices" or key:"staging/bank_prices"'
LAYERS = ("landing", "topics", "raw", "staging", "warehouse", "exports", "metrics", "ml")
GREEN, RED = "[style*='--color-accent-green']", "[style*='--color-accent-red']"
# A run of two steps on a machine that has other work too.
BACKFILL_MS = 600_000
PAGE_MS = 120_000


def picture(page: Page, name: str) -> Path:
    """A screenshot that is kept for the person who looks at the run."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTIFACTS / f"{name}.png"
    page.screenshot(path=path)
    return path


def row(page: Page, day: str) -> Locator:
    """The line of a day in a list of partitions."""
    return page.locator("[class*=ListRow]", has=page.locator(f"[title='{day}']"))


def launch_backfill(page: Page, first: str, last: str) -> None:
    """Select both assets on the lineage page and launch a backfill over the range."""
    page.locator(".CodeMirror").click()
    page.keyboard.type(SELECTION)
    page.keyboard.press("Enter")
    materialize = page.get_by_role("button", name="Materialize all")
    expect(materialize).to_be_enabled(timeout=PAGE_MS)
    expect(page.get_by_text("Materialize all (", exact=False)).to_have_count(0, timeout=PAGE_MS)
    materialize.click()
    asked = page.get_by_placeholder("No matching partitions")
    asked.fill(f"[{first}...{last}]")
    asked.press("Enter")
    picture(page, "2-backfill-over-a-range")
    page.get_by_role("button", name="Launch backfill").click()


@pytest.mark.slow
def test_backfill_from_the_lineage_page_turns_its_partitions_green_and_a_bad_day_red(
    page: Page, running: Running
) -> None:
    days, address = [day.isoformat() for day in running.days], running.server.address
    page.goto(f"{address}/asset-groups")
    for layer in LAYERS:
        expect(page.get_by_text(layer, exact=True).first).to_be_visible(timeout=PAGE_MS)
    picture(page, "1-lineage")
    launch_backfill(page, days[0], days[-1])
    page.goto(f"{address}/assets/staging/bank_prices?view=partitions")
    made = page.get_by_text(f"Materialized ({len(days)})")
    expect(made).to_be_visible(timeout=BACKFILL_MS)
    for day in days:
        expect(row(page, day).locator(GREEN)).to_have_count(1)
    picture(page, "3-partitions-are-green")
    page.goto(f"{address}/assets/staging/bank_prices?view=checks&checkDetail=no_bank_has_a_hole")
    reason = f"{days[market_files.HOLE]} has no price of BAC"
    expect(page.get_by_text(reason)).to_be_visible(timeout=PAGE_MS)
    picture(page, "4-failed-check-and-its-reason")
    page.get_by_text("Partitions", exact=True).last.click()
    expect(page.get_by_text("Failed (1)", exact=True)).to_be_visible(timeout=PAGE_MS)
    expect(row(page, days[market_files.HOLE]).locator(RED)).to_have_count(1)
    expect(row(page, days[market_files.HOLE + 1]).locator(RED)).to_have_count(0)
    picture(page, "5-bad-day-is-red")
