"""The documentation site: its pages, and the messages that it explains."""

import ast
import re

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT

DOCS = PROJECT_ROOT / "docs"
SITE = PROJECT_ROOT / "properdocs.yml"
MESSAGE = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)


def text_of(node: ast.expr) -> str:
    """Return the text of a string with … for each value that it fills in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"


def texts_of_the_package() -> str:
    files = sorted((PROJECT_ROOT / "financial_pipeline").rglob("*.py"))
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    kinds = (ast.JoinedStr, ast.Constant)
    return "\n".join(text_of(node) for node in nodes if isinstance(node, kinds))


def test_troubleshooting_quotes_messages_of_the_product() -> None:
    texts = texts_of_the_package()
    quoted = MESSAGE.findall((DOCS / "troubleshooting.md").read_text("utf-8"))
    assert len(quoted) > 30
    assert [message for message in quoted if message not in texts] == []


def test_a_text_that_is_filled_in_has_a_mark_for_each_value() -> None:
    node = ast.parse("f'Port {a} is' f' taken by {b!r}.'", mode="eval").body
    assert text_of(node) == "Port … is taken by …."


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    listed = re.findall(r": (\w+)\.md", SITE.read_text("utf-8"))
    assert {page.stem for page in DOCS.glob("*.md")} - set(listed) == set()


# A page that multiplies measured figures is wrong as soon as one of them is measured again.
QUOTED = (
    "399 s|7.6 GB|8.6 GB|6.0 GB|0.39 ms|0.56 ms|2.9 kB|1.78 MB|16.4 µs|117,100|41,000|83 s|54 s"
)


@pytest.mark.parametrize("figure", QUOTED.split("|"))
def test_the_page_beyond_one_machine_quotes_measured_figures(figure: str) -> None:
    for page in ("beyond_one_machine.md", "measurements.md"):
        assert figure in (DOCS / page).read_text("utf-8"), page
