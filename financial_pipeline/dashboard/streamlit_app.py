"""The app: opens the published version once per run and hands it to the page."""

import streamlit as st

from financial_pipeline.dashboard import data, elements
from financial_pipeline.dashboard.pages import PAGES
from financial_pipeline.errors import PipelineError

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
