"""The app, which opens the published version once per run and passes it to the page."""

import gc
import sys
from typing import Any, Final

import streamlit as st

from financial_pipeline.dashboard import banners, data
from financial_pipeline.dashboard.pages import PAGES
from financial_pipeline.errors import PipelineError

# The menu marks the first page at the root alone; at its own name, this does.
FIRST_IS_ACTIVE: Final = """<style>
a[data-testid=stTopNavLink][href$="/"] {background: rgba(153, 173, 194, 0.25); font-weight: 600}
</style>"""
# How many modules were loaded when the collector last set their objects aside.
SET_ASIDE: Final = "modules_set_aside"


@st.cache_resource(show_spinner=False)
def _set_aside() -> dict[str, int]:
    return {SET_ASIDE: 0}


def spare_the_collector() -> None:
    """Exclude the objects of loaded modules from garbage collection.

    Streamlit collects after every run, through all objects: a tenth of a second with the libraries
    of every page loaded, and the server answers nobody meanwhile.
    """
    if _set_aside()[SET_ASIDE] != len(sys.modules):
        gc.collect()
        gc.freeze()
        _set_aside()[SET_ASIDE] = len(sys.modules)


def every_page() -> list[st.Page]:
    """Return the pages in the order of the menu; the first one also under its own name.

    Streamlit serves a default page at the root alone, and shows "Page not found" at its name.
    """
    first = next(iter(PAGES))
    named = [_page(name) for name in PAGES if name != first]
    at_root = _page(first, url_path="root", default=True)
    return [at_root, *named, _page(first, visibility="hidden")]


def _page(name: str, **options: Any) -> st.Page:
    return st.Page(f"app_pages/{name}.py", title=name.capitalize(), **options)


# No icon of the app or of a page: Streamlit would fetch it from a font server.
page = st.navigation(every_page(), position="top")
if page.url_path == next(iter(PAGES)):
    st.html(FIRST_IS_ACTIVE)
st.set_page_config(page_title=f"{page.title} · Financial pipeline", layout="wide")
try:
    st.session_state[data.RELEASE] = data.open_release()
except PipelineError as error:
    st.title(page.title)
    st.info(str(error), icon=":material/rocket_launch:")
else:
    try:
        banners.header(data.current(), page.title)
        page.run()
    except PipelineError as error:
        # A damaged table ends the page where it is read; what was drawn before stays.
        st.error(str(error), icon=":material/broken_image:")
    spare_the_collector()
