"""A reader in a real browser: reaches loopback only, and remembers all that went wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route, expect

ARTIFACTS = Path(__file__).resolve().parents[2] / "test-artifacts" / "dashboard"
LOOPBACK = {"127.0.0.1", "localhost"}
TIMEOUT_MS = 60_000
# A taller page is cut, so that no screenshot grows without limit.
TALLEST = 9000
Scheme = Literal["light", "dark"]


class Reader:
    """One tab of a browser on one server of the app."""

    def __init__(self, browser: Browser, address: str, width: int = 1280) -> None:
        self.address = address
        self.errors: list[str] = []
        self.blocked: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.route("**/*", self._guard)
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _guard(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in {"data", "blob"} or parts.hostname in LOOPBACK:
            route.continue_()
        else:
            self.blocked.append(route.request.url)
            route.abort()

    def open(self, path: str) -> None:
        """Go to a page of the app and wait until it has run."""
        self.page.goto(f"{self.address}/{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until no run of the app is under way and every chart is drawn."""
        app = self.page.locator("[data-testid=stApp]")
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=TIMEOUT_MS)
        self.page.wait_for_timeout(300)
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=TIMEOUT_MS)
        expect(self.page.locator("[data-testid=stSkeleton]")).to_have_count(0, timeout=TIMEOUT_MS)

    def title(self) -> str:
        """The heading of the page in sight."""
        return self.page.get_by_role("heading", level=1).inner_text()

    def cards(self) -> dict[str, str]:
        """The figures in sight: label -> value."""
        found = self.page.locator("[data-testid=stMetric]").all()
        return {
            card.locator("[data-testid=stMetricLabel] p").first.inner_text(): card.locator(
                "[data-testid=stMetricValue]"
            ).inner_text()
            for card in found
        }

    def exceptions(self) -> list[str]:
        """Return the text of Streamlit's red boxes for exceptions."""
        return self.page.locator("[data-testid=stException]").all_inner_texts()

    def wide_parts(self) -> Iterator[str]:
        """Parts of the page that reach beyond its right edge."""
        return iter(
            self.page.evaluate(
                """() => [...document.querySelectorAll(
                    "[data-testid=stMainBlockContainer] [data-testid]")]
                    .filter(e => e.getBoundingClientRect().right > innerWidth + 1
                        && !e.closest("[data-testid=stDataFrame]"))
                    .map(e => e.dataset.testid)"""
            )
        )

    def screenshot(self, name: str, width: int, scheme: Scheme) -> Path:
        """A picture of the whole page, kept for the person who looks at the run."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": 900})
        self.settle()
        tall = self.page.evaluate(
            "() => document.querySelector('[data-testid=stMain]').scrollHeight"
        )
        self.page.set_viewport_size({"width": width, "height": min(int(tall) + 40, TALLEST)})
        self.settle()
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTIFACTS / f"{name}-{width}-{scheme}.png"
        self.page.screenshot(path=path)
        return path
