"""Runs the app without a browser, on a data root of its own."""

import os
from pathlib import Path

from streamlit.testing.v1 import AppTest

from financial_pipeline.dashboard.launch import APP

PAGES = ("portfolio", "credit", "market", "macro", "model", "decide", "live", "health")
ROOT_VARIABLE = "FINANCIAL_PIPELINE_DATA_ROOT"


def open_page(data_root: Path, page: str, **query: str) -> AppTest:
    """A page after its first run; the query is that of the URL."""
    os.environ[ROOT_VARIABLE] = str(data_root)
    app = AppTest.from_file(APP, default_timeout=60)
    if page != PAGES[0]:
        app.run().switch_page(f"app_pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def metrics(app: AppTest) -> dict[str, str]:
    """The cards of a page: label -> value."""
    return {card.label: str(card.value) for card in app.metric}


def words(app: AppTest) -> str:
    """Return the text of a page's boxes and small print."""
    boxes = (app.info, app.warning, app.error, app.caption, app.markdown)
    text = "\n".join(str(element.value) for kind in boxes for element in kind)
    # A reader does not see that a dollar sign is escaped.
    return text.replace("\\$", "$")
