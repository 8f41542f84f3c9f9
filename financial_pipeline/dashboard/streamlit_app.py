"""The app: opens the published version once per run and hands it to the page."""

import gc
import sys
from typing import Final

import streamlit as st

from financial_pipeline.dashboard import data, elements
from financial_pipeline.dashboard.pages import PAGES
from financial_pipeline.errors import PipelineError

# How many modules were loaded when the collector last set their objects aside.
SET_ASIDE: Final = "modules_set_aside"


@st.cache_resource(show_spinner=False)
def _set_aside() -> dict[str, int]:
    return {SET_ASIDE: 0}


def spare_the_collector() -> None:
    """Take the objects of loaded modules out of the collections of garbage.

    Streamlit collects after every run, through all objects: a tenth of a second with the libraries
    of every page loaded, during which nobody is served.
    """
    if _set_aside()[SET_ASIDE] != len(sys.modules):
        gc.collect()
        gc.freeze()
        _set_aside()[SET_ASIDE] = len(sys.modules)


# No icon of the app or of a page: Streamlit would fetch it from a font server.
st.set_page_config(page_title="Financial pipeline", layout="wide")
page = st.navigation(
    [
        st.Page(f"app_pages/{name}.py", title=name.capitalize(), default=name == next(iter(PAGES)))
        for name in PAGES
    ],
    position="top",
)
try:
    st.session_state[data.RELEASE] = data.open_release()
except PipelineError as error:
    st.title(page.title)
    st.info(str(error), icon=":material/rocket_launch:")
else:
    elements.header(data.current(), page.title)
    page.run()
    spare_the_collector()
