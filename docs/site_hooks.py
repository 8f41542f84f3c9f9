"""Hooks of the documentation site: pages from outside `docs/`, and links between both places."""

import re
from pathlib import Path

from properdocs.config.defaults import ProperDocsConfig
from properdocs.exceptions import PluginError
from properdocs.structure.files import File, Files
from properdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
# Files of the repository's top folder, and their names on the site.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "LICENSE.txt",
}
DBT_PAGE = "build/dbt.html"
LINK = re.compile(r"\]\((?:\.\./|docs/)?([^):#]+)(#[^)]*)?\)")
# GitHub draws it; the site would need a script from elsewhere, and shows the picture below it.
DIAGRAM = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)

LOADED_FROM_ELSEWHERE = re.compile(
    r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(?:https?:)?//[^>]*"
)


def on_files(files: Files, config: ProperDocsConfig) -> Files:
    """Add pages of the top folder, notebooks, and dbt's documentation (`make docs` writes it)."""
    for source, name in PAGES.items():
        text = site_text((ROOT / source).read_text("utf-8"))
        files.append(File.generated(config, name, content=text))
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    if not (ROOT / DBT_PAGE).exists():
        raise PluginError(f"There is no {DBT_PAGE}; run `make docs`, which writes it.")
    files.append(File.generated(config, "dbt.html", abs_src_path=str(ROOT / DBT_PAGE)))
    return files


def site_text(markdown: str) -> str:
    """Return Markdown of the repository with the links of the site and without diagrams."""
    return LINK.sub(_site_link, DIAGRAM.sub("", markdown))


def on_page_markdown(markdown: str, **_: object) -> str:
    """Translate the links of a page of `docs/`."""
    return site_text(markdown)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Refuse a page that loads a script, style, font or picture from elsewhere."""
    if found := LOADED_FROM_ELSEWHERE.search(output):
        raise PluginError(f"{page.file.src_uri} loads from another host: {found[0]}")
    return output


def _site_link(match: re.Match[str]) -> str:
    target = match[1]
    return f"]({PAGES.get(target, target)}{match[2] or ''})"
