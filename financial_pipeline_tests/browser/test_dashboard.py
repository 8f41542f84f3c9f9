"""Each page in a real browser: no exception, right figures, nothing fetched from elsewhere."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from financial_pipeline.dashboard.elements import percent
from financial_pipeline.ml import decide
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.views import connect
from financial_pipeline_tests.browser.reader import Reader, Scheme
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import PAGES

WIDTHS = (1280, 390)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


NOTICE = "Page not found"


def assert_shows(reader: Reader, page: str) -> None:
    """Check that the page in sight is this one."""
    assert reader.title() == page.capitalize()
    assert reader.page.title() == f"{page.capitalize()} · Financial pipeline"
    assert reader.page.get_by_text(NOTICE).count() == 0


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_at_its_address_without_exception_and_fits_both_widths(
    reader: Reader, page: str
) -> None:
    reader.open(page)
    assert_shows(reader, page)
    assert reader.exceptions() == []
    assert reader.cards()
    for width in WIDTHS:
        for scheme in SCHEMES:
            assert reader.screenshot(page, width, scheme).stat().st_size > 0
            assert list(reader.wide_parts()) == []


def test_the_first_page_opens_at_the_root_and_no_page_at_another_address(reader: Reader) -> None:
    reader.open("")
    assert_shows(reader, PAGES[0])
    reader.open("nowhere")
    assert reader.page.get_by_text(NOTICE).count() == 1


ACTIVE = """() => getComputedStyle(
    document.querySelector("[data-testid=stTopNavLink]")).backgroundColor"""


def test_the_menu_marks_the_page_in_sight_at_each_of_its_addresses(reader: Reader) -> None:
    marked = []
    for path in ("", "portfolio", "credit"):
        reader.open(path)
        marked.append(reader.page.evaluate(ACTIVE))
    assert marked[0] == marked[1] == "rgba(153, 173, 194, 0.25)" != marked[2]


def test_the_address_of_the_credit_page_has_its_filter(reader: Reader) -> None:
    reader.open("credit?grade=B&purpose=car")
    assert "grade=B" in reader.page.url
    assert reader.page.get_by_text("50 loans of grade B or more").count() == 1


def test_menu_leads_to_each_page_once(reader: Reader) -> None:
    reader.open("")
    links = reader.page.get_by_test_id("stTopNavLink")
    assert links.all_inner_texts() == [page.capitalize() for page in PAGES]


def test_reader_notices_what_comes_from_elsewhere(reader: Reader) -> None:
    reader.open("decide")
    reader.page.evaluate("() => fetch('http://192.0.2.1/').catch(() => null)")
    assert reader.blocked == ["http://192.0.2.1/"]
    reader.blocked.clear()


def test_cards_equal_the_published_tables(reader: Reader, served_root: Path) -> None:
    paths = Paths(served_root)
    with connect(paths, read_manifest(paths)) as connection:
        rows = connection.execute(
            "select measure, value from metrics.portfolio_summary"
            " where snapshot_month = (select max(snapshot_month) from metrics.portfolio_summary)"
        ).fetchall()
        late, dead, bars = (
            f"{connection.execute(f'select count(*) from stream.{name}').fetchall()[0][0]:,}"
            for name in ("late_messages", "dead_letters", "market_bars_1m")
        )
    measures = dict(rows)
    reader.open("")
    shown = reader.cards()
    assert shown["Default rate (matured)"] == percent(measures["default_rate_matured"])
    assert shown["Loans"] == f"{measures['loans']:,.0f}"
    reader.open("live")
    shown = reader.cards()
    assert (shown["Late"], shown["Dead letters"], shown["Bars"]) == (late, dead, bars)


def test_slider_changes_the_figures_and_the_address_holds_the_view(reader: Reader) -> None:
    reader.open("decide")
    before = reader.cards()
    handle = reader.page.get_by_role("slider").first
    handle.focus()
    for _ in range(5):
        handle.press("ArrowLeft")
    reader.page.wait_for_url("**threshold=**")
    reader.settle()
    after = reader.cards()
    chosen = float(parse_qs(urlsplit(reader.page.url).query)["threshold"][0])
    row = decide.threshold_row(world.thresholds()[0], chosen)
    assert after["Approval rate"] == percent(row["approval_rate"]) != before["Approval rate"]
    pasted = reader.page.url.removeprefix(f"{reader.address}/")
    reader.page.goto("about:blank")
    reader.open(pasted)
    assert reader.cards() == after


def test_click_on_a_bar_chooses_its_grade_and_leads_to_its_rows(reader: Reader) -> None:
    reader.open("portfolio")
    bars = reader.page.locator(
        "[class*=st-key-grade_bars] svg.marks path[aria-roledescription=bar]"
    )
    bars.first.click()
    reader.page.wait_for_url("**grade=A**")
    reader.settle()
    # Half of the 400 loans; 150 of them have matured.
    assert reader.cards()["Chosen loans"] == "200"
    assert reader.page.get_by_text("150 matured loans, 30 bad").count() == 1


def test_click_on_a_state_of_the_map_chooses_it_and_again_after_a_reset(reader: Reader) -> None:
    reader.open("portfolio")
    state = "[class*=st-key-state_map] svg.marks path[aria-label^='state: Texas']"
    for _ in range(2):
        # Its letters or its shape get the click.
        reader.page.locator(state).first.click(force=True)
        reader.page.wait_for_url("**state=TX**")
        reader.settle()
        assert reader.cards()["Chosen loans"] == "200"
        reader.page.get_by_role("button", name="Reset").click()
        reader.page.wait_for_url(lambda url: "state=" not in url)
        reader.settle()
